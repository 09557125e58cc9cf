"""Entries as they are stored, for whoever takes one back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from app.kernel import Money
from app.ledger.entries import TransferDraft
from app.ledger.models import Account, Entry, Transfer


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry with its transfers, in their order; `guarded` are the accounts it was posted on."""

    entry_id: UUID
    kind: str
    effective_at: datetime
    created_at: datetime
    transfers: Sequence[TransferDraft]
    guarded: frozenset[UUID]

    def mirrored(self) -> list[TransferDraft]:
        """Return the transfers that take this entry back."""
        return [
            TransferDraft(transfer.credit_id, transfer.debit_id, transfer.amount)
            for transfer in self.transfers
        ]


def stored_entry(session: Session, book_id: UUID, entry_id: UUID) -> StoredEntry | None:
    """Return an entry of a book; None for an unknown one."""
    entry = session.get(Entry, (book_id, entry_id))
    if entry is None:
        return None
    debit, credit = aliased(Account), aliased(Account)
    rows = session.execute(
        select(Transfer, debit, credit)
        .join(debit, (debit.book_id == Transfer.book_id) & (debit.id == Transfer.debit_id))
        .join(credit, (credit.book_id == Transfer.book_id) & (credit.id == Transfer.credit_id))
        .where(Transfer.book_id == book_id, Transfer.entry_id == entry_id)
        .order_by(Transfer.n)
    ).all()
    return StoredEntry(
        entry_id=entry.id,
        kind=entry.kind,
        effective_at=entry.effective_at,
        created_at=entry.created_at,
        transfers=[
            TransferDraft(payer.id, payee.id, Money(transfer.amount, payer.currency))
            for transfer, payer, payee in rows
        ],
        guarded=frozenset(
            side.id for _, payer, payee in rows for side in (payer, payee) if side.guarded
        ),
    )
