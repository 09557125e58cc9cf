"""Month ends: which months are to be closed, and the statements that stay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app import ledger
from app.commissions.agreements import one_at_a_time
from app.commissions.errors import EarlierMonthOpenError, MonthNotOverError
from app.commissions.models import CommissionMonth, CommissionStatement
from app.commissions.months import next_month, starts_at
from app.commissions.reckoning import StatementDraft
from app.tenancy import PlatformScope, TenantScope

# Bookings of the last second must have arrived before a month is closed.
CLOSES_AFTER = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class MonthState:
    """A Berlin month (its first day): may it be closed, is it being closed, is it closed."""

    month: date
    closes_from: datetime
    is_over: bool
    has_begun: bool
    closed_at: datetime | None


def begin_month(session: Session, scope: PlatformScope, *, month: date, now: datetime) -> bool:
    """Begin to close a Berlin month (its first day); False where it is closed already.

    From here on no agreement can begin in it. Safe to repeat. Refuses a month that is not over by
    two hours, and one before which another is still open.
    """
    one_at_a_time(session)
    if now < starts_at(next_month(month)) + CLOSES_AFTER:
        raise MonthNotOverError(month=f"{month:%Y-%m}")
    closed = _closed(session)
    if month in closed:
        return False
    earlier = [each for each in ledger.periods(session) if each < month and each not in closed]
    if earlier:
        raise EarlierMonthOpenError(month=f"{earlier[0]:%Y-%m}")
    session.execute(
        insert(CommissionMonth).values(month=month, begun_at=now).on_conflict_do_nothing()
    )
    return True


def finish_month(session: Session, scope: PlatformScope, *, month: date, now: datetime) -> None:
    """Note that every statement of a month is written."""
    session.execute(
        update(CommissionMonth)
        .where(CommissionMonth.month == month, CommissionMonth.closed_at.is_(None))
        .values(closed_at=now)
    )


def months_to_close(session: Session, scope: PlatformScope, *, now: datetime) -> list[date]:
    """Return every month with bookings that is over by two hours and not closed, in order."""
    closed = _closed(session)
    return [
        month
        for month in ledger.periods(session)
        if month not in closed and now >= starts_at(next_month(month)) + CLOSES_AFTER
    ]


def write_statement(
    session: Session,
    scope: TenantScope,
    *,
    draft: StatementDraft,
    entry_id: UUID | None,
    now: datetime,
) -> None:
    """Write a reseller's statement of a month, for ever; a second one changes nothing."""
    session.execute(
        insert(CommissionStatement)
        .values(
            reseller_id=scope.reseller_id,
            month=draft.month,
            currency=draft.currency,
            volume_minor=draft.volume,
            own_volume_minor=draft.own_volume,
            total_minor=draft.total,
            passed_on_minor=draft.passed_on,
            provisional_minor=draft.provisional,
            final_minor=draft.final,
            entry_id=entry_id,
            lines=draft.lines,
            closed_at=now,
        )
        .on_conflict_do_nothing()
    )


def statements_of(
    session: Session, scope: TenantScope, *, month: date
) -> dict[str, CommissionStatement]:
    """Return a reseller's statements of a closed month by currency; none while it is open."""
    rows = session.scalars(
        select(CommissionStatement).where(
            CommissionStatement.reseller_id == scope.reseller_id, CommissionStatement.month == month
        )
    )
    return {row.currency: row for row in rows}


def list_statements(session: Session, scope: TenantScope) -> Sequence[CommissionStatement]:
    """Return every statement of a reseller, the latest month first."""
    return session.scalars(
        select(CommissionStatement)
        .where(CommissionStatement.reseller_id == scope.reseller_id)
        .order_by(CommissionStatement.month.desc(), CommissionStatement.currency)
    ).all()


def list_months(session: Session, scope: PlatformScope, *, now: datetime) -> list[MonthState]:
    """Return every month in which something was booked or that was closed, the latest first."""
    begun = {row.month: row for row in session.scalars(select(CommissionMonth))}
    months = sorted({*begun, *ledger.periods(session)}, reverse=True)
    return [
        MonthState(
            month,
            closes_from=(due := starts_at(next_month(month)) + CLOSES_AFTER),
            is_over=now >= due,
            has_begun=month in begun,
            closed_at=begun[month].closed_at if month in begun else None,
        )
        for month in months
    ]


def _closed(session: Session) -> set[date]:
    query = select(CommissionMonth.month).where(CommissionMonth.closed_at.is_not(None))
    return set(session.scalars(query))
