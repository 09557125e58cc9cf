"""Amounts and times as an operator types them."""

from datetime import datetime

import click

from app.cli.offer import decimal
from app.kernel import BUSINESS_ZONE, Money, new_id

CURRENCY_OPTION = click.option(
    "--currency", default="EUR", show_default=True, help="Currency of the wallet."
)
KEY_OPTION = click.option("--key", help="Name of this act: the same one happens once.")
REASON_OPTION = click.option("--reason", required=True, help="Why; the customer may read it.")
MOMENT = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"])


def money(raw: str, currency: str, option: str) -> Money:
    """Return an amount in major units, such as 10.50; refuse one finer than a cent."""
    amount = decimal(raw, option)
    minor = amount.scaleb(2) if amount.is_finite() else amount
    if not amount.is_finite() or minor != minor.to_integral_value():
        raise click.BadParameter(f"{raw} is no amount such as 10.50", param_hint=option)
    return Money(int(minor), currency)


def moment(at: datetime) -> datetime:
    """Return a time that was typed; without a zone it is meant in Berlin."""
    return at if at.tzinfo else at.replace(tzinfo=BUSINESS_ZONE)


def act_key(key: str | None) -> str:
    """Return the key of an act: the operator's, or a new one."""
    return key or f"cli-{new_id()}"
