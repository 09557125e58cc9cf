"""`kontor … reset-second-factor`: let in a person who has lost app and recovery codes."""

import click

from app import identity
from app.audit import SYSTEM
from app.cli.connection import with_database
from app.cli.customer import RESELLER_OPTION
from app.cli.examples import examples
from app.cli.reseller import scope_of
from app.identity import Realm, SignInScope
from app.kernel import transaction
from app.tenancy import PlatformScope


@click.command(
    "reset-second-factor", epilog=examples("kontor admin reset-second-factor paula@example.com")
)
@click.argument("email")
@with_database
def of_admin(email: str) -> None:
    """Turn the second factor of a locked-out admin off; make sure first who asks."""
    _reset(PlatformScope(), Realm.PLATFORM, email)


@click.command(
    "reset-second-factor",
    epilog=examples("kontor reseller reset-second-factor nordlicht jonas@example.com"),
)
@click.argument("slug")
@click.argument("email")
@with_database
def of_staff(slug: str, email: str) -> None:
    """Turn the second factor of locked-out staff off; make sure first who asks."""
    _reset(scope_of(slug), Realm.STAFF, email)


@click.command(
    "reset-second-factor",
    epilog=examples("kontor customer reset-second-factor maren@example.com --reseller nordlicht"),
)
@click.argument("email")
@RESELLER_OPTION
@with_database
def of_customer_user(email: str, slug: str) -> None:
    """Turn the second factor of a customer's locked-out user off; make sure first who asks."""
    _reset(scope_of(slug), Realm.CUSTOMER, email)


def _reset(scope: SignInScope, realm: Realm, email: str) -> None:
    with transaction(scope) as session:
        found = identity.find_user(session, scope, realm=realm, email=email)
        if found is None:
            raise identity.CustomerUserNotFoundError
        identity.reset_second_factor(session, scope, realm=realm, user_id=found.id, actor=SYSTEM)
        address = found.email
    click.echo(f"{address} signs in with the password alone until a new one is set up.")
