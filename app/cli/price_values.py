"""What an operator types about prices: increments, steps, amounts, dates."""

from datetime import datetime
from decimal import Decimal

import click

from app.cli.offer import decimal
from app.kernel import Money
from app.kernel.clock import BUSINESS_ZONE
from app.kernel.money import EXPONENTS
from app.pricing import BonusStep, Increment, Step


class Moment(click.ParamType[datetime]):
    """A date, or a time to the second; in Berlin unless it names its zone."""

    name = "date"
    _formats = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"])

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Return an aware time; refuse what is none."""
        found: datetime = self._formats.convert(value, param, ctx)
        return found if found.tzinfo else found.replace(tzinfo=BUSINESS_ZONE)


FROM = click.option(
    "--from",
    "valid_from",
    type=Moment(),
    help="Date from which it holds, such as 2026-12-01 (Berlin); now, if left out.",
)
STEPS = click.option(
    "--step",
    "steps",
    multiple=True,
    metavar="ABOVE:PRICE",
    help="Price of a unit above so many paid units of a month; may stand more than once.",
)


def parse_increment(text: str | None) -> Increment | None:
    """Return the increment that 60/1 stands for; refuse what is none."""
    if text is None:
        return None
    first, _, following = text.partition("/")
    try:
        return Increment(int(first), int(following))
    except ValueError as refused:
        raise click.BadParameter("write it as 60/1", param_hint="--increment") from refused


def parse_steps(texts: tuple[str, ...]) -> list[Step]:
    """Return the steps that 1000:0.15 and the like stand for, rising; refuse what is none."""
    steps = []
    for text in texts:
        above, found, price = text.partition(":")
        if not found:
            raise click.BadParameter("write it as 1000:0.15", param_hint="--step")
        steps.append(Step(decimal(above, "--step"), decimal(price, "--step")))
    return sorted(steps)


def parse_bonus_steps(texts: tuple[str, ...], currency: str) -> list[BonusStep]:
    """Return the steps that 100:10 and 250:30:365 stand for, rising; refuse what is none."""
    return sorted(
        (_bonus_step(text, currency) for text in texts), key=lambda step: step.least.minor
    )


def parse_amount(text: str, currency: str, option: str) -> Money:
    """Return the amount in major units that a text stands for; refuse half a cent."""
    minor = decimal(text, option) * 10 ** EXPONENTS[currency]
    if not minor.is_finite() or minor != minor.to_integral_value():
        raise click.BadParameter(f"{text} is no amount of {currency}", param_hint=option)
    return Money(int(minor), currency)


def plain(number: Decimal) -> str:
    """Return a number without needless zeros."""
    return format(number.normalize(), "f")


def steps_as_text(steps: tuple[Step, ...]) -> str:
    """Return steps as they are typed, a line each."""
    return "\n".join(f"{plain(step.above)}:{plain(step.unit_price)}" for step in steps)


def moment_as_text(at: datetime) -> str:
    """Return a time as it is in Berlin, to the second."""
    return at.astimezone(BUSINESS_ZONE).strftime("%Y-%m-%d %H:%M:%S")


def _bonus_step(text: str, currency: str) -> BonusStep:
    least, bonus, *days = text.split(":") if ":" in text else ("", "")
    if not least or len(days) > 1 or not all(each.isdecimal() for each in days):
        raise click.BadParameter("write it as 100:10 or 100:10:365", param_hint="--step")
    return BonusStep(
        parse_amount(least, currency, "--step"),
        parse_amount(bonus, currency, "--step"),
        int(days[0]) if days else None,
    )
