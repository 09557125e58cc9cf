"""`kontor reseller api-key-list|api-key-revoke|registration`: what may come in, and how."""

from uuid import UUID

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from app import identity
from app.cli.connection import with_database
from app.cli.examples import examples
from app.cli.reseller import scope_of
from app.kernel import now, transaction

_OPEN, _BY_INVITATION = "open", "by-invitation"


@click.command(epilog=examples("kontor reseller api-key-list nordlicht"))
@click.argument("slug")
@with_database
def api_key_list(slug: str) -> None:
    """List a reseller's API keys, newest first."""
    scope = scope_of(slug)
    table = Table("Name", "Begins with", "May", "Since", "Last used", "State", box=SIMPLE_HEAD)
    # Ids are there to be copied: never cut.
    table.add_column("Id", no_wrap=True)
    with transaction(scope) as session:
        for key in identity.list_api_keys(session, scope):
            table.add_row(
                key.name,
                key.prefix,
                " ".join(key.scopes),
                f"{key.created_at:%Y-%m-%d}",
                f"{key.last_used_at:%Y-%m-%d %H:%M}" if key.last_used_at else "never",
                "valid" if key.revoked_at is None else f"revoked {key.revoked_at:%Y-%m-%d}",
                str(key.id),
            )
    Console().print(table)


@click.command(
    epilog=examples("kontor reseller api-key-revoke nordlicht 0193a1b2-7c4d-7e8f-9a0b-1c2d3e4f5a6b")
)
@click.argument("slug")
@click.argument("key_id", type=click.UUID)
@with_database
def api_key_revoke(slug: str, key_id: UUID) -> None:
    """End a key of a reseller for good."""
    scope = scope_of(slug)
    with transaction(scope) as session:
        identity.revoke_api_key(session, scope, key_id=key_id, now=now())
    click.echo(f"{key_id} is revoked.")


@click.command(epilog=examples("kontor reseller registration nordlicht open"))
@click.argument("slug")
@click.argument("policy", type=click.Choice([_OPEN, _BY_INVITATION]))
@with_database
def registration(slug: str, policy: str) -> None:
    """Let strangers register at a reseller, or only whom it invites."""
    scope = scope_of(slug)
    with transaction(scope) as session:
        identity.set_registration(session, scope, is_open=policy == _OPEN)
    click.echo(f"Accounts at {slug}: {policy}.")
