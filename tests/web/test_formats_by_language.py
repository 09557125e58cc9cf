"""What a number, an amount and a time look like in each of the four languages, as CLDR says.

Some spaces look alike and are not: NBSP no-break, NNBSP narrow no-break.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from babel import Locale

from app.kernel import Language, Money
from app.web import formats

NBSP, NNBSP, MINUS = "\N{NO-BREAK SPACE}", "\N{NARROW NO-BREAK SPACE}", "\N{MINUS SIGN}"
NOW = datetime(2025, 11, 20, 12, 0, tzinfo=UTC)
LANGUAGES = ("de", "en", "fr", "es")


def test_the_tables_below_know_every_language() -> None:
    assert set(LANGUAGES) == {each.value for each in Language}


@pytest.mark.parametrize(
    ("minor", "currency", "shown"),
    [
        (0, "EUR", (f"0,00{NBSP}€", "€0.00", f"0,00{NBSP}€", f"0,00{NBSP}€")),
        (
            123450,
            "EUR",
            (f"1.234,50{NBSP}€", "€1,234.50", f"1{NNBSP}234,50{NBSP}€", f"1234,50{NBSP}€"),
        ),
        (
            -1234567,
            "EUR",
            (
                f"{MINUS}12.345,67{NBSP}€",
                f"{MINUS}€12,345.67",
                f"{MINUS}12{NNBSP}345,67{NBSP}€",
                f"{MINUS}12.345,67{NBSP}€",
            ),
        ),
        (500, "GBP", (f"5,00{NBSP}£", "£5.00", f"5,00{NBSP}£GB", f"5,00{NBSP}GBP")),
        (500, "USD", (f"5,00{NBSP}$", "$5.00", f"5,00{NBSP}$US", f"5,00{NBSP}US$")),
    ],
)
def test_money(minor: int, currency: str, shown: tuple[str, ...]) -> None:
    written = [formats.money(Money(minor, currency), Locale(each)) for each in LANGUAGES]

    assert tuple(written) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1240, ("1.240", "1,240", f"1{NNBSP}240", "1240")),
        (Decimal("12345.5"), ("12.345,5", "12,345.5", f"12{NNBSP}345,5", "12.345,5")),
        (Decimal("-0.25"), (f"{MINUS}0,25", f"{MINUS}0.25", f"{MINUS}0,25", f"{MINUS}0,25")),
    ],
)
def test_quantities(value: Decimal | int, shown: tuple[str, ...]) -> None:
    assert tuple(formats.quantity(value, Locale(each)) for each in LANGUAGES) == shown


def test_percents() -> None:
    written = [formats.percent(Decimal("0.275"), Locale(each)) for each in LANGUAGES]

    assert written == [f"27,5{NBSP}%", "27.5%", f"27,5{NBSP}%", f"27,5{NBSP}%"]


def test_prices_of_a_unit() -> None:
    price = Decimal("0.0125")

    written = [formats.unit_price(price, "EUR", Locale(each)) for each in LANGUAGES]

    assert written == [f"0,0125{NBSP}€", "€0.0125", f"0,0125{NBSP}€", f"0,0125{NBSP}€"]


def test_days_and_months() -> None:
    day = date(2026, 2, 28)

    days = [formats.day(day, Locale(each)) for each in LANGUAGES]
    months = [formats.month(day, Locale(each)) for each in LANGUAGES]

    assert days == ["28.02.2026", "Feb 28, 2026", "28 févr. 2026", "28 feb 2026"]
    assert months == ["Februar 2026", "February 2026", "février 2026", "febrero de 2026"]


@pytest.mark.parametrize(
    ("ago", "shown"),
    [
        (
            timedelta(minutes=1),
            ("vor 1 Minute", "1 minute ago", "il y a 1 minute", "hace 1 minuto"),
        ),
        (
            timedelta(days=3),
            ("vor 3 Tagen", "3 days ago", "il y a 3 jours", "hace 3 días"),
        ),
        (
            timedelta(hours=-2),
            ("in 2 Stunden", "in 2 hours", "dans 2 heures", "dentro de 2 horas"),
        ),
        (
            timedelta(days=8),
            (
                "12.11.2025, 13:00",
                f"Nov 12, 2025, 1:00{NNBSP}PM",
                "12 nov. 2025, 13:00",
                "12 nov 2025, 13:00",
            ),
        ),
    ],
)
def test_moments_in_berlin(ago: timedelta, shown: tuple[str, ...]) -> None:
    written = [formats.moment(NOW - ago, Locale(each), now=NOW) for each in LANGUAGES]

    assert tuple(written) == shown


def test_the_exact_time_names_its_zone_in_every_language() -> None:
    written = [formats.absolute(NOW, Locale(each)) for each in LANGUAGES]

    assert written == [
        "20. November 2025, 13:00:00 MEZ",
        f"November 20, 2025, 1:00:00{NNBSP}PM CET",
        "20 novembre 2025, 13:00:00 CET",
        "20 de noviembre de 2025, 13:00:00 CET",
    ]
