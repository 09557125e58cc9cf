"""Holds: amounts that guarded accounts keep back (invariant I9).

What is held counts against what is available until the hold is captured by an entry, released,
or its time is over. An expired hold counts as released at once for whoever reads; whoever charges
next, or a job, writes it down. The time is the database's: one clock for every process.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import psycopg
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.kernel import alone, cursor
from app.ledger.entries import as_array, refusal
from app.ledger.errors import HoldClosedError, HoldNotFoundError
from app.ledger.models import Hold, HoldState

_HOLD = "SELECT * FROM {}(%s, %s, %s, %s, %s, %s::uuid[], %s::bigint[], %s{})"
_EXTEND = b"SELECT ledger_extend_hold(%s, %s, %s, %s::uuid[], %s::bigint[])"
_CLOSE = b"SELECT ledger_close_hold(%s, %s, %s)"
_NOW = select(func.now())
_KEPT = b"""
SELECT h.account_id, h.about, sum(part.amount)::bigint
  FROM ledger_holds h CROSS JOIN LATERAL unnest(h.amounts) AS part (amount)
 WHERE h.book_id = %s AND h.account_id = ANY (%s::uuid[]) AND h.state = 'open'
   AND h.expires_at > now()
 GROUP BY h.account_id, h.about
"""
_EXPIRED = b"""
SELECT h.id FROM ledger_holds h
 WHERE h.book_id = %s AND h.account_id = ANY (%s::uuid[]) AND h.state = 'open'
   AND h.expires_at <= now()
 ORDER BY h.account_id, h.id
"""


@dataclass(frozen=True, slots=True)
class HoldDraft:
    """Amounts to be kept back: `parts` are (guarded account, minor units), the wallet's first.

    `key` names the hold within its book for ever, as an entry's does. `about` is a word of whoever
    holds, which the ledger does not read and forgets when the hold is closed.
    """

    book_id: UUID
    hold_id: UUID
    key: str
    input_hash: bytes
    expires_at: datetime
    parts: Sequence[tuple[UUID, int]]
    currency: str
    about: str | None = None

    def of(self, parts: Sequence[tuple[UUID, int]]) -> HoldDraft:
        """Return the same hold of other accounts."""
        return replace(self, parts=parts)


@dataclass(frozen=True, slots=True)
class Held:
    """What became of a hold; the balance is the first account's, in minor units.

    `state` and `expires_at` are those of the hold that was made first.
    """

    hold_id: UUID
    replayed: bool
    posted: int
    held: int
    credit_limit: int
    version: int
    revision: int
    state: HoldState
    expires_at: datetime


def hold(session: Session, draft: HoldDraft) -> Held:
    """Keep amounts back, or return the hold already made under this key, in one trip.

    Refuses, and then the transaction must be rolled back: an account that has less available
    (InsufficientFundsError), a key used with other input (KeyReusedError).
    """
    held = hold_through(session, draft, function="ledger_hold")
    if held is None:
        raise HoldNotFoundError(hold=str(draft.hold_id))
    return held


def hold_through(
    session: Session, draft: HoldDraft, *, function: str, arguments: Sequence[object] = ()
) -> Held | None:
    """Hold by a function of another slice that calls `ledger_hold`; see `post_through`."""
    statement = _HOLD.format(function, ", %s" * len(arguments)).encode()
    parameters = [
        draft.book_id,
        draft.hold_id,
        draft.key,
        draft.input_hash,
        draft.expires_at,
        as_array(account for account, _ in draft.parts),
        as_array(amount for _, amount in draft.parts),
        draft.about,
    ]
    try:
        row = alone(session, statement, [*parameters, *arguments])
    except psycopg.DatabaseError as refused:
        raise refusal(refused, key=draft.key, currency=draft.currency) from refused
    if row is None:
        return None
    replayed, hold_id, posted, held, credit_limit, version, revision, state, until = row
    return Held(
        hold_id, replayed, posted, held, credit_limit, version, revision, HoldState(state), until
    )


def extend_hold(
    session: Session,
    book_id: UUID,
    hold_id: UUID,
    *,
    expires_at: datetime,
    parts: Sequence[tuple[UUID, int]],
    currency: str,
) -> None:
    """Keep more back and for longer; an earlier time changes nothing.

    Refuses a hold that is closed and accounts that have less available, as `hold` does.
    """
    accounts = as_array(account for account, _ in parts)
    amounts = as_array(amount for _, amount in parts)
    try:
        row = (
            cursor(session)
            .execute(_EXTEND, [book_id, hold_id, expires_at, accounts, amounts])
            .fetchone()
        )
    except psycopg.DatabaseError as refused:
        raise refusal(refused, key=str(hold_id), currency=currency) from refused
    if row is None or not row[0]:
        raise HoldClosedError(hold=str(hold_id))


def release_hold(session: Session, book_id: UUID, hold_id: UUID) -> bool:
    """Give back what is held; False where the hold was closed before. Safe to repeat."""
    return _close(session, book_id, hold_id, is_expiry=False)


def get_hold(session: Session, book_id: UUID, hold_id: UUID) -> Hold:
    """Return a hold of the book; refuses an unknown one."""
    found = session.scalar(
        select(Hold)
        .where(Hold.book_id == book_id, Hold.id == hold_id)
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise HoldNotFoundError(hold=str(hold_id))
    return found


def kept_back(
    session: Session, book_id: UUID, accounts: Sequence[UUID]
) -> list[tuple[UUID, str | None, int]]:
    """Return what open holds on these wallets' accounts keep back, bonus and all, in minor units.

    Each is the wallet's account, what the holds are about, and their sum; a hold whose time is over
    keeps nothing. Exact until the transaction ends where the accounts are locked.
    """
    return cursor(session).execute(_KEPT, [book_id, as_array(accounts)]).fetchall()


def present_state(session: Session, found: Hold) -> HoldState:
    """Return the state of a hold by the database's clock: an open one expires by itself."""
    state = HoldState(found.state)
    if state is HoldState.OPEN and found.expires_at <= session.execute(_NOW).scalar_one():
        return HoldState.EXPIRED
    return state


def expire_holds(session: Session, book_id: UUID, accounts: Sequence[UUID]) -> int:
    """Write down that holds on these wallets' accounts have expired; return how many."""
    rows = cursor(session).execute(_EXPIRED, [book_id, as_array(accounts)]).fetchall()
    return sum(_close(session, book_id, hold_id, is_expiry=True) for (hold_id,) in rows)


def overdue_accounts(session: Session) -> list[tuple[UUID, UUID]]:
    """Return (book, account) of the wallets with expired holds; for the platform's sign-in."""
    query = (
        select(Hold.book_id, Hold.account_id)
        .where(Hold.state == HoldState.OPEN.value, Hold.expires_at <= func.now())
        .distinct()
        .order_by(Hold.book_id, Hold.account_id)
    )
    return [(row.book_id, row.account_id) for row in session.execute(query)]


def _close(session: Session, book_id: UUID, hold_id: UUID, *, is_expiry: bool) -> bool:
    row = cursor(session).execute(_CLOSE, [book_id, hold_id, is_expiry]).fetchone()
    return bool(row and row[0])
