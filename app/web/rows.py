"""A wallet's movements in the reader's words, for lists and exports."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import flask_babel
from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from app.billing import HistoryLine, TopUp, TopUpState
from app.kernel import Money
from app.web import formats


@dataclass(frozen=True, slots=True)
class TransactionRow:
    """One line of the list of transactions."""

    title: str
    detail: str
    at: datetime
    amount: Money
    balance_after: Money
    kind: str
    note: str = ""
    href: str = ""
    is_reversed: bool = False


@dataclass(frozen=True, slots=True)
class TopUpRow:
    """One line of the list of top-ups."""

    at: datetime
    amount: Money
    state: str
    method: str


# What the list draws beside a meter's charges; any other charge gets the general mark.
_CHARGES = frozenset({"usage", "fee"})
_METER_UNITS = {"call_minutes": "minute", "messages": "message"}
_METER_KINDS = {"call_minutes": "call", "messages": "message"}


def top_up_row(top_up: TopUp) -> TopUpRow:
    """Return a top-up as the list shows it."""
    creating = top_up.state == TopUpState.CREATING.value
    return TopUpRow(
        at=top_up.created_at,
        amount=Money(top_up.amount_minor, top_up.currency),
        state="created" if creating else top_up.state,
        method=_("Card"),
    )


def transaction_row(line: HistoryLine, *, charge_page: str = "") -> TransactionRow:
    """Return a movement with a title and a detail a customer understands.

    `charge_page` is the endpoint of the page of a charge; without it nothing is linked.
    """
    charge = line.reverses or (line.id if line.kind in _CHARGES else None)
    return TransactionRow(
        title=_title(line),
        detail=_detail(line),
        at=line.at,
        amount=line.total,
        balance_after=line.balance_after,
        kind=_METER_KINDS.get(line.meter or "", line.kind),
        note=_note(line),
        href=url_for(charge_page, entry_id=charge) if charge_page and charge else "",
        is_reversed=line.is_reversed,
    )


def meter_name(meter: str) -> str:
    """Return what people call something that is counted; an unknown one as events name it."""
    names = {"call_minutes": _("Call minutes"), "messages": _("Messages")}
    return str(names.get(meter, meter.replace("_", " ").capitalize()))


def unit_name(unit: str) -> str:
    """Return what people call the unit that something is counted in; an unknown one as it is."""
    return str({"minute": _("minute"), "message": _("message")}.get(unit, unit))


def _title(line: HistoryLine) -> str:
    if line.name:
        return line.name
    titles = {
        "top_up": _("Top-up"),
        "adjustment": _("Correction"),
        "credit": _("Credit"),
        "bonus_expiry": _("Bonus expired"),
        "reversal": _("Written off"),
        "call_minutes": _("Call"),
        "messages": _("Messages"),
    }
    return str(titles.get(line.meter or line.kind, _("Usage")))


def in_units(quantity: Decimal, unit: str) -> str:
    """Return a quantity with its unit; of an unknown unit, as it is called."""
    number = formats.quantity(quantity, flask_babel.get_locale())
    units = {
        "minute": _("%(number)s min", number=number),
        "message": ngettext(
            "%(number)s message", "%(number)s messages", _plural(quantity), number=number
        ),
    }
    return str(units.get(unit, f"{number} {unit}".strip()))


def subject_name(subject: str) -> str:
    """Return a line or agent without the word that tells its kind."""
    return subject.partition(":")[2] or subject


def _detail(line: HistoryLine) -> str:
    parts = []
    if line.quantity is not None:
        parts.append(in_units(line.quantity, _METER_UNITS.get(line.meter or "", "")))
    parts += [known for known in (line.counterparty, line.reason) if known]
    return " · ".join(parts)


def _note(line: HistoryLine) -> str:
    """Return what of it was no paid credit."""
    locale, notes = flask_babel.get_locale(), []
    if line.bonus_moved is not None and line.kind != "bonus_expiry":
        bonus = formats.money(abs_of(line.bonus_moved), locale)
        notes.append(
            _("%(amount)s of it from bonus credit", amount=bonus)
            if line.bonus_moved.minor < 0
            else _("%(amount)s of it as bonus credit", amount=bonus)
        )
    if line.owed_moved is not None:
        owed = formats.money(abs_of(line.owed_moved), locale)
        notes.append(
            _("%(amount)s of it owed", amount=owed)
            if line.owed_moved.minor < 0
            else _("%(amount)s of it paid what was owed", amount=owed)
        )
    return " · ".join(str(note) for note in notes)


def abs_of(amount: Money) -> Money:
    """Return an amount without its sign."""
    return amount if amount.minor >= 0 else -amount


def _plural(number: Decimal) -> int:
    """Return what chooses the plural form: gettext takes whole numbers, so 1 or several.

    Which numbers are one thing is the language's own affair: 0 and 1.5 are in French.
    """
    form = flask_babel.get_locale().plural_form(number.normalize())
    return 1 if form == "one" else 2
