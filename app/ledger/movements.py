"""One entry, transfer by transfer, for whoever asks how a charge was divided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from app.kernel import Money
from app.ledger.models import Account, Entry, Transfer


@dataclass(frozen=True, slots=True)
class Movement:
    """What one transfer moved: from an account of a kind and owner to another."""

    from_kind: str
    from_owner: UUID
    to_kind: str
    to_owner: UUID
    amount: Money


@dataclass(frozen=True, slots=True)
class EntryDetail:
    """An entry with all its transfers, in their order."""

    id: UUID
    kind: str
    effective_at: datetime
    created_at: datetime
    movements: Sequence[Movement]


def find_entry(session: Session, book_id: UUID, entry_id: UUID) -> EntryDetail | None:
    """Return an entry of a book with its transfers, in one query; None where there is none."""
    payer, payee = aliased(Account), aliased(Account)
    rows = session.execute(
        select(Entry, Transfer, payer, payee)
        .join(Transfer, (Transfer.book_id == Entry.book_id) & (Transfer.entry_id == Entry.id))
        .join(payer, (payer.book_id == Transfer.book_id) & (payer.id == Transfer.debit_id))
        .join(payee, (payee.book_id == Transfer.book_id) & (payee.id == Transfer.credit_id))
        .where(Entry.book_id == book_id, Entry.id == entry_id)
        .order_by(Transfer.n)
    ).all()
    if not rows:
        return None
    entry = rows[0][0]
    movements = [
        Movement(
            debited.kind,
            debited.owner_id,
            credited.kind,
            credited.owner_id,
            Money(transfer.amount, debited.currency),
        )
        for _, transfer, debited, credited in rows
    ]
    return EntryDetail(entry.id, entry.kind, entry.effective_at, entry.created_at, movements)
