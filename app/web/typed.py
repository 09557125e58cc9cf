"""What a person typed into a form, read field by field; each refusal names its field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import TypeVar
from uuid import UUID

from werkzeug.datastructures import MultiDict

from app.kernel import AppError, Kind, Money, translatable
from app.web.formats import DEFAULT_ZONE

_NUMBER = re.compile(r"[-\N{MINUS SIGN}]?\d{1,10}(?:[.,](?P<places>\d{1,6}))?", re.ASCII)
_UNITS = "€$£%"
# Percents to a share, with the six places that are stored.
_HUNDRED = 100
LONGEST_TEXT = 200
_MONTHS = 12

Choice = TypeVar("Choice", bound=Enum)


class UnreadableNumberError(AppError):
    """The typed number is none, has too many places, or thousands apart."""

    kind = Kind.INVALID
    code = "web.unreadable_number"
    text = translatable("Enter a number such as 12 or 0.19, without separators for thousands.")


class UnreadableDayError(AppError):
    """The typed day or month is none."""

    kind = Kind.INVALID
    code = "web.unreadable_day"
    text = translatable("Choose a day.")


class UnknownChoiceError(AppError):
    """What was chosen is none of what there is."""

    kind = Kind.INVALID
    code = "web.unknown_choice"
    text = translatable("Choose one of the options shown.")


class MissingTextError(AppError):
    """A field that must be filled is empty, or longer than it may be."""

    kind = Kind.INVALID
    code = "web.missing_text"
    text = translatable("Please fill in this field, in at most 200 characters.")


class Typed:
    """The fields of a sent form, by name; what fills several fields has its name repeated."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self._fields = fields

    def text(self, field: str) -> str:
        """Return what was typed; refuses nothing, and more than 200 characters."""
        found = self.optional_text(field)
        if not found or len(found) > LONGEST_TEXT:
            raise MissingTextError(field=field)
        return found

    def optional_text(self, field: str) -> str:
        """Return what was typed, perhaps nothing."""
        # PostgreSQL stores no NUL.
        return self._fields.get(field, "").replace("\0", "").strip()

    def secret(self, field: str) -> str:
        """Return a password exactly as it was typed, spaces and all."""
        return self._fields.get(field, "")

    def is_ticked(self, field: str) -> bool:
        """Return whether a box was ticked."""
        return bool(self._fields.get(field))

    def number(self, field: str, *, places: int = 6) -> Decimal:
        """Return a decimal number; comma and point both mark its places. Refuses anything else."""
        return read_number(self.optional_text(field), field=field, places=places)

    def optional_number(self, field: str, *, places: int = 6) -> Decimal | None:
        """Return a decimal number, or None where nothing was typed."""
        return self.number(field, places=places) if self.optional_text(field) else None

    def whole(self, field: str) -> int:
        """Return a whole number."""
        return int(self.number(field, places=0))

    def optional_whole(self, field: str) -> int | None:
        """Return a whole number, or None where nothing was typed."""
        return self.whole(field) if self.optional_text(field) else None

    def share(self, field: str) -> Decimal:
        """Return a percentage as a part of one: 27.5 is 0.275."""
        return self.number(field, places=4) / _HUNDRED

    def money(self, field: str, currency: str) -> Money:
        """Return an amount of at most two decimal places."""
        return _money(self.number(field, places=2), currency)

    def optional_money(self, field: str, currency: str) -> Money | None:
        """Return an amount, or None where nothing was typed."""
        return self.money(field, currency) if self.optional_text(field) else None

    def day(self, field: str) -> date:
        """Return a day as browsers send it."""
        return read_day(self.optional_text(field), field=field)

    def since(self, field: str, *, now: datetime) -> datetime:
        """Return when a chosen day begins in Berlin, in UTC; without a day, now."""
        return begins(self.day(field)) if self.optional_text(field) else now

    def month(self, field: str) -> date:
        """Return the first day of a month as browsers send it, 2026-11."""
        return read_day(f"{self.optional_text(field)}-01", field=field)

    def choice(self, field: str, options: type[Choice]) -> Choice:
        """Return the chosen one of several options."""
        try:
            return options(self.optional_text(field))
        except ValueError as unknown:
            raise UnknownChoiceError(field=field) from unknown

    def identifier(self, field: str) -> UUID:
        """Return the id of something that was chosen."""
        try:
            return UUID(self.optional_text(field))
        except ValueError as unknown:
            raise UnknownChoiceError(field=field) from unknown

    def pairs(self, first: str, second: str) -> list[tuple[Typed, str, str]]:
        """Return the rows of two fields that repeat, without those that were left empty.

        Each as a form of its own with the two names, so that it is read like any other.
        """
        firsts, seconds = self._several(first), self._several(second)
        rows = zip(firsts, seconds, strict=False)
        return [
            (Typed({first: left, second: right}), first, second)
            for left, right in rows
            if left.strip() or right.strip()
        ]

    def _several(self, field: str) -> list[str]:
        if isinstance(self._fields, MultiDict):
            return self._fields.getlist(field)
        return [self._fields[field]] if field in self._fields else []


def begins(day: date) -> datetime:
    """Return the first instant of a day in Berlin, in UTC."""
    return datetime.combine(day, time(), tzinfo=DEFAULT_ZONE).astimezone(UTC)


def read_day(text: str, *, field: str = "at") -> date:
    """Return a day that is written 2026-11-21; refuses what is none."""
    try:
        return date.fromisoformat(text)
    except ValueError as unreadable:
        raise UnreadableDayError(field=field) from unreadable


def read_number(text: str, *, field: str, places: int) -> Decimal:
    """Return a number of at most so many decimal places; refuses thousands that stand apart."""
    bare = text.strip().rstrip(_UNITS).strip()
    found = _NUMBER.fullmatch(bare)
    if found is None or len(found["places"] or "") > places:
        raise UnreadableNumberError(field=field)
    return Decimal(bare.replace(",", ".").replace("\N{MINUS SIGN}", "-"))


def _money(amount: Decimal, currency: str) -> Money:
    return Money(int(amount.scaleb(2)), currency)
