import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import billing, identity
from app.cli.connection import with_database
from app.cli.examples import examples
from app.cli.prompts import ask_password
from app.cli.reseller import scope_of
from app.identity import Customer
from app.kernel import transaction
from app.tenancy import TenantScope

RESELLER_OPTION = click.option("--reseller", "slug", required=True, help="Slug of the reseller.")


@click.group()
def customer() -> None:
    """Look after a reseller's customers."""


@customer.command(
    epilog=examples("kontor customer add N-1007 --reseller nordlicht --name 'Café Lüdemann'")
)
@click.argument("number")
@RESELLER_OPTION
@click.option("--name", required=True, help="Name of the company or person.")
@click.option("--currency", default="EUR", show_default=True, help="Currency of the wallet.")
@click.option("--email", help="Let somebody sign in for it; the password is asked for.")
@click.option("--user-name", help="What that person is called; else as the customer.")
@with_database
def add(
    *, number: str, slug: str, name: str, currency: str, email: str | None, user_name: str | None
) -> None:
    """Add a customer with a wallet."""
    scope = scope_of(slug)
    password = ask_password() if email else ""
    with transaction(scope) as session:
        made = identity.add_customer(session, scope, number=number, name=name)
        billing.open_wallet(session, scope, customer_id=made.id, currency=currency)
        if email:
            identity.add_customer_user(
                session,
                scope,
                customer_id=made.id,
                email=email,
                name=user_name or name,
                password=password,
            )
    click.echo(str(made.id))


@customer.command("list", epilog=examples("kontor customer list --reseller nordlicht"))
@RESELLER_OPTION
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 10_000))
@with_database
def list_all(slug: str, limit: int) -> None:
    """List a reseller's customers with their balances, newest first."""
    scope = scope_of(slug)
    table = Table("Number", "Name", box=SIMPLE_HEAD)
    # Ids are there to be copied: never cut.
    table.add_column("Id", no_wrap=True)
    table.add_column("Balance", justify="right", no_wrap=True)
    with transaction(scope) as session:
        for each in identity.list_customers(session, scope, limit=limit):
            table.add_row(each.number, each.name, str(each.id), _balance(session, scope, each))
    Console().print(table)


def find_customer(session: Session, scope: TenantScope, *, number: str) -> Customer:
    """Return the customer with the reseller's number; refuses an unknown one."""
    found = session.scalar(
        select(Customer).where(Customer.reseller_id == scope.reseller_id, Customer.number == number)
    )
    if found is None:
        raise identity.CustomerNotFoundError(customer=number[:40])
    return found


def _balance(session: Session, scope: TenantScope, of: Customer) -> str:
    try:
        wallet = billing.get_wallet(session, scope, customer_id=of.id)
    except billing.WalletNotFoundError:
        return ""
    posted = billing.wallet_balance(session, scope, wallet=wallet).posted
    return f"{posted.amount} {posted.currency}"
