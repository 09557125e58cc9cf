from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.kernel import MAXIMUM_PAGE_SIZE, PAGE_SIZE, Money, Page
from app.ledger.errors import AccountNotFoundError
from app.ledger.models import Account, AccountBalance, Entry, Posting


@dataclass(frozen=True, slots=True)
class Balance:
    """A guarded account: what it holds, what is reserved, how far it may go below zero."""

    account_id: UUID
    posted: Money
    held: Money
    credit_limit: Money
    version: int

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
    rows = session.execute(
        select(AccountBalance, Account.currency)
        .join(
            Account,
            (Account.book_id == AccountBalance.book_id) & (Account.id == AccountBalance.account_id),
        )
        .where(AccountBalance.book_id == book_id, AccountBalance.account_id.in_(account_ids))
    )
    return {
        row.account_id: Balance(
            row.account_id,
            Money(row.posted, currency),
            Money(row.held, currency),
            Money(row.credit_limit, currency),
            row.version,
        )
        for row, currency in rows
    }


def get_balance(session: Session, book_id: UUID, account_id: UUID) -> Balance:
    """Return the balance of one guarded account; refuses an unknown one."""
    found = get_balances(session, book_id, [account_id])
    if account_id not in found:
        raise AccountNotFoundError(account=str(account_id))
    return found[account_id]


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
