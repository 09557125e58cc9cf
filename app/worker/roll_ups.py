"""Counts the tail of every book into its roll-ups, so that totals stay quick to read."""

from threading import Event
from uuid import UUID

import structlog

from app import ledger
from app.kernel import transaction
from app.tenancy import PlatformScope, TenantScope
from app.worker.leadership import Leadership
from app.worker.relay import OUTAGES

_log = structlog.get_logger(__name__)

_ENTRIES_AT_ONCE = 10_000
_PLATFORM = PlatformScope()


def roll_up_books() -> int:
    """Roll up every book that has a tail, a transaction each; return how many entries it were."""
    counted = 0
    for book_id in _books_with_tail():
        entries = _ENTRIES_AT_ONCE
        while entries == _ENTRIES_AT_ONCE:
            with transaction(TenantScope(book_id)) as session:
                entries = ledger.roll_up(session, book_id, limit=_ENTRIES_AT_ONCE)
            counted += entries
    return counted


def keep_rolled_up(stop: Event, *, leadership: Leadership, every: float) -> None:
    """Roll up all books again and again until `stop` is set, in one process at a time."""
    try:
        while not stop.wait(every):
            if not leadership.is_held():
                continue
            try:
                roll_up_books()
            except OUTAGES as error:
                _log.warning("roll_up_waits", error=type(error).__name__)
    finally:
        leadership.give_up()


def _books_with_tail() -> list[UUID]:
    with transaction(_PLATFORM) as session:
        return ledger.books_with_tail(session)
