from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel import CurrencyMismatchError, Money, UnknownCurrencyError

CURRENCIES = st.sampled_from(["EUR", "USD", "GBP"])
MINORS = st.integers(min_value=-(2**62), max_value=2**62)


@given(a=MINORS, b=MINORS, c=MINORS, currency=CURRENCIES)
def test_sums_do_not_depend_on_order_or_grouping(a: int, b: int, c: int, currency: str) -> None:
    x, y, z = Money(a, currency), Money(b, currency), Money(c, currency)

    assert x + y == y + x
    assert (x + y) + z == x + (y + z)


@given(a=MINORS, b=MINORS, currency=CURRENCIES)
def test_what_was_added_can_be_taken_away(a: int, b: int, currency: str) -> None:
    x, y = Money(a, currency), Money(b, currency)

    assert x + y - y == x
    assert x - x == Money(0, currency)
    assert x + -x == Money(0, currency)


@given(a=MINORS, b=MINORS, currency=CURRENCIES)
def test_amounts_are_ordered_as_their_cents_are(a: int, b: int, currency: str) -> None:
    x, y = Money(a, currency), Money(b, currency)

    assert (x < y, x <= y, x > y, x >= y, x == y) == (a < b, a <= b, a > b, a >= b, a == b)
    assert bool(x) is (a != 0)


@given(minor=MINORS, currency=CURRENCIES)
def test_the_amount_in_major_units_is_exact(minor: int, currency: str) -> None:
    money = Money(minor, currency)

    assert money.amount * 100 == Decimal(minor)


@given(a=MINORS, b=MINORS)
def test_two_currencies_never_meet(a: int, b: int) -> None:
    euros, dollars = Money(a, "EUR"), Money(b, "USD")

    for meet in (
        lambda: euros + dollars,
        lambda: euros - dollars,
        lambda: euros < dollars,
        lambda: euros >= dollars,
    ):
        with pytest.raises(CurrencyMismatchError):
            meet()
    assert euros != dollars


@pytest.mark.parametrize("currency", ["", "eur", "XXX", "BTC", "EUR "])
def test_an_unknown_currency_is_refused(currency: str) -> None:
    with pytest.raises(UnknownCurrencyError):
        Money(1, currency)


def test_money_cannot_be_changed() -> None:
    money = Money(1, "EUR")

    with pytest.raises(AttributeError):
        money.minor = 2  # type: ignore[misc]
