"""Bonuses for resellers: what is agreed, and when one has been earned."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.commissions.errors import BonusTermsRefusedError
from app.commissions.models import CommissionBonus, CommissionBonusTerm
from app.kernel import Money
from app.kernel.clock import BUSINESS_ZONE
from app.tenancy import PLATFORM_ID, PlatformScope, TenantScope


class BonusKind(Enum):
    """What a bonus is for; each is granted once per customer."""

    NEW_CUSTOMER = "new_customer"
    RETENTION = "retention"
    HIGH_USAGE = "high_usage"


@dataclass(frozen=True, slots=True)
class BonusTerms:
    """An agreed bonus: `months` of retention, or the gross usage of a month that earns it."""

    amount: Money
    months: int | None = None
    threshold: Money | None = None


@dataclass(frozen=True, slots=True)
class AgreedBonus:
    """A bonus from a date on: the reseller's own, or what holds for all without one."""

    kind: BonusKind
    terms: BonusTerms
    valid_from: datetime
    is_own: bool


@dataclass(frozen=True, slots=True)
class GrantedBonus:
    """A bonus that a customer has earned its reseller."""

    customer_id: UUID
    kind: BonusKind
    amount: Money
    granted_at: datetime


def set_bonus(
    session: Session,
    scope: PlatformScope,
    *,
    kind: BonusKind,
    terms: BonusTerms,
    valid_from: datetime,
    reseller_id: UUID = PLATFORM_ID,
) -> None:
    """Agree a bonus from a date on: for one reseller, or for all that have none of their own.

    An amount of nothing takes it away. Refuses a negative amount, retention without months, high
    usage without a threshold in the bonus's currency, and a date that has terms already.
    """
    require_bonus(kind, terms)
    written = session.scalar(
        insert(CommissionBonusTerm)
        .values(
            reseller_id=reseller_id,
            kind=kind.value,
            currency=terms.amount.currency,
            valid_from=valid_from,
            amount_minor=terms.amount.minor,
            months=terms.months,
            threshold_minor=terms.threshold.minor if terms.threshold else None,
        )
        .on_conflict_do_nothing()
        .returning(CommissionBonusTerm.kind)
    )
    if written is None:
        raise BonusTermsRefusedError(valid_from=valid_from.isoformat())


def require_bonus(kind: BonusKind, terms: BonusTerms) -> None:
    """Refuse terms under which nobody could tell what is owed when."""
    needs_months, needs_threshold = kind is BonusKind.RETENTION, kind is BonusKind.HIGH_USAGE
    has_threshold = terms.threshold is not None and terms.threshold > Money(
        0, terms.amount.currency
    )
    has_months = terms.months is not None and terms.months > 0
    if (
        terms.amount.minor < 0
        or needs_months is not has_months
        or needs_threshold is not has_threshold
    ):
        raise BonusTermsRefusedError(kind=kind.value)


def bonus_terms(
    session: Session, scope: TenantScope, *, kind: BonusKind, currency: str, at: datetime
) -> BonusTerms | None:
    """Return a reseller's bonus at a time: its own, else the platform's; None without one."""
    row = session.scalar(
        select(CommissionBonusTerm)
        .where(
            CommissionBonusTerm.reseller_id.in_([scope.reseller_id, PLATFORM_ID]),
            CommissionBonusTerm.kind == kind.value,
            CommissionBonusTerm.currency == currency,
            CommissionBonusTerm.valid_from <= at,
        )
        .order_by(
            (CommissionBonusTerm.reseller_id == PLATFORM_ID).asc(),
            CommissionBonusTerm.valid_from.desc(),
        )
        .limit(1)
    )
    if row is None or not row.amount_minor:
        return None
    threshold = row.threshold_minor
    return BonusTerms(
        Money(row.amount_minor, currency),
        row.months,
        None if threshold is None else Money(threshold, currency),
    )


def bonus_history(session: Session, scope: TenantScope) -> list[AgreedBonus]:
    """Return every bonus that was agreed for a reseller or for everybody, newest first."""
    rows = session.scalars(
        select(CommissionBonusTerm)
        .where(CommissionBonusTerm.reseller_id.in_([scope.reseller_id, PLATFORM_ID]))
        .order_by(CommissionBonusTerm.valid_from.desc(), CommissionBonusTerm.kind)
    )
    return [
        AgreedBonus(
            BonusKind(row.kind),
            BonusTerms(
                Money(row.amount_minor, row.currency),
                row.months,
                None if row.threshold_minor is None else Money(row.threshold_minor, row.currency),
            ),
            row.valid_from,
            is_own=row.reseller_id == scope.reseller_id,
        )
        for row in rows
    ]


def granted_bonuses(
    session: Session, scope: TenantScope, *, since: datetime, until: datetime, limit: int = 100
) -> list[GrantedBonus]:
    """Return the bonuses that a reseller was granted in a span, newest first."""
    rows = session.scalars(
        select(CommissionBonus)
        .where(
            CommissionBonus.reseller_id == scope.reseller_id,
            CommissionBonus.granted_at >= since,
            CommissionBonus.granted_at < until,
        )
        .order_by(CommissionBonus.granted_at.desc())
        .limit(limit)
    )
    return [
        GrantedBonus(
            row.customer_id,
            BonusKind(row.kind),
            Money(row.amount_minor, row.currency),
            row.granted_at,
        )
        for row in rows
    ]


def is_granted(session: Session, scope: TenantScope, *, customer_id: UUID, kind: BonusKind) -> bool:
    """Return whether a customer has earned its reseller this bonus already."""
    key = (scope.reseller_id, customer_id, kind.value)
    return session.get(CommissionBonus, key) is not None


def note_bonus(
    session: Session,
    scope: TenantScope,
    *,
    customer_id: UUID,
    kind: BonusKind,
    amount: Money,
    entry_id: UUID,
    now: datetime,
) -> None:
    """Write down a bonus beside its entry; a second one of its kind changes nothing."""
    session.execute(
        insert(CommissionBonus)
        .values(
            reseller_id=scope.reseller_id,
            customer_id=customer_id,
            kind=kind.value,
            entry_id=entry_id,
            amount_minor=amount.minor,
            currency=amount.currency,
            granted_at=now,
        )
        .on_conflict_do_nothing()
    )


def months_after(at: datetime, months: int) -> datetime:
    """Return the same time of day in Berlin that many months later, at the month's end at most."""
    local = at.astimezone(BUSINESS_ZONE)
    year, month = divmod(local.year * 12 + local.month - 1 + months, 12)
    day = min(local.day, monthrange(year, month + 1)[1])
    return local.replace(year=year, month=month + 1, day=day).astimezone(UTC)
