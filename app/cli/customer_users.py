"""`kontor customer user-…`: the people of a customer."""

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from app import identity
from app.cli.connection import with_database
from app.cli.customer import RESELLER_OPTION, find_customer
from app.cli.examples import examples
from app.cli.links import PRINT_LINK, say_sent
from app.cli.prompts import ask_password
from app.cli.reseller import scope_of
from app.identity import CustomerRole, Realm
from app.kernel import now, transaction


@click.command(
    epilog=examples(
        "kontor customer user-add N-1007 maren@example.com --reseller nordlicht --name 'Maren'"
    )
)
@click.argument("number")
@click.argument("email")
@RESELLER_OPTION
@click.option("--name", required=True, help="What the person is called.")
@click.option(
    "--role",
    type=click.Choice([each.value for each in CustomerRole]),
    default=CustomerRole.MEMBER.value,
    show_default=True,
    help="Owners alone change users and limits; the first user is an owner.",
)
@with_database
def user_add(number: str, email: str, *, slug: str, name: str, role: str) -> None:
    """Let a person sign in for a customer; the password is asked for."""
    scope = scope_of(slug)
    password = ask_password()
    with transaction(scope) as session:
        user = identity.add_customer_user(
            session,
            scope,
            customer_id=find_customer(session, scope, number=number).id,
            email=email,
            name=name,
            password=password,
            role=CustomerRole(role),
        )
    click.echo(f"{user.email} may sign in as {user.role} of {number}.")


@click.command(
    epilog=examples(
        "kontor customer user-invite N-1007 maren@example.com --reseller nordlicht --name 'Maren'"
    )
)
@click.argument("number")
@click.argument("email")
@RESELLER_OPTION
@click.option("--name", required=True, help="What the person is called.")
@click.option(
    "--role",
    type=click.Choice([each.value for each in CustomerRole]),
    default=CustomerRole.MEMBER.value,
    show_default=True,
    help="Owners alone change users and limits; the first user is an owner.",
)
@PRINT_LINK
@with_database
def user_invite(
    number: str, email: str, *, slug: str, name: str, role: str, is_printed: bool
) -> None:
    """Invite a person of a customer; somebody who was invited before gets a new link."""
    scope, address, since = scope_of(slug), identity.normalise_email(email), now()
    with transaction(scope) as session:
        customer_id = find_customer(session, scope, number=number).id
        users = identity.list_customer_users(session, scope, customer_id=customer_id)
        known = [user.id for user in users if user.email == address]
        if known:
            link = identity.resend_invitation(
                session, scope, realm=Realm.CUSTOMER, customer_id=customer_id,
                user_id=known[0], now=since,
            )  # fmt: skip
        else:
            link = identity.invite_customer_user(
                session, scope, customer_id=customer_id, email=email, name=name,
                role=CustomerRole(role), now=since,
            )  # fmt: skip
    say_sent(link, is_printed=is_printed)


@click.command(epilog=examples("kontor customer user-list N-1007 --reseller nordlicht"))
@click.argument("number")
@RESELLER_OPTION
@with_database
def user_list(number: str, slug: str) -> None:
    """List who may sign in for a customer."""
    scope = scope_of(slug)
    table = Table("Name", "Role", "Since", box=SIMPLE_HEAD)
    table.add_column("Address", no_wrap=True)
    with transaction(scope) as session:
        found = find_customer(session, scope, number=number)
        for user in identity.list_customer_users(session, scope, customer_id=found.id):
            table.add_row(user.name, user.role, f"{user.created_at:%Y-%m-%d}", user.email)
    Console().print(table)


@click.command(
    epilog=examples("kontor customer user-remove N-1007 maren@example.com --reseller nordlicht")
)
@click.argument("number")
@click.argument("email")
@RESELLER_OPTION
@with_database
def user_remove(number: str, email: str, slug: str) -> None:
    """Take a person's sign-in for a customer away, and end her sessions."""
    scope, address = scope_of(slug), identity.normalise_email(email)
    with transaction(scope) as session:
        customer_id = find_customer(session, scope, number=number).id
        users = identity.list_customer_users(session, scope, customer_id=customer_id)
        found = [user.id for user in users if user.email == address]
        if not found:
            raise identity.CustomerUserNotFoundError
        identity.remove_customer_user(session, scope, customer_id=customer_id, user_id=found[0])
    click.echo(f"{address} may no longer sign in for {number}.")
