from datetime import datetime

import click

from app import pricing
from app.cli.connection import with_database
from app.cli.examples import examples
from app.cli.offer import decimal
from app.cli.price_values import FROM, STEPS, moment_as_text, parse_steps
from app.cli.reseller import scope_of
from app.kernel import now, transaction

PLANS_PRICE = "plan"


@click.command(
    epilog=examples(
        "kontor reseller price-set nordlicht call_minutes 0.25 --step 1000:0.20",
        "kontor reseller price-set nordlicht call_minutes plan --from 2027-01-01",
    )
)
@click.argument("slug")
@click.argument("meter")
@click.argument("price")
@STEPS
@FROM
@with_database
def price_set(
    slug: str, meter: str, price: str, steps: tuple[str, ...], valid_from: datetime | None
) -> None:
    """Let a reseller ask her own price of a unit from a date on; PRICE `plan` ends that."""
    scope, present = scope_of(slug), now()
    since = valid_from or present
    with transaction(scope) as session:
        pricing.set_retail_price(
            session,
            scope,
            meter=meter,
            unit_price=None if price == PLANS_PRICE else decimal(price, "PRICE"),
            steps=parse_steps(steps),
            valid_from=since,
            now=present,
        )
    asked = "the plan's price" if price == PLANS_PRICE else price
    click.echo(f"{slug} asks {asked} for {meter} from {moment_as_text(since)} on.")
