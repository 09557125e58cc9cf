import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from app import pricing
from app.cli.connection import with_database
from app.cli.examples import examples
from app.kernel import transaction
from app.tenancy import PlatformScope

_PLATFORM = PlatformScope()


@click.group()
def meter() -> None:
    """Look after what is counted: call minutes, messages, tokens, appointments."""


@meter.command(
    epilog=examples(
        "kontor meter add call_minutes --unit minute --parts 60",
        "kontor meter add messages --unit message",
    )
)
@click.argument("name", metavar="METER")
@click.option("--unit", required=True, help="What one of it is called.")
@click.option(
    "--parts",
    type=int,
    help="How many parts a unit has, in which increments count: 60 seconds in a minute.",
)
@with_database
def add(name: str, unit: str, parts: int | None) -> None:
    """Make something countable; safe to repeat."""
    with transaction(_PLATFORM) as session:
        pricing.add_meter(session, _PLATFORM, meter=name, unit=unit, parts=parts)
    click.echo(f"Meter {name}: give it a price with kontor offer price-set OFFER {name} PRICE")


@meter.command("list", epilog=examples("kontor meter list"))
@with_database
def list_all() -> None:
    """List every meter with its unit and the parts of one."""
    table = Table("Meter", "Unit", box=SIMPLE_HEAD)
    table.add_column("Parts", justify="right")
    with transaction(_PLATFORM) as session:
        for each in pricing.list_meters(session, _PLATFORM):
            table.add_row(each.meter, each.unit, str(each.parts))
    Console().print(table)
