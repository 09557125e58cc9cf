"""Sums over shared accounts, for reports."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, text, tuple_
from sqlalchemy.orm import Session

from app.kernel import Money, first_id_at
from app.ledger.balances import OwnedBalance
from app.ledger.models import Transfer

# Roll-up plus tail of every shared account; the platform's own sign-in alone sees all of them.
_SHARED = text("""
WITH recent AS (
    SELECT x.book_id, side.id, sum(side.delta) AS posted
      FROM ledger_tail t
      JOIN ledger_transfers x USING (book_id, entry_id)
     CROSS JOIN LATERAL (VALUES (x.debit_id, -x.amount), (x.credit_id, x.amount)) side (id, delta)
     GROUP BY x.book_id, side.id
)
SELECT a.book_id, a.id AS account_id, a.kind, a.currency,
       coalesce(r.posted, 0) + coalesce(recent.posted, 0) AS posted
  FROM ledger_accounts a
  JOIN ledger_account_kinds k ON k.kind = a.kind AND NOT k.guarded
  LEFT JOIN ledger_rollups r ON r.book_id = a.book_id AND r.account_id = a.id
  LEFT JOIN recent ON recent.book_id = a.book_id AND recent.id = a.id
""")


def shared_balances(session: Session) -> list[OwnedBalance]:
    """Return every shared account the sign-in may see, exact at this moment, in one query."""
    return [
        OwnedBalance(row.book_id, row.account_id, row.kind, Money(int(row.posted), row.currency))
        for row in session.execute(_SHARED)
    ]


def credited_since(session: Session, accounts: Mapping[UUID, UUID], *, since: datetime) -> int:
    """Return what entries booked since a time credited to accounts (id -> book), minor units."""
    if not accounts:
        return 0
    places = [(book, account) for account, book in accounts.items()]
    total = session.scalar(
        select(func.coalesce(func.sum(Transfer.amount), 0))
        .where(tuple_(Transfer.book_id, Transfer.credit_id).in_(places))
        .where(Transfer.entry_id >= first_id_at(since))
    )
    return int(total or 0)


def credits_of(
    session: Session, book_id: UUID, account_id: UUID, entry_ids: Sequence[UUID]
) -> dict[UUID, int]:
    """Return what each of these entries credited to an account, in minor units."""
    rows = session.execute(
        select(Transfer.entry_id, func.sum(Transfer.amount))
        .where(
            Transfer.book_id == book_id,
            Transfer.credit_id == account_id,
            Transfer.entry_id.in_(entry_ids),
        )
        .group_by(Transfer.entry_id)
    )
    return {entry: int(amount) for entry, amount in rows}
