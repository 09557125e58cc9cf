"""Many entries at once: lock what pays, prepare, post them in one trip."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import psycopg
from sqlalchemy.orm import Session

from app.kernel import cursor
from app.ledger.entries import EntryDraft, as_array, as_text_array, refusal

_LOCK = b"""
SELECT account_id, posted, held, credit_limit, version, revision FROM ledger_lock(%s, %s::uuid[])
"""
_POST_MANY = (
    b"SELECT ledger_post_many(%s, %s, %s::uuid[], %s::text[], %s::bytea[], %s::timestamptz[], "
    b"%s::uuid[], %s::integer[], %s::smallint[], %s::uuid[], %s::uuid[], %s::bigint[], %s::uuid[])"
)
_KNOWN = b"""
SELECT e.key, e.id, e.input_hash, p.balance_after, p.version
  FROM ledger_entries e
  LEFT JOIN ledger_postings p ON p.book_id = e.book_id AND p.entry_id = e.id
       AND p.account_id = ANY (%s::uuid[])
 WHERE e.book_id = %s AND e.key = ANY (%s::text[])
"""


@dataclass(slots=True)
class LockedBalance:
    """A guarded account that nobody else can change before our transaction ends, minor units.

    Whoever prepares entries keeps it up to date; the database counts again when they are posted.
    """

    account_id: UUID
    posted: int
    held: int
    credit_limit: int
    version: int
    revision: int

    @property
    def available(self) -> int:
        """Return what can be spent now, in minor units."""
        return self.posted - self.held + self.credit_limit


@dataclass(frozen=True, slots=True)
class KnownEntry:
    """An entry that was booked before, with what its posting on the asked account left."""

    entry_id: UUID
    input_hash: bytes
    balance_after: int
    version: int


def lock_balances(
    session: Session, book_id: UUID, accounts: Sequence[UUID]
) -> dict[UUID, LockedBalance]:
    """Lock guarded accounts of a book in the order of their ids; an unknown one is left out.

    Refuses where others that we waited for wait for us (BooksMovedError: roll back, and again).
    """
    try:
        rows = cursor(session).execute(_LOCK, [book_id, as_array(accounts)])
    except psycopg.DatabaseError as refused:
        raise refusal(refused, key="") from refused
    return {row[0]: LockedBalance(*row) for row in rows}


def known_entries(
    session: Session, book_id: UUID, keys: Sequence[str], *, accounts: Sequence[UUID]
) -> dict[str, KnownEntry]:
    """Return which of these keys have been booked; the postings are those of the asked accounts."""
    rows = cursor(session).execute(_KNOWN, [as_array(accounts), book_id, as_text_array(keys)])
    return {
        key: KnownEntry(entry_id, input_hash, after or 0, version or 0)
        for key, entry_id, input_hash, after, version in rows
    }


@contextmanager
def posting(session: Session) -> Iterator[None]:
    """Post inside it without waiting for the database, which works while the next are prepared.

    Refuses at its end at the latest what `post_many` refuses.
    """
    try:
        with cursor(session).connection.pipeline():
            yield
    except psycopg.DatabaseError as refused:
        raise refusal(refused, key="") from refused


def post_many(session: Session, drafts: Sequence[EntryDraft]) -> None:
    """Write many entries of one book and kind, in their order, all or none, in one trip.

    Each has a watched account. Refuses, and then the transaction must be rolled back: a key that
    is booked already or an account that cannot pay at its turn (BooksMovedError: lock, look and
    prepare again), accounts that the rules do not join (TransferRefusedError).
    """
    if not drafts:
        return
    first = drafts[0]
    moves = [
        (place, number, transfer)
        for place, draft in enumerate(drafts, 1)
        for number, transfer in enumerate(draft.transfers, 1)
    ]
    try:
        cursor(session).execute(
            _POST_MANY,
            [
                first.book_id,
                first.kind,
                as_array(draft.entry_id for draft in drafts),
                as_text_array(draft.key for draft in drafts),
                _hashes(drafts),
                _times([draft.effective_at for draft in drafts]),
                as_array(draft.watch for draft in drafts if draft.watch),
                as_array(place for place, _, _ in moves),
                as_array(number for _, number, _ in moves),
                as_array(move.debit_id for _, _, move in moves),
                as_array(move.credit_id for _, _, move in moves),
                as_array(move.amount.minor for _, _, move in moves),
                as_array({account for draft in drafts for account in draft.guarded_accounts()}),
            ],
        )
    except psycopg.DatabaseError as refused:
        raise refusal(refused, key=first.key) from refused


def _hashes(drafts: Sequence[EntryDraft]) -> str:
    hashes = (f'"\\\\x{draft.input_hash.hex()}"' for draft in drafts)
    return f"{{{','.join(hashes)}}}"


def _times(times: Sequence[datetime]) -> str:
    return f"{{{','.join(time.isoformat() for time in times)}}}"
