"""Where many charges meet, the books move while one is prepared: it is prepared again."""

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from app import ledger

# Whoever meets moved books waits for nothing: those that moved them have committed.
TRIES = 4

T = TypeVar("T")


def while_books_move(act: Callable[[], T]) -> T:
    """Act, and again while the books move meanwhile; the last time the refusal stands.

    `act` opens a transaction of its own.
    """
    for _ in range(TRIES - 1):
        with suppress(ledger.BooksMovedError):
            return act()
    return act()
