from __future__ import annotations

from enum import Enum
from typing import ClassVar


def translatable(text: str) -> str:
    """Mark `text` for the catalogues; the edge translates it when it answers."""
    return text


class Kind(Enum):
    """What sort of refusal an error is; the edge maps each kind to a status."""

    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    PAYMENT_REQUIRED = "payment_required"
    TOO_MANY = "too_many"
    TOO_LARGE = "too_large"
    UNAVAILABLE = "unavailable"


class AppError(Exception):
    """An expected refusal: a stable `code` for machines, a `text` for people.

    `facts` fill the placeholders of `text` and travel in the machine's answer: ids and
    amounts, never personal data.
    """

    kind: ClassVar[Kind]
    code: ClassVar[str]
    text: ClassVar[str]

    def __init__(self, **facts: object) -> None:
        super().__init__(self.code, facts)
        self.facts = facts
