"""Forms of a page: which one was sent, what came of it, and the refusal beside it.

Every form of a page posts to the page's own address and names itself in the field `form`. A
refusal answers with the same page: what was typed stays, the reason stands beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

import flask_babel
from flask import Flask, flash, g, redirect, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest

from app.edge import STATUS
from app.kernel import AppError, Kind
from app.web import formats
from app.web.rows import in_units, meter_name, subject_name, unit_name
from app.web.typed import Typed, UnreadableDayError, read_day
from app.web.words import gettext

# They are not about what was typed: the whole request is answered.
_ELSEWHERE = frozenset({Kind.UNAUTHENTICATED, Kind.TOO_MANY, Kind.UNAVAILABLE})
_ISO_MONTH = len("2026-11")


@dataclass(frozen=True, slots=True)
class ShownOnce:
    """A secret that a form made: the page shows it now, and nothing shows it again."""

    done: str
    label: str
    secret: str


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Where a form leads that goes on at another site: the page that takes the payment."""

    address: str


@dataclass(frozen=True, slots=True)
class Instead:
    """A page that answers in place of the form's own, at once: it shows what is shown once."""

    page: str


Act = Callable[[Typed], str | ShownOnce | Elsewhere | Instead]


@dataclass(frozen=True, slots=True)
class FormState:
    """One form of a page as a template sees it: untouched, or refused with what was typed."""

    name: str
    typed: MultiDict[str, str] = field(default_factory=MultiDict)
    reason: str = ""
    about: str = ""

    @property
    def is_refused(self) -> bool:
        """Whether this very form was sent and refused."""
        return bool(self.reason)

    @property
    def problem(self) -> str:
        """The refusal, where it is about no single field."""
        return "" if self.about else self.reason

    def value(self, name: str, default: object = "") -> object:
        """Return what was typed into a field, else what stands there first."""
        return self.typed.get(name, "") if self.is_refused else default

    def values(self, name: str, default: list[str]) -> list[str]:
        """Return what was typed into a field that repeats."""
        return self.typed.getlist(name) if self.is_refused else default

    def error(self, name: str) -> str:
        """Return the refusal of a field."""
        return self.reason if self.about == name else ""


def register(app: Flask) -> None:
    """Let templates ask for the state of a form, and for a secret to show."""
    for words in (meter_name, unit_name, in_units, subject_name):
        app.add_template_filter(words, words.__name__)
    app.context_processor(lambda: {"form_state": _state, "shown_once": g.get("shown_once")})


def submitted(acts: Mapping[str, Act], *, page: Callable[[], str], to: str) -> ResponseReturnValue:
    """Do what the sent form asks for and say so on the page at `to`; a refusal shows `page`.

    What shows a secret once answers with `page` at once: a redirect could not carry it.
    """
    name = request.form.get("form", "")
    if name not in acts:
        raise BadRequest
    try:
        done = acts[name](Typed(request.form))
    except AppError as refused:
        if refused.kind in _ELSEWHERE:
            raise
        about = str(refused.facts.get("field", ""))
        g.form_state = FormState(name, request.form, reason_of(refused), about)
        return page(), STATUS[refused.kind].value
    if isinstance(done, ShownOnce):
        g.shown_once = done
        return page()
    if isinstance(done, Instead):
        return done.page
    if isinstance(done, Elsewhere):
        return redirect(done.address, 303)
    flash(done, "success")
    return redirect(to, 303)


def reason_of(refused: AppError) -> str:
    """Return a refusal in the reader's words: days, months and figures as she writes them."""
    return gettext(refused.text, **{name: _plain(fact) for name, fact in refused.facts.items()})


def chosen_day(name: str = "at") -> datetime | None:
    """Return the end of the day that the address names, in UTC; None for none, or nonsense."""
    try:
        day = read_day(request.args.get(name, ""))
    except UnreadableDayError:
        return None
    local = datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=formats.DEFAULT_ZONE)
    return local.astimezone(UTC)


def _state(name: str) -> FormState:
    state: FormState | None = g.get("form_state")
    return state if state is not None and state.name == name else FormState(name)


def _plain(fact: object) -> object:
    locale = flask_babel.get_locale()
    if not isinstance(fact, str) or locale is None:
        return fact
    try:
        if len(fact) == _ISO_MONTH:
            return formats.month(read_day(f"{fact}-01"), locale)
        at = datetime.fromisoformat(fact)
    except (UnreadableDayError, ValueError):
        is_number = fact.replace(".", "", 1).isdecimal()
        return formats.quantity(Decimal(fact), locale) if is_number else fact
    return formats.day(at, locale)
