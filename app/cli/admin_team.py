"""`kontor admin invite|list|remove`: who runs the platform."""

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from app import identity
from app.cli.connection import with_database
from app.cli.examples import examples
from app.cli.links import PRINT_LINK, say_sent
from app.identity import Realm
from app.kernel import now, transaction
from app.tenancy import PlatformScope, found_platform

_PLATFORM = PlatformScope()


@click.command(epilog=examples("kontor admin invite paula@example.com --name 'Paula' --print-link"))
@click.argument("email")
@click.option("--name", required=True, help="What the person is called.")
@PRINT_LINK
@with_database
def invite(email: str, *, name: str, is_printed: bool) -> None:
    """Invite a person to run the platform; somebody who was invited before gets a new link."""
    address, since = identity.normalise_email(email), now()
    with transaction(_PLATFORM) as session:
        found_platform(session, _PLATFORM, name="Kontor")
        admins = identity.list_platform_users(session, _PLATFORM)
        known = next((each.id for each in admins if each.email == address), None)
        if known is not None:
            link = identity.resend_invitation(
                session, _PLATFORM, realm=Realm.PLATFORM, user_id=known, now=since
            )
        else:
            link = identity.invite_platform_user(
                session, _PLATFORM, email=email, name=name, now=since
            )
    say_sent(link, is_printed=is_printed)


@click.command("list", epilog=examples("kontor admin list"))
@with_database
def list_all() -> None:
    """List who runs the platform."""
    table = Table("Name", "State", "Since", box=SIMPLE_HEAD)
    table.add_column("Address", no_wrap=True)
    with transaction(_PLATFORM) as session:
        for user in identity.list_platform_users(session, _PLATFORM):
            state = "active" if user.has_joined else "invited"
            table.add_row(user.name, state, f"{user.created_at:%Y-%m-%d}", user.email)
    Console().print(table)


@click.command(epilog=examples("kontor admin remove paula@example.com"))
@click.argument("email")
@with_database
def remove(email: str) -> None:
    """Take an admin's sign-in, or her invitation, away; the last one stays."""
    address = identity.normalise_email(email)
    with transaction(_PLATFORM) as session:
        admins = identity.list_platform_users(session, _PLATFORM)
        found = next((each.id for each in admins if each.email == address), None)
        if found is None:
            raise identity.CustomerUserNotFoundError
        identity.remove_platform_user(session, _PLATFORM, user_id=found)
    click.echo(f"{address} may no longer sign in.")
