"""Rating against a second reckoning in fractions, and the laws that a customer relies on."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.pricing import BadQuantityError, CreditPurpose, Quote, Step, Tariff, rate
from tests.factories.money import some_steps


def decimals(low: str, high: str) -> st.SearchStrategy[Decimal]:
    return st.decimals(min_value=Decimal(low), max_value=Decimal(high), places=6, allow_nan=False)


QUANTITIES = decimals("0.000001", "5000")
USED = decimals("0", "5000")
PRICES = decimals("0", "5")
TAX_RATES = st.sampled_from([Decimal(0), Decimal("0.07"), Decimal("0.19")])


@st.composite
def some_rising_steps(draw: st.DrawFn) -> tuple[Step, ...]:
    edges = draw(st.lists(decimals("0.000001", "3000"), max_size=4, unique=True))
    return tuple(Step(edge, draw(PRICES)) for edge in sorted(edges))


@st.composite
def tariffs(draw: st.DrawFn) -> Tariff:
    increments = [(0, 0), (1, 1), (60, 60), (60, 1), (1, 60), (30, 6)]
    first, following = draw(st.sampled_from(increments))
    return Tariff(
        UUID(int=1),
        draw(PRICES),
        "EUR",
        draw(TAX_RATES),
        CreditPurpose.SINGLE,
        parts=draw(st.sampled_from([1, 7, 60, 100, 999])),
        first_increment=first,
        next_increment=following,
        minimum=draw(st.just(Decimal(0)) | decimals("0", "50")),
        allowance=draw(st.just(Decimal(0)) | decimals("0", "3000")),
        steps=draw(some_rising_steps()),
    )


def a_tariff(
    unit_price: str = "0.10",
    *,
    parts: int = 1,
    increment: tuple[int, int] = (0, 0),
    minimum: str = "0",
    allowance: str = "0",
    steps: Sequence[tuple[str, str]] = (),
) -> Tariff:
    return Tariff(
        UUID(int=1),
        Decimal(unit_price),
        "EUR",
        Decimal("0.19"),
        CreditPurpose.SINGLE,
        parts=parts,
        first_increment=increment[0],
        next_increment=increment[1],
        minimum=Decimal(minimum),
        allowance=Decimal(allowance),
        steps=some_steps(*steps),
    )


def billed_by_hand(tariff: Tariff, quantity: Decimal) -> Fraction:
    """In parts of a unit."""
    exact = Fraction(quantity) * tariff.parts
    if not tariff.first_increment:
        return exact
    counted = Fraction(floor(exact * 1000 + Fraction(1, 2)), 1000)
    more = ceil((counted - tariff.first_increment) / tariff.next_increment)
    return Fraction(tariff.first_increment + max(0, more) * tariff.next_increment)


def cost_up_to(tariff: Tariff, paid: Fraction) -> Fraction:
    """What the first so many paid units of a month cost: each step changes the price before it."""
    cost, price = paid * Fraction(tariff.unit_price), Fraction(tariff.unit_price)
    for step in tariff.steps:
        change = Fraction(step.unit_price) - price
        cost += change * max(Fraction(0), paid - Fraction(step.above))
        price = Fraction(step.unit_price)
    return cost


def gross_by_hand(tariff: Tariff, quantity: Decimal, used: Decimal) -> int:
    billed = billed_by_hand(tariff, quantity) / tariff.parts
    begin = max(Fraction(0), Fraction(used) - Fraction(tariff.allowance))
    end = max(Fraction(0), Fraction(used) + billed - Fraction(tariff.allowance))
    cost = cost_up_to(tariff, end) - cost_up_to(tariff, begin)
    if end > begin:
        cost = max(cost, Fraction(tariff.minimum))
    return floor(cost * 100 + Fraction(1, 2))


def exact_cost(quote: Quote) -> Decimal:
    return sum((part.quantity * part.unit_price for part in quote.parts), Decimal(0))


@given(tariff=tariffs(), quantity=QUANTITIES, used=USED)
def test_an_event_costs_what_a_reckoning_in_fractions_says(
    tariff: Tariff, quantity: Decimal, used: Decimal
) -> None:
    quote = rate(tariff, quantity, used=used)

    assert quote.gross.minor == gross_by_hand(tariff, quantity, used)
    assert abs(
        Fraction(quote.billed) - billed_by_hand(tariff, quantity) / tariff.parts
    ) <= Fraction(1, 10**12)


@given(tariff=tariffs(), quantity=QUANTITIES, used=USED)
def test_all_that_is_billed_is_free_or_paid_and_the_gross_is_net_and_tax(
    tariff: Tariff, quantity: Decimal, used: Decimal
) -> None:
    quote = rate(tariff, quantity, used=used)

    assert quote.free + sum(part.quantity for part in quote.parts) == quote.billed
    assert quote.gross == quote.net + quote.tax
    assert quote.free >= 0
    assert min(quote.net.minor, quote.tax.minor) >= 0
    assert all(part.quantity >= 0 for part in quote.parts)


@given(tariff=tariffs(), quantity=QUANTITIES, used=USED)
def test_no_less_is_billed_than_was_used(tariff: Tariff, quantity: Decimal, used: Decimal) -> None:
    quote = rate(tariff, quantity, used=used)

    # To the half thousandth of a part that the six places of a quantity cannot hold.
    lost = Fraction(1, 2000 * tariff.parts) if tariff.first_increment else Fraction(0)
    assert Fraction(quote.billed) + lost + Fraction(1, 10**12) >= Fraction(quantity)


@given(tariff=tariffs(), one=QUANTITIES, other=QUANTITIES, used=USED)
def test_more_never_costs_less(tariff: Tariff, one: Decimal, other: Decimal, used: Decimal) -> None:
    less, more = sorted([one, other])

    small, great = rate(tariff, less, used=used), rate(tariff, more, used=used)

    assert small.billed <= great.billed
    assert small.gross <= great.gross


@given(tariff=tariffs(), one=QUANTITIES, other=QUANTITIES, used=USED)
def test_an_event_costs_exactly_what_its_two_halves_cost(
    tariff: Tariff, one: Decimal, other: Decimal, used: Decimal
) -> None:
    tariff = replace(tariff, first_increment=0, next_increment=0, minimum=Decimal(0))

    whole = rate(tariff, one + other, used=used)
    first = rate(tariff, one, used=used)
    second = rate(tariff, other, used=used + first.billed)

    assert exact_cost(whole) == exact_cost(first) + exact_cost(second)
    assert whole.free == first.free + second.free


@given(data=st.data(), quantities=st.lists(decimals("0.000001", "500"), min_size=1, max_size=8))
def test_a_month_comes_to_the_same_in_any_order_of_arrival(
    data: st.DataObject, quantities: list[Decimal]
) -> None:
    tariff = a_tariff(
        increment=(2, 3), allowance="20.5", steps=[("30", "0.05"), ("200.25", "0.02")]
    )
    shuffled = data.draw(st.permutations(quantities))

    def month(events: Sequence[Decimal]) -> tuple[Decimal, Decimal, Decimal]:
        used = free = cost = Decimal(0)
        for quantity in events:
            quote = rate(tariff, quantity, used=used)
            used += quote.billed
            free += quote.free
            cost += exact_cost(quote)
        return used, free, cost

    assert month(quantities) == month(shuffled)


@pytest.mark.parametrize(
    ("increment", "seconds", "billed"),
    [
        ((60, 60), 1, 60),
        ((60, 60), 60, 60),
        ((60, 60), 61, 120),
        ((60, 1), 59, 60),
        ((60, 1), 61, 61),
        ((60, 1), 200, 200),
        ((1, 1), 1, 1),
        ((1, 1), 3_599, 3_599),
        ((30, 6), 31, 36),
    ],
)
def test_seconds_are_counted_in_increments(
    increment: tuple[int, int], seconds: int, billed: int
) -> None:
    tariff = a_tariff("0.60", parts=60, increment=increment)
    quantity = round(Decimal(seconds) / 60, 6)

    quote = rate(tariff, quantity)

    assert round(quote.billed * 60, 9) == billed
    assert quote.gross.minor == billed


@given(seconds=st.integers(min_value=1, max_value=10**7), parts=st.integers(2, 999))
def test_whole_parts_survive_the_six_places_of_a_quantity(seconds: int, parts: int) -> None:
    tariff = a_tariff(parts=parts, increment=(1, 1))
    quantity = round(Decimal(seconds) / parts, 6)

    quote = rate(tariff, max(quantity, Decimal("0.000001")))

    assert round(quote.billed * parts, 6) == seconds


def test_without_increments_the_quantity_is_billed_as_it_was_sent() -> None:
    tariff = a_tariff("1", parts=60, minimum="0.01")

    quote = rate(tariff, Decimal("1.016667"))

    assert quote.billed == Decimal("1.016667")
    assert quote.gross.minor == 102


def test_the_smallest_call_pays_the_first_increment() -> None:
    quote = rate(a_tariff("0.19", parts=60, increment=(60, 60)), Decimal("0.000001"))

    assert (quote.billed, quote.gross.minor) == (Decimal(1), 19)


def test_a_cheap_event_pays_the_minimum_and_a_dear_one_does_not() -> None:
    tariff = a_tariff("0.10", minimum="0.25")

    cheap, equal, dear = (rate(tariff, Decimal(each)) for each in ("1", "2.5", "3"))

    assert (cheap.gross.minor, cheap.is_minimum) == (25, True)
    assert (equal.gross.minor, equal.is_minimum) == (25, False)
    assert (dear.gross.minor, dear.is_minimum) == (30, False)


def test_the_minimum_spares_what_the_allowance_covers() -> None:
    tariff = a_tariff(minimum="0.25", allowance="100")

    inside, across = (rate(tariff, Decimal(2), used=Decimal(each)) for each in ("98", "99"))

    assert (inside.gross.minor, inside.free, inside.parts) == (0, Decimal(2), ())
    assert (across.gross.minor, across.free, across.is_minimum) == (25, Decimal(1), True)


def test_the_allowance_goes_first_and_steps_count_what_is_paid() -> None:
    tariff = a_tariff("0.10", allowance="10", steps=[("20", "0.05"), ("30", "0.01")])

    quote = rate(tariff, Decimal(45), used=Decimal(5))

    assert quote.free == 5
    assert [(part.quantity, part.unit_price) for part in quote.parts] == [
        (Decimal(20), Decimal("0.10")),
        (Decimal(10), Decimal("0.05")),
        (Decimal(10), Decimal("0.01")),
    ]
    assert quote.gross.minor == 200 + 50 + 10


def test_a_month_of_odd_seconds_does_not_drift() -> None:
    tariff = a_tariff("1", parts=60, increment=(60, 1), allowance="61")
    quantity = Decimal("1.016667")
    used = sum((rate(tariff, quantity).billed for _ in range(59)), Decimal(0))

    sixtieth = rate(tariff, quantity, used=used)
    after = rate(tariff, quantity, used=used + sixtieth.billed)

    assert (sixtieth.free, sixtieth.gross.minor) == (sixtieth.billed, 0)
    assert (after.free, after.gross.minor) == (Decimal(0), 102)


def test_the_cent_is_rounded_once_for_all_parts_of_an_event() -> None:
    tariff = a_tariff("0.004", steps=[("1", "0.004"), ("2", "0.004")])

    quote = rate(tariff, Decimal(3))

    assert (len(quote.parts), quote.gross.minor) == (3, 1)


def test_a_plain_tariff_tells_its_one_part() -> None:
    quote = rate(a_tariff("0.10"), Decimal("2.5"), used=Decimal(7))

    assert (quote.billed, quote.free, quote.is_minimum) == (Decimal("2.5"), Decimal(0), False)
    assert quote.parts == ((Decimal("2.5"), Decimal("0.10")),)


@pytest.mark.parametrize(
    ("tariff", "needs"),
    [
        (a_tariff(), False),
        (a_tariff(increment=(60, 60), minimum="1"), False),
        (a_tariff(allowance="1"), True),
        (a_tariff(steps=[("1", "0.05")]), True),
    ],
)
def test_only_allowance_and_steps_ask_for_the_volume(tariff: Tariff, *, needs: bool) -> None:
    assert tariff.needs_volume is needs


@pytest.mark.parametrize("used", ["-1", "NaN", "Infinity"])
def test_an_impossible_volume_is_refused(used: str) -> None:
    with pytest.raises(BadQuantityError):
        rate(a_tariff(allowance="1"), Decimal(1), used=Decimal(used))
