"""The card form: reading it, checking it, filling it with a test card."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from app.sandbox import cards
from app.sandbox.checkout import CardEntry

_SHORTEST, _LONGEST = 12, 19
_CENTURY = 2000
_MOST_LETTERS = 200

# What the page offers, with the word that explains each.
OFFERED = (
    ("4242424242424242", "card_success"),
    ("4000002500003155", "card_3ds"),
    ("4000002760003184", "card_3ds_always"),
    ("4000000000000002", "card_declined"),
    ("4000000000009995", "card_funds"),
    ("4000000000009987", "card_lost"),
    ("4000000000009979", "card_stolen"),
    ("4000000000000069", "card_expired"),
    ("4000000000000127", "card_cvc"),
)


@dataclass(frozen=True)
class CardForm:
    """What stands in the fields, and the word for what is wrong with each."""

    number: str = ""
    expiry: str = ""
    cvc: str = ""
    name: str = ""
    email: str = ""
    problems: Mapping[str, str] = field(default_factory=dict)


def grouped(number: str) -> str:
    """Return the number in groups of four."""
    return " ".join(number[place : place + 4] for place in range(0, len(number), 4))


def read(values: Mapping[str, str], *, today: tuple[int, int], needs_email: bool) -> CardForm:
    """Return the form as sent, with what is wrong; `today` is (year, month)."""
    form = CardForm(
        number=_text(values, "number"),
        expiry=_text(values, "expiry"),
        cvc=_text(values, "cvc"),
        name=_text(values, "name"),
        email=_text(values, "email"),
    )
    problems: dict[str, str] = {}
    number = re.sub(r"[\s-]", "", form.number)
    if not _is_number(number):
        problems["number"] = "invalid_number"
    expiry = _expiry(form.expiry)
    if expiry is None:
        problems["expiry"] = "invalid_expiry"
    elif (expiry[1], expiry[0]) < today:
        problems["expiry"] = "past_expiry"
    card = cards.by_number(number)
    digits = card.cvc_length if card else 3
    if not re.fullmatch(rf"[0-9]{{{digits},4}}", form.cvc):
        problems["cvc"] = "invalid_cvc"
    if not form.name:
        problems["name"] = "missing_name"
    if needs_email and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", form.email):
        problems["email"] = "invalid_email"
    return replace(form, problems=problems)


def entry(form: CardForm, *, has_email: bool) -> CardEntry:
    """Return the checked form as a card."""
    expiry = _expiry(form.expiry) or (0, 0)
    number = re.sub(r"[\s-]", "", form.number)
    return CardEntry(number, expiry, form.name, form.email if has_email else None)


def filled(number: str, values: Mapping[str, str], year: int) -> CardForm:
    """Return the form filled with a test card; what the customer typed about herself stays."""
    card = cards.by_number(number)
    return CardForm(
        number=grouped(number) if card else "",
        expiry=f"12 / {(year + 4) % 100:02d}",
        cvc="1234" if card and card.cvc_length > 3 else "123",  # noqa: PLR2004 - most have three
        name=_text(values, "name") or "Erika Mustermann",
        email=_text(values, "email") or "erika@example.com",
    )


def _text(values: Mapping[str, str], name: str) -> str:
    return values.get(name, "").strip()[:_MOST_LETTERS]


def _is_number(number: str) -> bool:
    is_long_enough = re.fullmatch(rf"[0-9]{{{_SHORTEST},{_LONGEST}}}", number) is not None
    return is_long_enough and cards.passes_luhn(number)


def _expiry(text: str) -> tuple[int, int] | None:
    """Return (month, year)."""
    match = re.fullmatch(r"(0?[1-9]|1[0-2])\s*[/-]?\s*((?:20)?[0-9]{2})", text)
    if match is None:
        return None
    year = int(match[2])
    return int(match[1]), year if year >= _CENTURY else year + _CENTURY
