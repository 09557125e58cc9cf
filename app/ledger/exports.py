"""Heads of the books, written outside the database.

Whoever owns the database can edit rows and seal them anew; the lines that were exported before
then no longer fit. Whoever owns the file alone can do as little: the database remembers on which
line each book's last head stands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.kernel import Scope, cursor, transaction
from app.ledger.errors import HeadsKeptError, HeadsLostError
from app.ledger.heads import (
    NOTHING,
    Head,
    HeadLine,
    UnreadableLineError,
    read_line,
    root_of,
    write_line,
)
from app.ledger.ports import HeadLog

# One step of the index for each book, however many seals it has.
_HEADS = b"""
WITH RECURSIVE books AS (
    (SELECT book_id FROM ledger_seals ORDER BY book_id LIMIT 1)
    UNION ALL
    SELECT (SELECT s.book_id FROM ledger_seals s WHERE s.book_id > books.book_id
             ORDER BY s.book_id LIMIT 1)
      FROM books WHERE books.book_id IS NOT NULL
)
SELECT books.book_id, head.n, head.seal_hash
  FROM books
 CROSS JOIN LATERAL (SELECT s.n, s.seal_hash FROM ledger_seals s
                      WHERE s.book_id = books.book_id ORDER BY s.n DESC LIMIT 1) head
"""
_EXPORTED = b"SELECT book_id, n, seal_hash, line FROM ledger_exported"
_REMEMBER = b"""
INSERT INTO ledger_exported (book_id, n, seal_hash, line)
SELECT h.book_id, h.n, h.seal_hash, %s
  FROM unnest(%s::uuid[], %s::bigint[], %s::bytea[]) AS h (book_id, n, seal_hash)
ON CONFLICT (book_id) DO UPDATE
   SET n = excluded.n, seal_hash = excluded.seal_hash, line = excluded.line
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """A head that the database remembers as exported on a line."""

    head: Head
    line: int


def export_heads(
    log: HeadLog, scope: Scope, *, now: datetime, start_over: bool = False
) -> int | None:
    """Add one signed line with the head of every book that has new seals; return its number.

    None where nothing is new. Refuses (HeadsLostError) a log that ends before the last exported
    line; `start_over` forgets what was exported, for a log that was lost, and refuses
    (HeadsKeptError) one that still has lines. A crash between line and database exports the same
    heads again.
    """
    with log.held():
        last = _last_line(log)
        with transaction(scope) as session:
            if start_over:
                if last is not None:
                    raise HeadsKeptError
                session.execute(text("DELETE FROM ledger_exported"))
            kept = read_kept(session)
            heads = _read_heads(session)
        lost = max((each.line for each in kept), default=0)
        if lost > (last.number if last else 0):
            raise HeadsLostError(line=lost)
        known = {each.head.book_id: each.head for each in kept}
        moved = {head.book_id: head for head in heads if _has_moved(head, known)}
        if not moved:
            return None
        number = last.number + 1 if last else 1
        line = write_line(
            number=number,
            at=now,
            heads=list(moved.values()),
            root=root_of({**known, **moved}),
            previous=last.digest if last else NOTHING,
            sign=log.sign,
        )
        log.append(line)
        with transaction(scope) as session:
            _remember(session, list(moved.values()), line=number)
    return number


def _has_moved(head: Head, known: Mapping[UUID, Head]) -> bool:
    # A head that went back is for `examine_export` to find: it stays as it was exported.
    return head.book_id not in known or head.n > known[head.book_id].n


def read_kept(session: Session) -> list[Kept]:
    """Return the last exported head of each book, and its line."""
    return [
        Kept(Head(book_id, n, seal_hash), line)
        for book_id, n, seal_hash, line in cursor(session).execute(_EXPORTED)
    ]


def _read_heads(session: Session) -> list[Head]:
    return [Head(*row) for row in cursor(session).execute(_HEADS)]


def _last_line(log: HeadLog) -> HeadLine | None:
    """Return the line to write on after; one that cannot be read is as good as lost."""
    last = next(log.latest_lines(), None)
    if last is None:
        return None
    try:
        return read_line(last)
    except UnreadableLineError as error:
        raise HeadsLostError(line="last") from error


def _remember(session: Session, heads: Sequence[Head], *, line: int) -> None:
    cursor(session).execute(
        _REMEMBER,
        [
            line,
            [head.book_id for head in heads],
            [head.n for head in heads],
            [head.seal_hash for head in heads],
        ],
    )
