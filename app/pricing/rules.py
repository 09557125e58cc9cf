from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import NamedTuple
from uuid import UUID

from app.kernel import Money
from app.pricing.errors import (
    BadAllowanceError,
    BadBonusError,
    BadFeeError,
    BadIncrementError,
    BadMinimumError,
    BadNameError,
    BadPartsError,
    BadPriceError,
    BadQuantityError,
    BadStepsError,
    BadTaxRateError,
    BelowFloorError,
)
from app.pricing.models import CreditPurpose

PLACES = 6
TAX_PLACES = 4
ZERO = Decimal(0)
# Their product, in cents, fits the ledger's 64 bits and decimal's 28 digits without rounding.
MAXIMUM_QUANTITY = Decimal(10) ** 9
MAXIMUM_UNIT_PRICE = Decimal(10) ** 6
MAXIMUM_INCREMENT = 10**6
# A quantity of six places is off by half a millionth of a unit: with fewer than a thousand parts
# that is less than the half thousandth of a part that rating rounds away.
MAXIMUM_PARTS = 999
# Rating walks through them for every event.
MOST_STEPS = 20
FEE_MONTHS = frozenset({1, 3, 12})
MAXIMUM_MINOR = 10**8
MAXIMUM_BONUS_DAYS = 3_650
LONGEST_UNIT = 40

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")


class Step(NamedTuple):
    """From `above` paid units of a month on, a unit costs `unit_price` (gross, in euros)."""

    above: Decimal
    unit_price: Decimal


class Increment(NamedTuple):
    """What is counted at least, and then in which steps, in parts of a unit: 60/1, 60/60, 1/1."""

    first: int
    following: int


class BonusStep(NamedTuple):
    """A top-up of `least` or more earns `bonus`, which expires after `days` (None: never)."""

    least: Money
    bonus: Money
    days: int | None = None


@dataclass(frozen=True, slots=True)
class Tariff:
    """The price and tax that hold for one meter at one time. `unit_price` is gross, in euros.

    `unit_price` and `steps` are the reseller's own where `retail_price_id` is set. A unit has
    `parts`, in which the increments count; an increment of 0 bills what was sent, to six places.
    `minimum` is gross money an event, in euros; `allowance` is units a customer and month.
    """

    price_id: UUID
    unit_price: Decimal
    currency: str
    tax_rate: Decimal
    credit_purpose: CreditPurpose
    parts: int = 1
    first_increment: int = 0
    next_increment: int = 0
    minimum: Decimal = ZERO
    allowance: Decimal = ZERO
    steps: tuple[Step, ...] = ()
    retail_price_id: UUID | None = None

    @property
    def is_plain(self) -> bool:
        """Return whether an event costs unit price times quantity, and nothing else is to say."""
        return not (self.first_increment or self.minimum or self.allowance or self.steps)

    @property
    def needs_volume(self) -> bool:
        """Return whether a price depends on what the customer used before in the month."""
        return bool(self.allowance or self.steps)


def held_to_floor(
    unit_price: Decimal, steps: Sequence[Step], floor_price: Decimal
) -> tuple[Decimal, tuple[Step, ...]]:
    """Return a reseller's own price and steps, none of them below the plan's floor.

    The platform may raise the floor after the reseller chose her price.
    """
    raised = tuple(Step(step.above, max(step.unit_price, floor_price)) for step in steps)
    return max(unit_price, floor_price), raised


def tax_within(gross: Money, tax_rate: Decimal) -> Money:
    """Return the value-added tax that a gross amount holds, the net rounded half up.

    For a rate of 0.19: gross - gross / 1.19 (§ 12 (1) UStG; rounding as in § 14 (4) no. 8 UStG).
    """
    net = (Decimal(gross.minor) / (1 + tax_rate)).to_integral_value(ROUND_HALF_UP)
    return Money(gross.minor - int(net), gross.currency)


def require_quantity(quantity: Decimal) -> None:
    """Refuse a quantity that cannot be charged."""
    if not quantity.is_finite() or not 0 < quantity <= MAXIMUM_QUANTITY or _finer(quantity, PLACES):
        raise BadQuantityError(quantity=str(quantity)[:40])


def require_unit_price(unit_price: Decimal) -> None:
    """Refuse a price that is negative, above a million, not a number, or finer than six places."""
    if not _is_between(unit_price, MAXIMUM_UNIT_PRICE):
        raise BadPriceError(unit_price=str(unit_price)[:40])


def require_minimum(minimum: Decimal) -> None:
    """Refuse a minimum that is negative, above a million or finer than six places."""
    if not _is_between(minimum, MAXIMUM_UNIT_PRICE):
        raise BadMinimumError(minimum=str(minimum)[:40])


def require_allowance(allowance: Decimal) -> None:
    """Refuse an allowance that is negative, above a billion or finer than six places."""
    if not _is_between(allowance, MAXIMUM_QUANTITY):
        raise BadAllowanceError(allowance=str(allowance)[:40])


def require_increment(increment: Increment | None) -> None:
    """Refuse an increment that is not two whole numbers from 1 to a million."""
    if increment is not None and not all(1 <= each <= MAXIMUM_INCREMENT for each in increment):
        raise BadIncrementError(increment="/".join(map(str, increment)))


def require_parts(parts: int) -> None:
    """Refuse a unit of no parts, or of more than rating can tell apart."""
    if not 1 <= parts <= MAXIMUM_PARTS:
        raise BadPartsError(parts=parts)


def require_meter(meter: str, unit: str) -> None:
    """Refuse a meter that no event could name, and a unit without a word."""
    if not _NAME.fullmatch(meter) or not 1 <= len(unit.strip()) <= LONGEST_UNIT:
        raise BadNameError(name=meter[:40])


def require_slug(slug: str) -> None:
    """Refuse an offer's name that could stand in no address."""
    if not _NAME.fullmatch(slug):
        raise BadNameError(name=slug[:40])


def require_steps(steps: Sequence[Step]) -> None:
    """Refuse steps that do not rise from above 0, are too many, or hold a bad price."""
    edges = [step.above for step in steps]
    if (
        len(steps) > MOST_STEPS
        or not all(_is_between(edge, MAXIMUM_QUANTITY) for edge in edges)
        or not all(low < high for low, high in pairwise([ZERO, *edges]))
    ):
        raise BadStepsError(steps=len(steps))
    for step in steps:
        require_unit_price(step.unit_price)


def require_floor_kept(unit_price: Decimal, steps: Sequence[Step], floor_price: Decimal) -> None:
    """Refuse a price or a step below the floor."""
    least = min([unit_price, *(step.unit_price for step in steps)])
    if least < floor_price:
        raise BelowFloorError(floor=format(floor_price.normalize(), "f"))


def require_tax_rate(tax_rate: Decimal) -> None:
    """Refuse a tax rate outside 0 to below 1, or finer than the four places that are stored."""
    if not tax_rate.is_finite() or not 0 <= tax_rate < 1 or _finer(tax_rate, TAX_PLACES):
        raise BadTaxRateError(tax_rate=str(tax_rate)[:40])


def require_fee(fee: str, name: str, amount: Money, months: int) -> None:
    """Refuse a fee without a slug or name, a negative or huge one, and an odd period."""
    if (
        not _NAME.fullmatch(fee)
        or not name.strip()
        or not 0 <= amount.minor <= MAXIMUM_MINOR
        or months not in FEE_MONTHS
    ):
        raise BadFeeError(fee=fee[:40])


def require_bonus_steps(steps: Sequence[BonusStep], currency: str) -> None:
    """Refuse steps that do not rise, in another currency, with a negative bonus or a bad expiry."""
    amounts = [amount for step in steps for amount in (step.least, step.bonus)]
    days = [step.days for step in steps if step.days is not None]
    if (
        len(steps) > MOST_STEPS
        or any(amount.currency != currency for amount in amounts)
        or not all(0 <= amount.minor <= MAXIMUM_MINOR for amount in amounts)
        or not all(low.least < high.least for low, high in pairwise(steps))
        or not all(1 <= each <= MAXIMUM_BONUS_DAYS for each in days)
    ):
        raise BadBonusError(steps=len(steps))


def earned_bonus(steps: Sequence[BonusStep], paid: Money) -> BonusStep | None:
    """Return the greatest step not above the amount; None where there is none, or for nothing."""
    reached = [step for step in steps if step.least <= paid]
    best = max(reached, key=lambda step: step.least.minor, default=None)
    return best if best is not None and best.bonus else None


def _is_between(number: Decimal, most: Decimal) -> bool:
    return number.is_finite() and 0 <= number <= most and not _finer(number, PLACES)


def _finer(number: Decimal, places: int) -> bool:
    # Not by normalize(): that rounds to 28 digits first and would let a longer number pass.
    return number != round(number, places)
