"""Month ends: which months are to be closed, what they come to, and the statements that stay."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app import ledger
from app.commissions.agreements import one_at_a_time, read_agreements
from app.commissions.errors import EarlierMonthOpenError, MonthNotOverError
from app.commissions.models import CommissionMonth, CommissionStatement
from app.commissions.months import (
    Member,
    Outcome,
    Segment,
    cut,
    divide_month,
    next_month,
    starts_at,
)
from app.commissions.tiers import UNIT, Agreement
from app.commissions.volumes import COMMISSION, at_and_below, net_sales
from app.tenancy import PLATFORM_ID, PlatformScope, Tenant, TenantScope, list_resellers

# Bookings of the last second must have arrived before a month is closed.
CLOSES_AFTER = timedelta(hours=2)

Cuts = Sequence[tuple[datetime, Agreement]]
# Minor units by book, of one currency.
Volumes = Mapping[UUID, int]


@dataclass(frozen=True, slots=True)
class StatementDraft:
    """What a reseller's month in a currency comes to, in minor units, ready to be posted.

    `lines` holds JSON: the segments of the month with the rates their volume is paid by, and what
    each child's agreement comes to.
    """

    reseller_id: UUID
    month: date
    currency: str
    volume: int
    own_volume: int
    total: int
    passed_on: int
    provisional: int
    lines: dict[str, Any]

    @property
    def final(self) -> int:
        """Return what the reseller keeps."""
        return self.total - self.passed_on

    @property
    def difference(self) -> int:
        """Return what must still be posted; negative where charges had credited too much."""
        return self.final - self.provisional


@dataclass(frozen=True, slots=True)
class MonthState:
    """A Berlin month (its first day): may it be closed, is it being closed, is it closed."""

    month: date
    closes_from: datetime
    is_over: bool
    has_begun: bool
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Sums:
    """A month of the ledger in one currency: what each book sold, what each owner was credited."""

    month: date
    currency: str
    own: Volumes
    provisional: Mapping[tuple[UUID, str], int]


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


def reckon_month(session: Session, scope: PlatformScope, *, month: date) -> list[StatementDraft]:
    """Return what a month comes to for every reseller and currency, parents before children.

    Exact, and the same at every call once the month is closed in all books of the ledger.
    """
    tenants = list_resellers(session, scope)
    history = read_agreements(session)
    cuts = {tenant.id: cut(history.get(tenant.id, {}), month) for tenant in tenants}
    own: dict[str, dict[UUID, int]] = defaultdict(lambda: defaultdict(int))
    provisional: dict[tuple[UUID, str], int] = defaultdict(int)
    for total in ledger.period_totals(session, period=month):
        own[total.currency][total.book_id] += net_sales(total)
        if total.kind == COMMISSION:
            provisional[total.owner_id, total.currency] += net_sales(total)
    later = _volumes_since(session, tenants, cuts, month)
    return [
        draft
        for currency, volumes in sorted(own.items())
        for draft in _drafts(
            _Sums(month, currency, volumes, provisional),
            _members(tenants, cuts, volumes, later.get(currency, {})),
        )
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


def _volumes_since(
    session: Session, tenants: Sequence[Tenant], cuts: Mapping[UUID, Cuts], month: date
) -> dict[str, dict[datetime, dict[UUID, int]]]:
    """Return the volume of each book from every change of its chain on: currency, instant, book.

    A month in which nothing changed needs none, and no entry is read.
    """
    found: dict[str, dict[datetime, dict[UUID, int]]] = defaultdict(lambda: defaultdict(dict))
    for tenant in tenants:
        at = sorted({since for member in tenant.path for since, _ in cuts[member][1:]})
        if not at:
            continue
        parts = ledger.split_period(session, tenant.id, period=month, at=at)
        for number, since in enumerate(at, start=1):
            for part in parts:
                if part.part >= number:
                    volumes = found[part.currency][since]
                    volumes[tenant.id] = volumes.get(tenant.id, 0) + net_sales(part)
    return found


def _members(
    tenants: Sequence[Tenant],
    cuts: Mapping[UUID, Cuts],
    own: Volumes,
    later: Mapping[datetime, Volumes],
) -> list[Member]:
    paths = {tenant.id: tenant.path for tenant in tenants}
    whole = at_and_below(own, paths)
    since = {at: at_and_below(volumes, paths) for at, volumes in later.items()}
    return [
        Member(
            tenant.id,
            None if tenant.parent_id == PLATFORM_ID else tenant.parent_id,
            _segments(
                cuts[tenant.id],
                [
                    whole[tenant.id],
                    *(since[at][tenant.id] if at in since else 0 for at, _ in cuts[tenant.id][1:]),
                ],
            ),
        )
        for tenant in tenants
    ]


def _segments(cuts: Cuts, volumes_since: Sequence[int]) -> list[Segment]:
    ends = [*volumes_since[1:], 0]
    return [
        Segment(at, agreement, volume - after)
        for (at, agreement), volume, after in zip(cuts, volumes_since, ends, strict=True)
    ]


def _drafts(sums: _Sums, members: Sequence[Member]) -> Iterator[StatementDraft]:
    """Yield the statement of everybody who had volume, or was credited anything."""
    outcomes = divide_month(members)
    below: dict[UUID, dict[str, int]] = defaultdict(dict)
    for member in members:
        if member.parent_id is not None and member.is_busy:
            total = outcomes[member.reseller_id].total
            below[member.parent_id][str(member.reseller_id)] = total
    for member in members:
        provisional = sums.provisional.get((member.reseller_id, sums.currency), 0)
        if not member.is_busy and not provisional:
            continue
        outcome = outcomes[member.reseller_id]
        yield StatementDraft(
            reseller_id=member.reseller_id,
            month=sums.month,
            currency=sums.currency,
            volume=member.volume,
            own_volume=sums.own.get(member.reseller_id, 0),
            total=outcome.total,
            passed_on=outcome.passed_on,
            provisional=provisional,
            lines={"segments": _segment_lines(outcome), "below": below[member.reseller_id]},
        )


def _segment_lines(outcome: Outcome) -> list[dict[str, Any]]:
    return [
        {
            "since": segment.since.isoformat(),
            "basis": segment.agreement.basis.value,
            "volume": segment.volume,
            "steps": [
                {
                    "above": part.above_minor,
                    "rate": str(part.rate),
                    "volume": part.volume,
                    "earned": str(Decimal(part.earned) / UNIT),
                }
                for part in parts
            ],
        }
        for segment, parts in outcome.segments
    ]
