from uuid import UUID

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from app import identity
from app.cli.connection import with_database
from app.cli.examples import examples
from app.cli.prompts import ask_password
from app.kernel import now, transaction
from app.tenancy import PlatformScope, found_platform


@click.group()
def admin() -> None:
    """Look after the people who run the platform, and its API keys."""


@admin.command(epilog=examples("kontor admin add paula@example.com --name 'Paula Platt'"))
@click.argument("email")
@click.option("--name", required=True, help="What the person is called.")
@with_database
def add(email: str, name: str) -> None:
    """Let a person run the platform; the password is asked for."""
    password = ask_password()
    scope = PlatformScope()
    with transaction(scope) as session:
        found_platform(session, scope, name="Kontor")
        user = identity.add_platform_user(session, scope, email=email, name=name, password=password)
    click.echo(f"{user.email} may sign in on /admin/login.")


@admin.command(epilog=examples("kontor admin key-add 'Voice meter' --scope usage:write"))
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice([each.value for each in identity.ApiScope]),
    help="What the key may do; may stand more than once.",
)
@with_database
def key_add(name: str, scopes: tuple[str, ...]) -> None:
    """Make a key for the API on the platform's own host and print its secret, this once."""
    scope = PlatformScope()
    with transaction(scope) as session:
        _, secret = identity.make_platform_api_key(session, scope, name=name, scopes=scopes)
    click.echo(secret)


@admin.command(epilog=examples("kontor admin key-list"))
@with_database
def key_list() -> None:
    """List the platform's API keys, newest first."""
    scope = PlatformScope()
    table = Table("Name", "Begins with", "May", "Since", "State", box=SIMPLE_HEAD)
    # Ids are there to be copied: never cut.
    table.add_column("Id", no_wrap=True)
    with transaction(scope) as session:
        for key in identity.list_platform_api_keys(session, scope):
            table.add_row(
                key.name,
                key.prefix,
                " ".join(key.scopes),
                f"{key.created_at:%Y-%m-%d}",
                "valid" if key.revoked_at is None else f"revoked {key.revoked_at:%Y-%m-%d}",
                str(key.id),
            )
    Console().print(table)


@admin.command(epilog=examples("kontor admin key-revoke 0193a1b2-7c4d-7e8f-9a0b-1c2d3e4f5a6b"))
@click.argument("key_id", type=click.UUID)
@with_database
def key_revoke(key_id: UUID) -> None:
    """End a key of the platform for good."""
    scope = PlatformScope()
    with transaction(scope) as session:
        identity.revoke_platform_api_key(session, scope, key_id=key_id, now=now())
    click.echo(f"{key_id} is revoked.")
