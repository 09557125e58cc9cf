from datetime import UTC, datetime

import click

from app import billing
from app.cli.connection import with_database
from app.cli.customer import find_customer
from app.cli.examples import examples
from app.cli.offer import decimal
from app.cli.reseller import scope_of
from app.cli.usage_import import import_file
from app.kernel import new_id, now, transaction


@click.group()
def usage() -> None:
    """Charge usage by hand or from a file."""


@usage.command(
    epilog=examples(
        "kontor usage post --reseller nordlicht --customer N-1001 --meter call_minutes \\",
        "  --quantity 3.5",
    )
)
@click.option("--reseller", "slug", required=True, help="Slug of the reseller.")
@click.option("--customer", "number", required=True, help="The customer's number.")
@click.option("--meter", required=True, help="What was used, such as call_minutes.")
@click.option("--quantity", required=True, help="How much, in the meter's unit.")
@click.option("--id", "event_id", help="Id of the event; the same one is charged once.")
@click.option(
    "--occurred-at",
    type=click.DateTime(["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S"]),
    help="When it was used (UTC without a zone); now, if left out.",
)
@click.option("--counterparty", help="The other party's number.")
@with_database
def post(
    *,
    slug: str,
    number: str,
    meter: str,
    quantity: str,
    event_id: str | None,
    occurred_at: datetime | None,
    counterparty: str | None,
) -> None:
    """Charge one event, as the API would."""
    at = occurred_at or now()
    scope = scope_of(slug)
    with transaction(scope) as session:
        event = billing.UsageEvent(
            event_id=event_id or f"cli-{new_id()}",
            customer_id=find_customer(session, scope, number=number).id,
            meter=meter,
            quantity=decimal(quantity, "--quantity"),
            occurred_at=at if at.tzinfo else at.replace(tzinfo=UTC),
            counterparty=counterparty,
        )
        charge = billing.charge_usage(session, scope, usage=event, now=now())
    verb = "was charged before" if charge.replayed else "charged"
    click.echo(
        f"{charge.event_id} {verb}: {charge.gross.amount} {charge.gross.currency}, "
        f"{charge.balance.amount} left"
    )


usage.add_command(import_file)
