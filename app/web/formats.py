"""Money, numbers and times as a reader of one language expects them.

Pure functions that take the locale; `register` hands them to Jinja with the locale of the
request. Amounts carry a real minus (U+2212): it is as wide as the plus and no line breaks at it.
"""

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Protocol
from zoneinfo import ZoneInfo

import flask_babel
from babel import Locale
from babel.dates import (
    format_date,
    format_datetime,
    format_skeleton,
    format_time,
    format_timedelta,
)
from babel.numbers import (
    format_currency,
    format_decimal,
    format_percent,
    get_currency_precision,
)
from flask import Flask

from app.kernel import Money, now

DEFAULT_ZONE = ZoneInfo("Europe/Berlin")

_MINUS = "\N{MINUS SIGN}"
_RELATIVE_UP_TO = timedelta(days=7)
_MINUTE = timedelta(minutes=1)
_SPANISH_GROUPS_FROM = 10_000
_OFFSET = re.compile(r"[+-]\d{4}$")


class MoneyLike(Protocol):
    """An amount in the smallest unit of its currency."""

    @property
    def minor(self) -> int:
        """The amount: cents, pence, whole yen."""

    @property
    def currency(self) -> str:
        """The ISO 4217 code."""


def money(value: MoneyLike, locale: Locale) -> str:
    """Return an amount such as `1.234,50 €`; zero has no sign."""
    major = Decimal(value.minor).scaleb(-get_currency_precision(value.currency))
    grouped = _is_grouped(major, locale)
    return _with_real_minus(
        format_currency(major, value.currency, locale=locale, group_separator=grouped)
    )


def signed_money(value: MoneyLike, locale: Locale) -> str:
    """Return an amount with its direction: plus or minus in front, zero with neither."""
    return f"+{money(value, locale)}" if value.minor > 0 else money(value, locale)


def quantity(value: Decimal | int, locale: Locale) -> str:
    """Return a number with up to six places and no idle zeros."""
    grouped = _is_grouped(value, locale)
    return _with_real_minus(
        format_decimal(value, format="#,##0.######", locale=locale, group_separator=grouped)
    )


def plain(value: Decimal | int, locale: Locale) -> str:
    """Return a number as a field of a form holds it: no thousands apart, no idle zeros."""
    return format_decimal(value, format="0.######", locale=locale)


def day(value: date, locale: Locale, zone: tzinfo = DEFAULT_ZONE) -> str:
    """Return a calendar day; an aware time is read in `zone` first."""
    local = value.astimezone(zone) if isinstance(value, datetime) else value
    return format_date(local, format="medium", locale=locale)


def month(value: date, locale: Locale) -> str:
    """Return a month and its year, such as `November 2026`."""
    return format_skeleton("yMMMM", value, locale=locale)


def percent(value: Decimal, locale: Locale) -> str:
    """Return a part of one in percent with up to four places and no idle zeros."""
    pattern = locale.percent_formats[None].pattern.replace("#,##0", "#,##0.####")
    return _with_real_minus(format_percent(value, format=pattern, locale=locale))


def unit_price(value: Decimal, currency: str, locale: Locale) -> str:
    """Return the price of a unit: at least two places, up to six where they say something."""
    symbol = "#,##0.00####\N{NO-BREAK SPACE}¤" if locale.language != "en" else "¤#,##0.00####"
    return _with_real_minus(
        format_currency(
            value,
            currency,
            format=symbol,
            locale=locale,
            currency_digits=False,
            group_separator=_is_grouped(value, locale),
        )
    )


def moment(value: datetime, locale: Locale, *, now: datetime, zone: tzinfo = DEFAULT_ZONE) -> str:
    """Return a time as people say it: relative within a week, then day and time of `zone`."""
    distance = value - now
    if abs(distance) >= _RELATIVE_UP_TO:
        clock = format_time(value.astimezone(zone), format="short", tzinfo=zone, locale=locale)
        return f"{day(value, locale, zone)}, {clock}"
    if abs(distance) < _MINUTE:
        distance = -_MINUTE  # a clock that is seconds ahead must not announce the future
    return format_timedelta(
        distance, granularity="minute", threshold=1, add_direction=True, locale=locale
    )


def absolute(value: datetime, locale: Locale, zone: tzinfo = DEFAULT_ZONE) -> str:
    """Return a time to the second with the name of its zone."""
    text = format_datetime(value, format="long", tzinfo=zone, locale=locale)
    # A language without a word for the zone writes its offset; the zone's own name says more.
    return _OFFSET.sub(value.astimezone(zone).tzname() or "", text)


def register(
    app: Flask,
    *,
    clock: Callable[[], datetime] = now,
    zone: Callable[[], tzinfo] = lambda: DEFAULT_ZONE,
) -> None:
    """Give Jinja the filters above, in the language of the request, and `page_language()`."""
    locale = _locale

    app.add_template_filter(lambda value: money(value, locale()), "money")
    app.add_template_filter(lambda value: signed_money(value, locale()), "signed_money")
    app.add_template_filter(lambda value: quantity(value, locale()), "quantity")
    app.add_template_filter(Money, "as_money")
    app.add_template_filter(lambda value: plain(value, locale()), "plain")
    app.add_template_filter(lambda value: percent(value, locale()), "percent")
    app.add_template_filter(
        lambda value, currency: unit_price(value, currency, locale()), "unit_price"
    )
    app.add_template_filter(lambda value: month(value, locale()), "month")
    app.add_template_filter(lambda value: day(value, locale(), zone()), "day")
    app.add_template_filter(
        lambda value: moment(value, locale(), now=clock(), zone=zone()), "moment"
    )
    app.add_template_filter(lambda value: absolute(value, locale(), zone()), "absolute")
    app.add_template_global(page_language)


def page_language() -> str:
    """Return the code of the language of the request, such as `de`."""
    return _locale().language


def _locale() -> Locale:
    """Return the locale of the request; outside of one, German: it comes first."""
    return flask_babel.get_locale() or Locale("de")


def _is_grouped(value: Decimal | int, locale: Locale) -> bool:
    """Return whether thousands stand apart: in Spanish from five digits on (CLDR; not in Babel)."""
    return abs(Decimal(value)) >= _SPANISH_GROUPS_FROM or locale.language != "es"


def _with_real_minus(text: str) -> str:
    return text.replace("-", _MINUS)
