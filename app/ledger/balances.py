from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.kernel import MAXIMUM_PAGE_SIZE, PAGE_SIZE, Money, Page, cursor
from app.ledger.entries import as_array
from app.ledger.errors import AccountNotFoundError, InsufficientFundsError
from app.ledger.holds import expire_holds
from app.ledger.models import Account, Entry, Posting

# What expired holds keep back counts as free, written down or not. The asked accounts hold for
# themselves or, in one book, for others that are asked with them.
_ACROSS = b"""
WITH wanted AS (
    SELECT book_id, account_id FROM unnest(%s::uuid[], %s::uuid[]) AS asked (book_id, account_id)
), balance AS (
    SELECT b.book_id, b.account_id, a.currency, b.posted, b.held, b.credit_limit, b.version,
           b.revision
      FROM wanted JOIN ledger_balances b USING (book_id, account_id)
      JOIN ledger_accounts a ON a.book_id = b.book_id AND a.id = b.account_id
), overdue AS (
    SELECT h.book_id, part.account_id, sum(part.amount)::bigint AS amount
      FROM (SELECT DISTINCT book_id FROM balance WHERE held > 0) kept
      JOIN wanted USING (book_id)
      JOIN ledger_holds h ON h.book_id = wanted.book_id AND h.account_id = wanted.account_id
           AND h.state = 'open' AND h.expires_at <= now()
     CROSS JOIN LATERAL unnest(h.accounts, h.amounts) AS part (account_id, amount)
     GROUP BY h.book_id, part.account_id
)
SELECT b.book_id, b.account_id, b.currency, b.posted, b.held - coalesce(o.amount, 0),
       b.credit_limit, b.version, b.revision
  FROM balance b LEFT JOIN overdue o USING (book_id, account_id)
"""

# One step of the index per book, however long the tails are.
_BOOKS_WITH_TAIL = b"""
WITH RECURSIVE books AS (
    (SELECT book_id FROM ledger_tail ORDER BY book_id LIMIT 1)
    UNION ALL
    SELECT (SELECT t.book_id FROM ledger_tail t WHERE t.book_id > books.book_id
             ORDER BY t.book_id LIMIT 1)
      FROM books WHERE books.book_id IS NOT NULL
)
SELECT book_id FROM books WHERE book_id IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class Balance:
    """A guarded account: what it holds, what is reserved, how far it may go below zero.

    `version` counts postings, `revision` every change.
    """

    account_id: UUID
    posted: Money
    held: Money
    credit_limit: Money
    version: int
    revision: int

    @property
    def available(self) -> Money:
        """Return what can be spent now: posted - held + credit limit."""
        return self.posted - self.held + self.credit_limit


@dataclass(frozen=True, slots=True)
class OwnedBalance:
    """The exact balance of a shared account: its roll-up and the tail since."""

    book_id: UUID
    account_id: UUID
    kind: str
    posted: Money


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One entry's effect on a guarded account."""

    entry_id: UUID
    kind: str
    version: int
    delta: Money
    balance_after: Money
    effective_at: datetime
    created_at: datetime


def get_balances(
    session: Session, book_id: UUID, account_ids: Sequence[UUID]
) -> dict[UUID, Balance]:
    """Return the balances of these guarded accounts of a book; an unknown one is left out."""
    across = balances_across(session, [(book_id, account) for account in account_ids])
    return {account: balance for (_, account), balance in across.items()}


def get_balance(session: Session, book_id: UUID, account_id: UUID) -> Balance:
    """Return the balance of one guarded account; refuses an unknown one."""
    found = get_balances(session, book_id, [account_id])
    if account_id not in found:
        raise AccountNotFoundError(account=str(account_id))
    return found[account_id]


def balances_across(
    session: Session, accounts: Sequence[tuple[UUID, UUID]]
) -> dict[tuple[UUID, UUID], Balance]:
    """Return the balances of these (book, account) pairs, over all books, in one query."""
    books = [book for book, _ in accounts]
    identifiers = [account for _, account in accounts]
    rows = cursor(session).execute(_ACROSS, [as_array(books), as_array(identifiers)])
    return {
        (book, account): Balance(
            account,
            Money(posted, currency),
            Money(held, currency),
            Money(credit_limit, currency),
            version,
            revision,
        )
        for book, account, currency, posted, held, credit_limit, version, revision in rows
    }


def owned_balances(session: Session, owner_id: UUID) -> list[OwnedBalance]:
    """Return every shared account of a beneficiary, over all books, exact at this moment.

    A tenant's scope may ask for its own accounts only; the platform's for anybody's.
    """
    rows = session.execute(text("SELECT * FROM ledger_owned_balances(:owner)"), {"owner": owner_id})
    return [
        OwnedBalance(row.book_id, row.account_id, row.kind, Money(row.posted, row.currency))
        for row in rows
    ]


def roll_up(session: Session, book_id: UUID, *, limit: int = 10_000) -> int:
    """Count up to `limit` entries of the tail into the roll-ups; return how many there were."""
    counted = session.execute(
        text("SELECT ledger_roll_up(:book, :limit)"), {"book": book_id, "limit": limit}
    )
    return int(counted.scalar_one())


def books_with_tail(session: Session) -> list[UUID]:
    """Return the books that have entries no roll-up has counted; for the platform's sign-in."""
    return [row[0] for row in cursor(session).execute(_BOOKS_WITH_TAIL)]


def statement(
    session: Session,
    book_id: UUID,
    account_id: UUID,
    *,
    before_version: int | None = None,
    size: int = PAGE_SIZE,
) -> Page[StatementLine]:
    """Return a guarded account's history, newest first; the cursor is a version."""
    size = min(size, MAXIMUM_PAGE_SIZE)
    query = (
        select(Posting, Entry, Account.currency)
        .join(Entry, (Entry.book_id == Posting.book_id) & (Entry.id == Posting.entry_id))
        .join(Account, (Account.book_id == Posting.book_id) & (Account.id == Posting.account_id))
        .where(Posting.book_id == book_id, Posting.account_id == account_id)
        .order_by(Posting.version.desc())
        .limit(size + 1)
    )
    if before_version is not None:
        query = query.where(Posting.version < before_version)
    lines = [
        StatementLine(
            entry.id,
            entry.kind,
            posting.version,
            Money(posting.delta, currency),
            Money(posting.balance_after, currency),
            entry.effective_at,
            entry.created_at,
        )
        for posting, entry, currency in session.execute(query)
    ]
    more = str(lines[size - 1].version) if len(lines) > size else None
    return Page(lines[:size], more)


def set_credit_limit(session: Session, book_id: UUID, account_id: UUID, limit: Money) -> None:
    """Let a guarded account go this far below zero; refuses one that is already further below.

    What expired holds keep back of a wallet's account counts as free.
    """
    expire_holds(session, book_id, [account_id])
    row = (
        cursor(session)
        .execute(b"SELECT ledger_set_limit(%s, %s, %s)", [book_id, account_id, limit.minor])
        .fetchone()
    )
    if row is None or not row[0]:
        balance = get_balance(session, book_id, account_id)
        raise InsufficientFundsError(
            available=balance.available.minor, required=limit.minor, currency=limit.currency
        )
