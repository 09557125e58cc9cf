from decimal import Decimal, InvalidOperation

import click
from rich.console import Console

from app import pricing
from app.cli.connection import with_database
from app.cli.examples import examples
from app.kernel import now, transaction
from app.tenancy import PlatformScope


@click.group()
def offer() -> None:
    """Look after what can be sold: meters and their prices."""


@offer.command(
    epilog=examples("kontor offer add telefonie --tax 0.19 --price call_minutes/minute=0.19")
)
@click.argument("slug")
@click.option("--tax", required=True, help="Rate of value-added tax, such as 0.19.")
@click.option("--currency", default="EUR", show_default=True)
@click.option(
    "--price",
    "prices",
    multiple=True,
    required=True,
    metavar="METER/UNIT=PRICE",
    help="Gross price of one unit; may stand more than once.",
)
@click.option("--multi-purpose", is_flag=True, help="Tax falls due with use, not with the top-up.")
@with_database
def add(
    slug: str, tax: str, currency: str, prices: tuple[str, ...], *, multi_purpose: bool
) -> None:
    """Add an offer with its prices, valid from now on."""
    parsed = [_parse(price) for price in prices]
    purpose = pricing.CreditPurpose.MULTI if multi_purpose else pricing.CreditPurpose.SINGLE
    scope, since = PlatformScope(), now()
    with transaction(scope) as session:
        made = pricing.add_offer(
            session,
            scope,
            slug=slug,
            currency=currency,
            tax_rate=decimal(tax, "--tax"),
            credit_purpose=purpose,
        )
        for meter, unit, unit_price in parsed:
            pricing.add_meter(session, scope, meter=meter, unit=unit)
            pricing.set_price(
                session,
                scope,
                offer_id=made.id,
                meter=meter,
                unit_price=unit_price,
                valid_from=since,
            )
    Console().print(f"Offer {slug}: sell it with kontor reseller add … --offer {slug}")


def decimal(text: str, option: str) -> Decimal:
    """Return the exact number an option stands for; refuse what is none."""
    try:
        return Decimal(text)
    except InvalidOperation as refused:
        raise click.BadParameter(f"{text} is no number", param_hint=option) from refused


def _parse(price: str) -> tuple[str, str, Decimal]:
    name, _, amount = price.partition("=")
    meter, _, unit = name.partition("/")
    if not (meter and unit and amount):
        raise click.BadParameter("write it as call_minutes/minute=0.19", param_hint="--price")
    return meter, unit, decimal(amount, "--price")
