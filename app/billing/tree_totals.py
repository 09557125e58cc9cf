"""What each reseller below brings the one above: for the page of sub-resellers."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from app import commissions, ledger
from app.billing import chart
from app.kernel import Money
from app.tenancy import TenantScope


@dataclass(frozen=True, slots=True)
class TreeTotals:
    """One book: what was kept of it so far and this Berlin month, and its net volume this month."""

    commission: Money
    commission_month: Money
    volume_month: Money


def tree_totals(
    session: Session, scope: TenantScope, *, currency: str, now: datetime
) -> dict[UUID, TreeTotals]:
    """Return what every book at and below a reseller brought it in a currency, in two queries."""
    kept: dict[UUID, int] = defaultdict(int)
    for line in ledger.owned_balances(session, scope.reseller_id):
        if line.kind == chart.COMMISSION and line.posted.currency == currency:
            kept[line.book_id] += line.posted.minor
    volumes: dict[UUID, int] = defaultdict(int)
    earned: dict[UUID, int] = defaultdict(int)
    month = commissions.month_of(now)
    for each in ledger.owned_periods(session, scope.reseller_id, period=month):
        if each.currency == currency:
            volumes[each.book_id] += commissions.net_sales(each)
            if each.is_own and each.kind == chart.COMMISSION:
                earned[each.book_id] += commissions.net_sales(each)
    return {
        book: TreeTotals(
            Money(kept[book], currency),
            Money(earned[book], currency),
            Money(volumes[book], currency),
        )
        for book in {*kept, *volumes}
    }
