"""What people type into forms, and what is understood."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel import Money
from app.web.typed import (
    MissingTextError,
    Typed,
    UnknownChoiceError,
    UnreadableDayError,
    UnreadableNumberError,
    begins,
)

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("0,19", "0.19"), ("0.19", "0.19"), (" 12 ", "12"), ("5 €", "5"), ("27,5 %", "27.5"),
        ("-3", "-3"), ("\N{MINUS SIGN}3,5", "-3.5"), ("0,000001", "0.000001"),
    ],
)  # fmt: skip
def test_comma_and_point_both_mark_decimals(typed: str, number: str) -> None:
    assert Typed({"a": typed}).number("a") == Decimal(number)


@pytest.mark.parametrize(
    "typed", ["", "x", "1.234,50", "1 000", "1e3", "NaN", "--1", "0,1234567", "٣", "1,", "9" * 11]
)
def test_anything_else_is_no_number(typed: str) -> None:
    with pytest.raises(UnreadableNumberError) as refused:
        Typed({"a": typed}).number("a")

    assert refused.value.facts == {"field": "a"}


@pytest.mark.parametrize("typed", ["1.500", "1,500", "0.001"])
def test_an_amount_that_could_be_thousands_is_refused(typed: str) -> None:
    with pytest.raises(UnreadableNumberError):
        Typed({"a": typed}).money("a", "EUR")


@given(minor=st.integers(min_value=-(10**9), max_value=10**9), mark=st.sampled_from(",."))
def test_every_amount_is_read_as_it_is_written(minor: int, mark: str) -> None:
    sign = "-" if minor < 0 else ""
    typed = f"{sign}{abs(minor) // 100}{mark}{abs(minor) % 100:02}"

    assert Typed({"a": typed}).money("a", "EUR") == Money(minor, "EUR")


def test_a_day_begins_in_berlin_and_no_day_is_now() -> None:
    typed = Typed({"summer": "2026-07-01", "winter": "2026-12-01", "none": ""})

    assert typed.since("summer", now=NOW) == datetime(2026, 6, 30, 22, tzinfo=UTC)
    assert typed.since("winter", now=NOW) == datetime(2026, 11, 30, 23, tzinfo=UTC)
    assert typed.since("none", now=NOW) == NOW
    assert begins(date(2026, 3, 29)) == datetime(2026, 3, 28, 23, tzinfo=UTC)


@pytest.mark.parametrize("typed", ["soon", "2026-13-01", "21.11.2026", "2026-02-30"])
def test_what_is_no_day_is_refused(typed: str) -> None:
    with pytest.raises(UnreadableDayError):
        Typed({"a": typed}).day("a")


def test_texts_are_stripped_bounded_and_hold_no_nul() -> None:
    typed = Typed({"name": "  Ole\0 ", "empty": " ", "long": "x" * 201})

    assert typed.text("name") == "Ole"
    for field in ("empty", "long", "missing"):
        with pytest.raises(MissingTextError):
            typed.text(field)


def test_an_id_of_nothing_is_no_choice() -> None:
    with pytest.raises(UnknownChoiceError):
        Typed({"user": "42"}).identifier("user")
