"""What an event costs: rounded up to increments, freed by the allowance, priced by steps.

Pure, like `rules.py`. In between all is counted in whole millionths of a part of a unit (of a
second of a minute), so that nothing is lost before the one rounding to the cent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import NamedTuple

from app.kernel import Money
from app.pricing.errors import BadQuantityError
from app.pricing.rules import ZERO, Tariff, require_quantity, tax_within

MILLION = 10**6
# A quantity is sent in six places, which an increment must not see: 61 seconds arrive as 1.016667
# minutes. Three places of a second are kept.
THOUSAND = 10**3
# 61/60 of a unit has no end: with this many places, sums of a month's events stay exact to far
# less than a millionth of a part.
BILLED_PLACES = Decimal(10) ** -12


class QuotePart(NamedTuple):
    """Units of an event that cost the same: `unit_price` is gross, in euros."""

    quantity: Decimal
    unit_price: Decimal


@dataclass(frozen=True, slots=True)
class Quote:
    """A rated quantity: gross = net + tax, to the cent.

    `billed` is `quantity` rounded up to the increments, in units of up to twelve places; `free` of
    it came from the allowance, and `parts` hold the rest. `is_minimum` if the minimum was charged
    because the parts cost less.
    """

    tariff: Tariff
    quantity: Decimal
    gross: Money
    net: Money
    tax: Money
    billed: Decimal
    free: Decimal
    parts: tuple[QuotePart, ...]
    is_minimum: bool


def rate(tariff: Tariff, quantity: Decimal, *, used: Decimal = ZERO) -> Quote:
    """Price `quantity` (in the meter's unit) by the tariff; the gross is rounded half up, once.

    `used` is what was billed of this meter to this customer in the Berlin month before the event,
    in units, what the allowance freed included; only a tariff that `needs_volume` looks at it.
    Refuses a quantity that is not positive, has more than six places or exceeds a billion, and a
    negative `used`.
    """
    require_quantity(quantity)
    if not tariff.is_plain:
        return _metered(tariff, quantity, used)
    exact = tariff.unit_price * quantity
    gross = Money(int((exact * 100).to_integral_value(ROUND_HALF_UP)), tariff.currency)
    tax = tax_within(gross, tariff.tax_rate)
    parts = (QuotePart(quantity, tariff.unit_price),)
    return Quote(tariff, quantity, gross, gross - tax, tax, quantity, ZERO, parts, is_minimum=False)


def _metered(tariff: Tariff, quantity: Decimal, used: Decimal) -> Quote:
    if not used.is_finite() or used < 0:
        raise BadQuantityError(quantity=str(used)[:40])
    scale = MILLION * tariff.parts
    before = int((used * scale).to_integral_value(ROUND_HALF_UP))
    billed = _billed(tariff, int(quantity * MILLION) * tariff.parts)
    free = min(billed, max(0, _scaled(tariff.allowance, scale) - before))
    # Where this event begins among the month's paid quantity: the allowance went first.
    paid_before = max(0, before - _scaled(tariff.allowance, scale))
    spans = list(_spans(tariff, scale, paid_before, paid_before + billed - free))
    # Euros times both scales, of length and of price.
    cost = sum(length * _scaled(price, MILLION) for length, price in spans)
    minimum = _scaled(tariff.minimum, MILLION) * scale
    is_minimum = bool(spans) and cost < minimum
    gross = Money(
        _half_up((minimum if is_minimum else cost) * 100, scale * MILLION), tariff.currency
    )
    tax = tax_within(gross, tariff.tax_rate)
    edges = _edges([free, *(length for length, _ in spans)], scale)
    parts = tuple(
        QuotePart(end - begin, price)
        for (begin, end), (_, price) in zip(pairwise(edges), spans, strict=True)
    )
    return Quote(
        tariff, quantity, gross, gross - tax, tax, edges[-1], edges[0], parts, is_minimum=is_minimum
    )


def _billed(tariff: Tariff, exact: int) -> int:
    """Return an event's length, rounded up to the increments; both in millionths of a part."""
    if not tariff.first_increment:
        return exact
    counted = _half_up(exact, THOUSAND)
    first, following = tariff.first_increment * THOUSAND, tariff.next_increment * THOUSAND
    beyond = max(0, counted - first)
    return (first + -(-beyond // following) * following) * THOUSAND


def _spans(tariff: Tariff, scale: int, begin: int, end: int) -> Iterator[tuple[int, Decimal]]:
    """Yield how much of a month's paid quantity between two points costs which unit price."""
    steps = [(0, tariff.unit_price)]
    steps += [(_scaled(step.above, scale), step.unit_price) for step in tariff.steps]
    ends = [*(above for above, _ in steps[1:]), max(end, steps[-1][0])]
    for (above, price), below in zip(steps, ends, strict=True):
        length = min(end, below) - max(begin, above)
        if length > 0:
            yield length, price


def _edges(lengths: list[int], scale: int) -> list[Decimal]:
    """Return where each length ends, in units: their differences add up without a remainder."""
    total, edges = 0, []
    for length in lengths:
        total += length
        edges.append((Decimal(total) / scale).quantize(BILLED_PLACES))
    return edges


def _scaled(number: Decimal, scale: int) -> int:
    """Return a number of at most six places as an integer of a scale that holds them."""
    return int(number * scale)


def _half_up(dividend: int, divisor: int) -> int:
    return (2 * dividend + divisor) // (2 * divisor)
