from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import ledger
from app.billing.models import UsageRecord, Wallet
from app.billing.rules import mask_number
from app.kernel import PAGE_SIZE, Money, Page
from app.tenancy import TenantScope


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One movement of a wallet as its owner sees it; a third party's number is masked (M3)."""

    id: UUID
    kind: str
    amount: Money
    balance_after: Money
    at: datetime
    meter: str | None
    quantity: Decimal | None
    counterparty: str | None


def wallet_history(
    session: Session,
    scope: TenantScope,
    *,
    wallet: Wallet,
    before: int | None = None,
    size: int = PAGE_SIZE,
) -> Page[HistoryLine]:
    """Return a wallet's movements, newest first, in two queries however many there are."""
    page = ledger.statement(
        session, scope.reseller_id, wallet.account_id, before_version=before, size=size
    )
    records = _records(session, scope, [line.entry_id for line in page.rows])
    return Page([_line(row, records.get(row.entry_id)) for row in page.rows], page.next_cursor)


def _records(
    session: Session, scope: TenantScope, entry_ids: Sequence[UUID]
) -> dict[UUID, UsageRecord]:
    query = select(UsageRecord).where(
        UsageRecord.reseller_id == scope.reseller_id, UsageRecord.entry_id.in_(entry_ids)
    )
    return {record.entry_id: record for record in session.scalars(query)}


def _line(row: ledger.StatementLine, record: UsageRecord | None) -> HistoryLine:
    number = record.counterparty if record else None
    return HistoryLine(
        id=row.entry_id,
        kind=row.kind,
        amount=row.delta,
        balance_after=row.balance_after,
        at=row.effective_at,
        meter=record.meter if record else None,
        quantity=record.quantity if record else None,
        counterparty=mask_number(number) if number else None,
    )
