from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from app.kernel import cursor

# `ledger.get_balances` asks within one book; a batch of events spans many.
_BALANCES = b"""
SELECT b.book_id, b.account_id, a.currency, b.posted, b.held, b.credit_limit, b.version
  FROM unnest(%s::uuid[], %s::uuid[]) AS wanted (book_id, account_id)
  JOIN ledger_balances b USING (book_id, account_id)
  JOIN ledger_accounts a ON a.book_id = b.book_id AND a.id = b.account_id
"""


@dataclass(frozen=True, slots=True)
class WalletBalance:
    """A guarded account's balance in minor units."""

    currency: str
    posted: int
    held: int
    credit_limit: int
    version: int

    @property
    def available(self) -> int:
        """Return what can be spent now."""
        return self.posted - self.held + self.credit_limit


def balances_of(
    session: Session, accounts: Sequence[tuple[UUID, UUID]]
) -> dict[tuple[UUID, UUID], WalletBalance]:
    """Return the balances of these (book, account) pairs, over all books, in one query."""
    books = [book for book, _ in accounts]
    identifiers = [account for _, account in accounts]
    rows = cursor(session).execute(_BALANCES, [books, identifiers])
    return {(book, account): WalletBalance(*figures) for book, account, *figures in rows}
