from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import ledger
from app.billing import chart
from app.billing.credit_models import Adjustment, FeeRecord, Reversal
from app.billing.models import UsageRecord, Wallet
from app.billing.rules import mask_number
from app.billing.side_movements import SideMovement, side_movements
from app.billing.spending import RatingFacts
from app.kernel import PAGE_SIZE, Money, Page
from app.tenancy import TenantScope

R = TypeVar("R", UsageRecord, FeeRecord, Adjustment)

_BY_HAND = frozenset({chart.ADJUSTED, chart.CREDIT})


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One movement of a wallet as its owner sees it; a third party's number is masked (M3).

    `amount` is what it moved of paid credit, `bonus_moved` of bonus, `owed_moved` of debt (what is
    owed more is negative); a charge may move one of them alone. `charged` is the whole of a charge,
    `bonus` what lots paid of it; `name` is a fee's, `reason` an adjustment's. `is_reversed` says
    that the charge was written off; the movement that did so says of which charge: `reverses`.
    """

    id: UUID
    kind: str
    amount: Money
    balance_after: Money
    at: datetime
    meter: str | None
    quantity: Decimal | None
    counterparty: str | None
    charged: Money | None = None
    bonus: Money | None = None
    name: str | None = None
    reason: str | None = None
    is_reversed: bool = False
    reverses: UUID | None = None
    bonus_moved: Money | None = None
    owed_moved: Money | None = None

    @property
    def total(self) -> Money:
        """Return all that it moved."""
        beside = [each for each in (self.bonus_moved, self.owed_moved) if each is not None]
        return sum(beside, self.amount)


@dataclass(frozen=True, slots=True)
class _Records:
    """What is known beside the ledger of the entries of a page."""

    usage: dict[UUID, UsageRecord]
    fees: dict[UUID, FeeRecord]
    adjustments: dict[UUID, Adjustment]
    reversed: set[UUID]
    reversals: dict[UUID, UUID]


def wallet_history(
    session: Session,
    scope: TenantScope,
    *,
    wallet: Wallet,
    before: int | None = None,
    size: int = PAGE_SIZE,
) -> Page[HistoryLine]:
    """Return a wallet's movements, newest first, in at most nine queries however many there are.

    A page holds `size` movements of paid credit, and what moved of bonus and debt alone between
    them.
    """
    page = ledger.statement(
        session, scope.reseller_id, wallet.account_id, before_version=before, size=size
    )
    moved = side_movements(
        session,
        scope,
        wallet=wallet,
        after=page.rows[-1].entry_id if page.next_cursor else None,
        until=_entry_before(session, scope, wallet, before),
    )
    rows = _merged(page.rows, moved, wallet.currency)
    records = _records(session, scope, rows)
    return Page([_line(row, records, moved.get(row.entry_id)) for row in rows], page.next_cursor)


def _entry_before(
    session: Session, scope: TenantScope, wallet: Wallet, before: int | None
) -> UUID | None:
    if before is None:
        return None
    return ledger.entry_of_version(session, scope.reseller_id, wallet.account_id, before)


def _merged(
    rows: Sequence[ledger.StatementLine], moved: Mapping[UUID, SideMovement], currency: str
) -> list[ledger.StatementLine]:
    """Return the wallet's own movements and those beside it, newest first."""
    own = {row.entry_id for row in rows}
    alone = sorted((key for key in moved if key not in own), reverse=True)
    nothing = Money(0, currency)
    merged: list[ledger.StatementLine] = []
    for row in (*rows, None):
        while alone and (row is None or alone[0] > row.entry_id):
            side = moved[alone.pop(0)]
            after = nothing if row is None else row.balance_after
            merged.append(
                ledger.StatementLine(side.entry_id, side.kind, 0, nothing, after, side.at, side.at)
            )
        if row is not None:
            merged.append(row)
    return merged


def _records(
    session: Session, scope: TenantScope, rows: Sequence[ledger.StatementLine]
) -> _Records:
    """Read what belongs to the entries; a kind that the page does not have is not asked for."""
    by_kind: dict[str, list[UUID]] = {}
    for row in rows:
        by_kind.setdefault(row.kind, []).append(row.entry_id)
    usage, fees = by_kind.get(chart.USAGE, []), by_kind.get(chart.FEE, [])
    by_hand = [entry for kind in _BY_HAND for entry in by_kind.get(kind, [])]
    own, charges = by_kind.get(chart.REVERSAL, []), usage + fees
    written_off = session.execute(
        select(Reversal.entry_id, Reversal.reversal_id).where(
            Reversal.reseller_id == scope.reseller_id,
            Reversal.entry_id.in_(charges) | Reversal.reversal_id.in_(own),
        )
    ).all()
    return _Records(
        usage=_by_entry(session, scope, UsageRecord, usage),
        fees=_by_entry(session, scope, FeeRecord, fees),
        adjustments=_by_entry(session, scope, Adjustment, by_hand),
        reversed={entry for entry, _ in written_off},
        reversals={reversal: entry for entry, reversal in written_off},
    )


def _by_entry(
    session: Session, scope: TenantScope, table: type[R], entry_ids: Sequence[UUID]
) -> dict[UUID, R]:
    if not entry_ids:
        return {}
    query = select(table).where(
        table.reseller_id == scope.reseller_id, table.entry_id.in_(entry_ids)
    )
    return {row.entry_id: row for row in session.scalars(query)}


def _line(row: ledger.StatementLine, records: _Records, moved: SideMovement | None) -> HistoryLine:
    usage, fee = records.usage.get(row.entry_id), records.fees.get(row.entry_id)
    adjustment = records.adjustments.get(row.entry_id)
    number = usage.counterparty if usage else None
    charged, bonus = _charged(usage, fee)
    currency = row.delta.currency
    return HistoryLine(
        id=row.entry_id,
        kind=row.kind,
        amount=row.delta,
        balance_after=row.balance_after,
        at=row.effective_at,
        meter=usage.meter if usage else None,
        quantity=usage.quantity if usage else None,
        counterparty=mask_number(number) if number else None,
        charged=None if charged is None else Money(charged, currency),
        bonus=None if charged is None else Money(bonus, currency),
        name=fee.name if fee else None,
        reason=adjustment.reason if adjustment else None,
        is_reversed=row.entry_id in records.reversed,
        reverses=records.reversals.get(row.entry_id),
        bonus_moved=Money(moved.bonus, currency) if moved and moved.bonus else None,
        owed_moved=Money(moved.owed, currency) if moved and moved.owed else None,
    )


def _charged(usage: UsageRecord | None, fee: FeeRecord | None) -> tuple[int | None, int]:
    """Return what a charge came to, and what of it was paid by bonus, in minor units."""
    if usage is not None:
        return usage.gross_minor, RatingFacts.of_json(usage.rating).bonus
    return (fee.gross_minor, fee.bonus_minor) if fee else (None, 0)
