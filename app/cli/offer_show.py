from datetime import datetime

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from app import pricing
from app.cli.connection import with_database
from app.cli.examples import examples
from app.cli.price_values import Moment, moment_as_text, plain, steps_as_text
from app.kernel import now, transaction
from app.tenancy import PlatformScope

_PLATFORM = PlatformScope()


@click.command(
    epilog=examples(
        "kontor offer show telefonie", "kontor offer show telefonie --at 2026-12-01T00:00:00"
    )
)
@click.argument("slug")
@click.option("--at", type=Moment(), help="Date to look at (Berlin); now, if left out.")
@with_database
def show(slug: str, at: datetime | None) -> None:
    """Show an offer's prices, fees and bonus steps as they hold at a time."""
    moment = at or now()
    with transaction(_PLATFORM) as session:
        plan = pricing.get_plan(session, _PLATFORM, slug=slug, at=moment)
    console = Console()
    console.print(
        f"{plan.slug} at {moment_as_text(moment)}: gross prices in {plan.currency}, "
        f"tax {plain(plan.tax_rate)}, {plan.credit_purpose.value}-purpose credit"
    )
    console.print(_prices(plan))
    if plan.fees:
        console.print(_fees(plan))
    if plan.bonus_steps:
        console.print(_bonus_steps(plan))


def _prices(plan: pricing.Plan) -> Table:
    table = Table("Meter", "Unit", box=SIMPLE_HEAD)
    for head in ("Price", "Increment", "Minimum", "Free a month", "Steps", "Floor"):
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("Since", no_wrap=True)
    for price in plan.prices:
        table.add_row(
            price.meter,
            price.unit if price.parts == 1 else f"{price.unit} of {price.parts}",
            plain(price.unit_price),
            "/".join(map(str, price.increment)) if price.increment else "as sent",
            plain(price.minimum),
            plain(price.allowance),
            steps_as_text(price.steps),
            plain(price.floor_price),
            moment_as_text(price.valid_from),
        )
    return table


def _fees(plan: pricing.Plan) -> Table:
    table = Table("Fee", "Name", box=SIMPLE_HEAD)
    table.add_column("Amount", justify="right", no_wrap=True)
    table.add_column("Months", justify="right")
    table.add_column("Since", no_wrap=True)
    for fee in plan.fees:
        table.add_row(
            fee.fee,
            fee.name,
            str(fee.amount.amount),
            str(fee.months),
            moment_as_text(fee.valid_from),
        )
    return table


def _bonus_steps(plan: pricing.Plan) -> Table:
    table = Table(box=SIMPLE_HEAD)
    for head in ("Top-up from", "Bonus", "Expires after days"):
        table.add_column(head, justify="right", no_wrap=True)
    for step in plan.bonus_steps:
        days = "never" if step.days is None else str(step.days)
        table.add_row(str(step.least.amount), str(step.bonus.amount), days)
    return table
