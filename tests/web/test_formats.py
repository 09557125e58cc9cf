from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from babel import Locale
from flask import Flask, render_template_string
from flask_babel import Babel
from hypothesis import given
from hypothesis import strategies as st

from app.web import formats

DE, EN = Locale("de"), Locale("en")
NOW = datetime(2025, 11, 20, 12, 0, tzinfo=UTC)
NBSP = "\N{NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Amount:
    minor: int
    currency: str = "EUR"


@pytest.mark.parametrize(
    ("minor", "currency", "locale", "shown"),
    [
        (0, "EUR", DE, f"0,00{NBSP}€"),
        (123450, "EUR", DE, f"1.234,50{NBSP}€"),
        (-87, "EUR", DE, f"{MINUS}0,87{NBSP}€"),
        (123450, "EUR", EN, "€1,234.50"),
        (-87, "EUR", EN, f"{MINUS}€0.87"),
        (500, "GBP", EN, "£5.00"),
        (500, "USD", DE, f"5,00{NBSP}$"),
        (1234, "JPY", DE, f"1.234{NBSP}¥"),
        (1234, "KWD", EN, "KWD1.234"),
        (10**17 + 1, "EUR", DE, f"1.000.000.000.000.000,01{NBSP}€"),
    ],
)
def test_money_follows_language_and_currency(
    minor: int, currency: str, locale: Locale, shown: str
) -> None:
    assert formats.money(Amount(minor, currency), locale) == shown


@given(st.integers(min_value=-(10**18), max_value=10**18), st.sampled_from([DE, EN]))
def test_no_cent_is_lost_on_the_way_to_the_page(minor: int, locale: Locale) -> None:
    shown = formats.money(Amount(minor), locale)

    digits = int("".join(sign for sign in shown if sign.isdigit()))
    assert digits == abs(minor)
    assert (MINUS in shown) == (minor < 0)
    assert "-" not in shown


def test_signed_money_names_its_direction_and_zero_has_none() -> None:
    assert formats.signed_money(Amount(2500), DE) == f"+25,00{NBSP}€"
    assert formats.signed_money(Amount(-2500), DE) == f"{MINUS}25,00{NBSP}€"
    assert formats.signed_money(Amount(0), DE) == f"0,00{NBSP}€"
    assert formats.signed_money(Amount(2500), EN) == "+€25.00"


@pytest.mark.parametrize(
    ("value", "locale", "shown"),
    [
        (Decimal("12.500000"), DE, "12,5"),
        (Decimal("0.000001"), DE, "0,000001"),
        (Decimal("1E+3"), DE, "1.000"),
        (Decimal("-3.25"), EN, f"{MINUS}3.25"),
        (Decimal(0), EN, "0"),
        (1240, DE, "1.240"),
    ],
)
def test_quantity_shows_what_counts(value: Decimal | int, locale: Locale, shown: str) -> None:
    assert formats.quantity(value, locale) == shown


def test_a_day_is_the_day_in_the_readers_zone() -> None:
    before_midnight_utc = datetime(2025, 11, 27, 23, 30, tzinfo=UTC)

    assert formats.day(before_midnight_utc, DE) == "28.11.2025"
    assert formats.day(before_midnight_utc, DE, UTC) == "27.11.2025"
    assert formats.day(date(2025, 11, 28), EN) == "Nov 28, 2025"


@pytest.mark.parametrize(
    ("ago", "german", "english"),
    [
        (timedelta(seconds=5), "vor 1 Minute", "1 minute ago"),
        (timedelta(seconds=-5), "vor 1 Minute", "1 minute ago"),
        (timedelta(minutes=14), "vor 14 Minuten", "14 minutes ago"),
        (timedelta(hours=3), "vor 3 Stunden", "3 hours ago"),
        (timedelta(days=6), "vor 6 Tagen", "6 days ago"),
        (timedelta(days=-2), "in 2 Tagen", "in 2 days"),
    ],
)
def test_a_moment_within_a_week_is_relative(ago: timedelta, german: str, english: str) -> None:
    assert formats.moment(NOW - ago, DE, now=NOW) == german
    assert formats.moment(NOW - ago, EN, now=NOW) == english


def test_a_moment_beyond_a_week_is_day_and_time_in_the_readers_zone() -> None:
    summer = datetime(2025, 7, 1, 22, 30, tzinfo=UTC)

    assert formats.moment(summer, DE, now=NOW) == "02.07.2025, 00:30"
    assert formats.moment(summer, DE, now=NOW, zone=ZoneInfo("UTC")) == "01.07.2025, 22:30"
    assert formats.moment(NOW - timedelta(days=7), DE, now=NOW) == "13.11.2025, 13:00"


def test_the_absolute_time_names_its_zone() -> None:
    assert formats.absolute(NOW, DE) == "20. November 2025, 13:00:00 MEZ"


def test_the_filters_speak_the_language_of_the_request() -> None:
    app = Flask(__name__)
    Babel(app, locale_selector=lambda: "de")
    formats.register(app, clock=lambda: NOW)

    with app.test_request_context():
        shown = render_template_string(
            "{{ m|money }} {{ m|signed_money }} {{ 1.5|quantity }} {{ t|day }} {{ t|moment }}"
            " {{ t|absolute }} {{ page_language() }}",
            m=Amount(100),
            t=NOW - timedelta(hours=1),
        )

    assert shown == (
        f"1,00{NBSP}€ +1,00{NBSP}€ 1,5 20.11.2025 vor 1 Stunde 20. November 2025, 12:00:00 MEZ de"
    )


def test_outside_of_a_request_the_filters_speak_german() -> None:
    app = Flask(__name__)
    formats.register(app)

    template = app.jinja_env.from_string("{{ m|money }}")

    assert template.render(m=Amount(100)) == f"1,00{NBSP}€"
