from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from app.kernel.errors import AppError, Kind, translatable

T = TypeVar("T")

PAGE_SIZE = 25
MAXIMUM_PAGE_SIZE = 100
# A bigint's.
_GREATEST = 2**63 - 1


class BadCursorError(AppError):
    """The cursor is none that this list handed out."""

    kind = Kind.INVALID
    code = "paging.bad_cursor"
    text = translatable("This page link is damaged. Go back to the start of the list.")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some rows and the cursor of the next page (None at the end)."""

    rows: Sequence[T]
    next_cursor: str | None


def read_cursor(cursor: str | None) -> int | None:
    """Return the position a cursor stands for; None is the start. Refuses anything else."""
    if cursor is None or cursor == "":
        return None
    is_number = cursor.isascii() and cursor.isdigit() and len(cursor) <= len(str(_GREATEST))
    if not is_number or int(cursor) > _GREATEST:
        raise BadCursorError(cursor=cursor[:40])
    return int(cursor)
