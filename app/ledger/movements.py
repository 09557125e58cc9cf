"""One entry, transfer by transfer, for whoever asks how a charge was divided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from app.kernel import Money
from app.ledger.models import Account, Entry, Posting, Transfer


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


@dataclass(frozen=True, slots=True)
class PostingLine:
    """What one entry did to one guarded account, in minor units."""

    entry_id: UUID
    account_id: UUID
    kind: str
    effective_at: datetime
    delta: int


def postings_between(
    session: Session,
    book_id: UUID,
    account_ids: Sequence[UUID],
    *,
    since: UUID | None,
    before: UUID | None,
) -> list[PostingLine]:
    """Return what entries from `since` (included) to `before` (not) did to guarded accounts.

    In one query; None leaves an end open. For accounts of which each has few postings.
    """
    query = (
        select(Posting, Entry)
        .join(Entry, (Entry.book_id == Posting.book_id) & (Entry.id == Posting.entry_id))
        .where(Posting.book_id == book_id, Posting.account_id.in_(account_ids))
        .order_by(Posting.entry_id)
    )
    if since is not None:
        query = query.where(Posting.entry_id >= since)
    if before is not None:
        query = query.where(Posting.entry_id < before)
    return [
        PostingLine(entry.id, posting.account_id, entry.kind, entry.effective_at, posting.delta)
        for posting, entry in session.execute(query)
    ]


def entry_of_version(
    session: Session, book_id: UUID, account_id: UUID, version: int
) -> UUID | None:
    """Return the entry that made the nth posting of a guarded account; None where there is none."""
    return session.scalar(
        select(Posting.entry_id).where(
            Posting.book_id == book_id,
            Posting.account_id == account_id,
            Posting.version == version,
        )
    )
