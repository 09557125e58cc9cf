"""Spending caps: what a wallet, or one subject of it, may spend in a Berlin month (C10)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app import audit
from app.billing.credit_models import Reversal
from app.billing.models import SpendingCap, UsageRecord, Wallet
from app.billing.purses import lock_purse
from app.billing.records import weigh_care
from app.billing.rules import require_limit
from app.billing.wallets import get_wallet_by_id, require_currency
from app.identity import normalise_subject
from app.kernel import Money, business_month, first_id_at, new_id, start_of_business_month
from app.tenancy import TenantScope


@dataclass(frozen=True, slots=True)
class CapLine:
    """A cap of the wallet (no subject) or of one subject, and what is spent of it this month."""

    subject: str | None
    limit: Money
    spent: Money


def set_cap(
    session: Session,
    scope: TenantScope,
    *,
    wallet_id: UUID,
    subject: str | None,
    limit: Money | None,
    now: datetime,
    actor: audit.Actor = audit.SYSTEM,
) -> None:
    """Let a wallet, or one subject of it, spend no more than a limit in a Berlin month.

    What was charged this month counts from the start; None removes the cap. Fees are not capped. A
    charge that is under way while a wallet gets its first cap counts as made before, and the cap
    does not know it. Refuses another currency than the wallet's and what is no subject.
    """
    wallet = get_wallet_by_id(session, scope, wallet_id=wallet_id)
    capped = None if subject is None else normalise_subject(subject)
    if limit is not None:
        require_limit(limit)
        require_currency(wallet, limit)
    lock_purse(session, scope, wallet=wallet, now=now)
    if limit is None:
        session.execute(delete(SpendingCap).where(*_of(wallet, capped)))
    else:
        _keep(session, wallet, capped, limit, now)
    weigh_care(session, scope, [wallet.id])
    audit.record(
        session,
        scope.reseller_id,
        actor=actor,
        action="billing.cap_set",
        subject_id=wallet.id,
        # No subject: it may be somebody's number (M3).
        facts={
            "limit_minor": None if limit is None else limit.minor,
            "is_of_subject": capped is not None,
        },
    )


def list_caps(
    session: Session, scope: TenantScope, *, wallet: Wallet, now: datetime
) -> list[CapLine]:
    """Return a wallet's caps, its own first, with what is spent in this Berlin month."""
    query = (
        select(SpendingCap)
        .where(SpendingCap.reseller_id == scope.reseller_id, SpendingCap.wallet_id == wallet.id)
        .order_by(SpendingCap.subject.nulls_first())
    )
    month = business_month(now)
    return [
        CapLine(
            cap.subject,
            Money(cap.limit_minor, wallet.currency),
            Money(cap.spent_minor if cap.month == month else 0, wallet.currency),
        )
        for cap in session.scalars(query)
    ]


def lower_spending(
    session: Session,
    scope: TenantScope,
    *,
    wallet_id: UUID,
    subject: str | None,
    minor: int,
    booked_at: datetime,
) -> None:
    """Take a charge that is written off out of the caps of the month in which it was booked.

    The wallet's account is locked.
    """
    session.execute(
        update(SpendingCap)
        .where(
            SpendingCap.reseller_id == scope.reseller_id,
            SpendingCap.wallet_id == wallet_id,
            SpendingCap.month == business_month(booked_at),
            SpendingCap.subject.is_(None) | (SpendingCap.subject == subject),
        )
        .values(spent_minor=func.greatest(0, SpendingCap.spent_minor - minor))
    )


def _keep(
    session: Session, wallet: Wallet, subject: str | None, limit: Money, now: datetime
) -> None:
    month, spent = business_month(now), _spent(session, wallet, subject, now)
    session.execute(
        insert(SpendingCap)
        .values(
            reseller_id=wallet.reseller_id,
            id=new_id(),
            wallet_id=wallet.id,
            subject=subject,
            limit_minor=limit.minor,
            month=month,
            spent_minor=spent,
        )
        .on_conflict_do_update(
            index_elements=["reseller_id", "wallet_id", "subject"],
            set_={"limit_minor": limit.minor, "month": month, "spent_minor": spent},
        )
    )


def _spent(session: Session, wallet: Wallet, subject: str | None, now: datetime) -> int:
    """Return what was charged in this Berlin month and not written off; ids tell when."""
    query = (
        select(func.coalesce(func.sum(UsageRecord.gross_minor), 0))
        .outerjoin(
            Reversal,
            (Reversal.reseller_id == UsageRecord.reseller_id)
            & (Reversal.entry_id == UsageRecord.entry_id),
        )
        .where(
            UsageRecord.reseller_id == wallet.reseller_id,
            UsageRecord.wallet_id == wallet.id,
            UsageRecord.entry_id >= first_id_at(start_of_business_month(now)),
            Reversal.entry_id.is_(None),
        )
    )
    if subject is not None:
        query = query.where(UsageRecord.subject == subject)
    return int(session.scalar(query) or 0)


def _of(wallet: Wallet, subject: str | None) -> Sequence[ColumnElement[bool]]:
    return (
        SpendingCap.reseller_id == wallet.reseller_id,
        SpendingCap.wallet_id == wallet.id,
        SpendingCap.subject.is_not_distinct_from(subject),
    )
