"""Commands that change an offer: its prices, fees and bonus steps, each from a date on."""

from datetime import datetime

import click

from app import pricing
from app.cli.connection import with_database
from app.cli.examples import examples
from app.cli.offer import decimal
from app.cli.price_values import (
    FROM,
    STEPS,
    moment_as_text,
    parse_amount,
    parse_bonus_steps,
    parse_increment,
    parse_steps,
)
from app.kernel import now, transaction
from app.tenancy import PlatformScope

_PLATFORM = PlatformScope()


@click.command(
    epilog=examples(
        "kontor offer price-set telefonie call_minutes 0.19 --increment 60/1 --floor 0.12 \\",
        "  --allowance 100 --step 1000:0.15 --step 5000:0.12 --from 2026-12-01",
        "kontor offer price-set telefonie messages 0.09 --minimum 0.01",
    )
)
@click.argument("slug")
@click.argument("meter")
@click.argument("price")
@click.option("--increment", metavar="FIRST/NEXT", help="In parts of a unit, such as 60/1.")
@click.option("--minimum", default="0", help="Least gross amount of an event that is not free.")
@click.option("--allowance", default="0", help="Units free for a customer and month.")
@STEPS
@click.option("--floor", default="0", help="Least price that a reseller may ask for a unit.")
@FROM
@with_database
def price_set(
    *,
    slug: str,
    meter: str,
    price: str,
    increment: str | None,
    minimum: str,
    allowance: str,
    steps: tuple[str, ...],
    floor: str,
    valid_from: datetime | None,
) -> None:
    """Give an offer's meter a new gross price of a unit from a date on."""
    since = valid_from or now()
    with transaction(_PLATFORM) as session:
        pricing.set_price(
            session,
            _PLATFORM,
            offer_id=pricing.get_offer(session, _PLATFORM, slug=slug).id,
            meter=meter,
            unit_price=decimal(price, "PRICE"),
            valid_from=since,
            increment=parse_increment(increment),
            minimum=decimal(minimum, "--minimum"),
            allowance=decimal(allowance, "--allowance"),
            steps=parse_steps(steps),
            floor_price=decimal(floor, "--floor"),
        )
    click.echo(f"{slug} sells {meter} at {price} from {moment_as_text(since)} on.")


@click.command(
    epilog=examples(
        "kontor offer fee-set telefonie base 9.90 --name Grundgebühr --months 1",
        "kontor offer fee-set telefonie base 0 --name Grundgebühr --from 2027-01-01",
    )
)
@click.argument("slug")
@click.argument("fee")
@click.argument("amount")
@click.option("--name", required=True, help="What customers read on their bill.")
@click.option(
    "--months", default="1", show_default=True, type=click.Choice(["1", "3", "12"]), help="Period."
)
@FROM
@with_database
def fee_set(
    *, slug: str, fee: str, amount: str, name: str, months: str, valid_from: datetime | None
) -> None:
    """Let an offer charge a gross amount every so many months from a date on; 0 ends it."""
    since = valid_from or now()
    with transaction(_PLATFORM) as session:
        offer = pricing.get_offer(session, _PLATFORM, slug=slug)
        pricing.set_fee(
            session,
            _PLATFORM,
            offer_id=offer.id,
            fee=fee,
            name=name,
            amount=parse_amount(amount, offer.currency, "AMOUNT"),
            months=int(months),
            valid_from=since,
        )
    click.echo(f"{slug} charges {fee} of {amount} from {moment_as_text(since)} on.")


@click.command(
    epilog=examples(
        "kontor offer bonus-set telefonie --step 100:10 --step 250:30:365",
        "kontor offer bonus-set telefonie --none --from 2027-01-01",
    )
)
@click.argument("slug")
@click.option(
    "--step",
    "steps",
    multiple=True,
    metavar="FROM:BONUS[:DAYS]",
    help="Bonus of a top-up from an amount on, and days until it expires; may repeat.",
)
@click.option("--none", "is_empty", is_flag=True, help="Top-ups earn nothing any more.")
@FROM
@with_database
def bonus_set(
    slug: str, steps: tuple[str, ...], valid_from: datetime | None, *, is_empty: bool
) -> None:
    """Say what top-ups earn from a date on; the steps replace all that held before."""
    if is_empty == bool(steps):
        raise click.UsageError("Give steps, or --none.")
    since = valid_from or now()
    with transaction(_PLATFORM) as session:
        offer = pricing.get_offer(session, _PLATFORM, slug=slug)
        pricing.set_bonus_steps(
            session,
            _PLATFORM,
            offer_id=offer.id,
            steps=parse_bonus_steps(steps, offer.currency),
            valid_from=since,
        )
    click.echo(f"{slug} has {len(steps)} bonus steps from {moment_as_text(since)} on.")
