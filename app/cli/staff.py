"""`kontor staff`: the team of a reseller."""

from uuid import UUID

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from sqlalchemy.orm import Session

from app import identity
from app.cli.connection import with_database
from app.cli.examples import examples
from app.cli.links import PRINT_LINK, say_sent
from app.cli.reseller import scope_of
from app.identity import Realm, StaffRole
from app.kernel import now, transaction
from app.tenancy import TenantScope

_ROLE = click.Choice([each.value for each in StaffRole])


@click.group()
def staff() -> None:
    """Look after the people who work for a reseller."""


@staff.command(
    epilog=examples(
        "kontor staff invite nordlicht jonas@example.com --name 'Jonas Petersen' --role finance"
    )
)
@click.argument("slug")
@click.argument("email")
@click.option("--name", required=True, help="What the person is called.")
@click.option("--role", type=_ROLE, required=True, help="What the person works on.")
@PRINT_LINK
@with_database
def invite(slug: str, email: str, *, name: str, role: str, is_printed: bool) -> None:
    """Invite a person to a reseller's team; somebody who was invited before gets a new link."""
    scope, address, since = scope_of(slug), identity.normalise_email(email), now()
    with transaction(scope) as session:
        known = _known(session, scope, address)
        if known is not None:
            link = identity.resend_invitation(
                session, scope, realm=Realm.STAFF, user_id=known, now=since
            )
        else:
            link = identity.invite_staff_user(
                session, scope, email=email, name=name, role=StaffRole(role), now=since
            )
    say_sent(link, is_printed=is_printed)


@staff.command("list", epilog=examples("kontor staff list nordlicht"))
@click.argument("slug")
@with_database
def list_all(slug: str) -> None:
    """List who works for a reseller."""
    scope = scope_of(slug)
    table = Table("Name", "Role", "State", "Since", box=SIMPLE_HEAD)
    table.add_column("Address", no_wrap=True)
    with transaction(scope) as session:
        for user in identity.list_staff_users(session, scope):
            state = "active" if user.has_joined else "invited"
            table.add_row(user.name, user.role, state, f"{user.created_at:%Y-%m-%d}", user.email)
    Console().print(table)


@staff.command(epilog=examples("kontor staff role nordlicht jonas@example.com owner"))
@click.argument("slug")
@click.argument("email")
@click.argument("role", type=_ROLE)
@with_database
def role(slug: str, email: str, role: str) -> None:
    """Let a member of a reseller's team work on something else."""
    scope, address = scope_of(slug), identity.normalise_email(email)
    with transaction(scope) as session:
        user_id = _member(session, scope, address)
        identity.change_staff_role(session, scope, user_id=user_id, role=StaffRole(role))
    click.echo(f"{address} is {role} now and signs in anew.")


@staff.command(epilog=examples("kontor staff remove nordlicht jonas@example.com"))
@click.argument("slug")
@click.argument("email")
@with_database
def remove(slug: str, email: str) -> None:
    """Take a person's sign-in for a reseller, or her invitation, away."""
    scope, address = scope_of(slug), identity.normalise_email(email)
    with transaction(scope) as session:
        identity.remove_staff_user(session, scope, user_id=_member(session, scope, address))
    click.echo(f"{address} may no longer sign in for {slug}.")


def _known(session: Session, scope: TenantScope, address: str) -> UUID | None:
    users = identity.list_staff_users(session, scope)
    return next((user.id for user in users if user.email == address), None)


def _member(session: Session, scope: TenantScope, address: str) -> UUID:
    found = _known(session, scope, address)
    if found is None:
        raise identity.CustomerUserNotFoundError
    return found
