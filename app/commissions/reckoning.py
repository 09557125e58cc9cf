"""What a month comes to for everybody, from the sums of the ledger.

What is written off is taken out of the month, and the part of it, that had counted it: where that
month was closed, it is reckoned with and without, and the difference belongs to this one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from app import ledger
from app.commissions.agreements import read_agreements
from app.commissions.months import Member, Outcome, Segment, TakenBack, cut, divide_month, earned
from app.commissions.tiers import UNIT, Agreement
from app.commissions.volumes import (
    COMMISSION,
    TAKEN_BACK,
    at_and_below,
    net_sales,
    sales,
    taken_back,
)
from app.ledger import PeriodTotal, Undone
from app.tenancy import PLATFORM_ID, PlatformScope, Tenant, list_resellers

Cuts = Sequence[tuple[datetime, Agreement]]
# Minor units by book, of one currency.
Volumes = Mapping[UUID, int]


@dataclass(frozen=True, slots=True)
class StatementDraft:
    """What a reseller's month in a currency comes to, in minor units, ready to be posted.

    `lines` holds JSON: the segments of the month with the rates their volume is paid by, what each
    child's agreement comes to, and what was taken back of earlier months.
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
class _Sums:
    """A month of the ledger in one currency: what each book sold, what each owner was credited."""

    month: date
    currency: str
    own: Volumes
    provisional: Mapping[tuple[UUID, str], int]


@dataclass(frozen=True, slots=True)
class _Calendar:
    """The tree in a month, and what was agreed in it: each reseller's agreements, cut."""

    tenants: Sequence[Tenant]
    cuts: Mapping[UUID, Cuts]

    def changes(self, tenant: Tenant) -> list[datetime]:
        """Return every instant inside the month at which the tenant's chain agreed anew."""
        return sorted({since for member in tenant.path for since, _ in self.cuts[member][1:]})


@dataclass(frozen=True, slots=True)
class _Sold:
    """What each book sold in a month and a currency, and what of it from each change on."""

    whole: dict[UUID, int] = field(default_factory=lambda: defaultdict(int))
    since: dict[datetime, dict[UUID, int]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(int))
    )


# By currency.
_Sales = dict[str, _Sold]


def reckon_month(session: Session, scope: PlatformScope, *, month: date) -> list[StatementDraft]:
    """Return what a month comes to for every reseller and currency, parents before children.

    Exact, and the same at every call once the month is closed in all books of the ledger. What was
    sold in an earlier month and is written off in this one comes off that month's earnings.
    """
    tenants, history = list_resellers(session, scope), read_agreements(session)

    def calendar(of: date) -> _Calendar:
        cuts = {tenant.id: cut(history.get(tenant.id, {}), of) for tenant in tenants}
        return _Calendar(tenants, cuts)

    totals = ledger.period_totals(session, period=month)
    undone = _undone_until(session, month)
    this = calendar(month)
    sold = _sales(session, this, month, totals)
    _take_back(this, sold, undone.pop(month, ()))
    corrected: dict[tuple[str, UUID], list[TakenBack]] = defaultdict(list)
    for earlier, entries in sorted(undone.items()):
        for currency, reseller, each in _with_and_without(
            session, calendar(earlier), entries, earlier=earlier, month=month
        ):
            corrected[currency, reseller].append(each)
    return [
        draft
        for sums in _sums(month, totals)
        for draft in _drafts(
            sums,
            [
                replace(member, taken_back=corrected.get((sums.currency, member.reseller_id), ()))
                for member in _members(this, sold[sums.currency])
            ],
        )
    ]


def _sums(month: date, totals: Iterable[PeriodTotal]) -> list[_Sums]:
    own: dict[str, dict[UUID, int]] = defaultdict(lambda: defaultdict(int))
    provisional: dict[tuple[UUID, str], int] = defaultdict(int)
    for total in totals:
        own[total.currency][total.book_id] += net_sales(total)
        if total.kind == COMMISSION:
            provisional[total.owner_id, total.currency] += net_sales(total)
    return [_Sums(month, currency, own[currency], provisional) for currency in sorted(own)]


def _undone_until(session: Session, month: date) -> dict[date, list[Undone]]:
    """Return what was written off of each month that this one takes from, by all months so far."""
    fresh = ledger.undone(session, kind=TAKEN_BACK, since=month, until=month)
    concerned = {each.undone_period for each in fresh}
    first = min(concerned, default=month)
    known = ledger.undone(session, kind=TAKEN_BACK, since=first, until=month)
    found: dict[date, list[Undone]] = defaultdict(list)
    for each in known:
        if each.undone_period in concerned:
            found[each.undone_period].append(each)
    return found


def _sales(
    session: Session, calendar: _Calendar, month: date, totals: Iterable[PeriodTotal]
) -> _Sales:
    """Return what was sold in a month, whatever was taken back since.

    A month in which nothing changed needs its totals alone, and no entry is read.
    """
    found: _Sales = defaultdict(_Sold)
    for total in totals:
        found[total.currency].whole[total.book_id] += sales(total)
    for tenant in calendar.tenants:
        at = calendar.changes(tenant)
        parts = ledger.split_period(session, tenant.id, period=month, at=at) if at else []
        for number, since in enumerate(at, start=1):
            for part in parts:
                if part.part >= number:
                    found[part.currency].since[since][tenant.id] += sales(part)
    return found


def _take_back(calendar: _Calendar, sold: _Sales, undone: Iterable[Undone]) -> None:
    """Take what was written off out of what was sold, where it had been counted."""
    changes = {tenant.id: calendar.changes(tenant) for tenant in calendar.tenants}
    for each in undone:
        volumes = sold[each.currency]
        volumes.whole[each.book_id] -= taken_back(each)
        for since in changes[each.book_id]:
            if since <= each.undone_at:
                volumes.since[since][each.book_id] -= taken_back(each)


def _with_and_without(
    session: Session,
    calendar: _Calendar,
    undone: Sequence[Undone],
    *,
    earlier: date,
    month: date,
) -> Iterator[tuple[str, UUID, TakenBack]]:
    """Yield for every reseller what an earlier month earned before this one took from it and after.

    What months in between took back is in neither: they have settled it.
    """
    sold = _sales(session, calendar, earlier, ledger.period_totals(session, period=earlier))
    _take_back(calendar, sold, [each for each in undone if each.period < month])
    before = {currency: _members(calendar, volumes) for currency, volumes in sold.items()}
    _take_back(calendar, sold, [each for each in undone if each.period == month])
    for currency, members in before.items():
        for old, new in zip(members, _members(calendar, sold[currency]), strict=True):
            volume = old.volume - new.volume
            if volume:
                line = TakenBack(earlier, volume, earned(old.segments), earned(new.segments))
                yield currency, old.reseller_id, line


def _members(calendar: _Calendar, sold: _Sold) -> list[Member]:
    paths = {tenant.id: tenant.path for tenant in calendar.tenants}
    whole = at_and_below(sold.whole, paths)
    since = {at: at_and_below(volumes, paths) for at, volumes in sold.since.items()}
    return [
        Member(
            tenant.id,
            None if tenant.parent_id == PLATFORM_ID else tenant.parent_id,
            _segments(
                calendar.cuts[tenant.id],
                [
                    whole[tenant.id],
                    *(
                        since[at][tenant.id] if at in since else 0
                        for at, _ in calendar.cuts[tenant.id][1:]
                    ),
                ],
            ),
        )
        for tenant in calendar.tenants
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
            lines={
                "segments": _segment_lines(outcome),
                "below": below[member.reseller_id],
                "taken_back": _taken_back_lines(member),
            },
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


def _taken_back_lines(member: Member) -> list[dict[str, Any]]:
    return [
        {
            "month": each.month.isoformat(),
            "volume": each.volume,
            "before": each.before,
            "after": each.after,
        }
        for each in member.taken_back
    ]
