"""What moved beside a wallet's paid credit: its bonus lots, and what it owes.

A charge that a bonus paid whole, or that is owed whole, leaves no posting on the wallet's own
account; its owner wants to see it all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import ledger
from app.billing.models import BonusLot, Wallet
from app.tenancy import TenantScope


@dataclass(slots=True)
class SideMovement:
    """What one entry moved of a wallet's bonus credit and of its debt, signed, in minor units."""

    entry_id: UUID
    kind: str
    at: datetime
    bonus: int = 0
    owed: int = 0


def side_movements(
    session: Session,
    scope: TenantScope,
    *,
    wallet: Wallet,
    after: UUID | None,
    until: UUID | None,
) -> dict[UUID, SideMovement]:
    """Return what moved from an entry on (itself included) to another one (itself not), by entry.

    None: from the beginning, to the end. One query for a wallet that never had a bonus, two else.
    """
    lots = session.scalars(
        select(BonusLot.account_id).where(
            BonusLot.reseller_id == scope.reseller_id, BonusLot.wallet_id == wallet.id
        )
    ).all()
    owing = wallet.receivable_account_id
    accounts = [*lots, *([owing] if owing else [])]
    if not accounts:
        return {}
    moved: dict[UUID, SideMovement] = {}
    for each in ledger.postings_between(
        session, scope.reseller_id, accounts, since=after, before=until
    ):
        found = moved.setdefault(
            each.entry_id, SideMovement(each.entry_id, each.kind, each.effective_at)
        )
        if each.account_id == owing:
            found.owed += each.delta
        else:
            found.bonus += each.delta
    return moved
