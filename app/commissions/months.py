"""A month's commission, reckoned from its volumes (pure): who earned what in the end.

The sum of what all resellers keep and what is the platform's is the volume, to the minor unit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

from app.commissions.tiers import UNIT, Agreement, Slice
from app.kernel.clock import BUSINESS_ZONE

# Before its first agreement nobody earns anything; nothing can be charged then either.
NOTHING_AGREED = Agreement(Decimal(0))


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of the month under one agreement, and the net volume booked in it (minor units)."""

    since: datetime
    agreement: Agreement
    volume: int


@dataclass(frozen=True, slots=True)
class TakenBack:
    """Volume of an earlier, closed month that was written off in this one (minor units).

    `before` and `after` are what that month earned with it and without it.
    """

    month: date
    volume: int
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Member:
    """A reseller in a month: its parent (None: the platform) and the volume at and below it."""

    reseller_id: UUID
    parent_id: UUID | None
    segments: Sequence[Segment]
    taken_back: Sequence[TakenBack] = ()

    @property
    def volume(self) -> int:
        """Return the net volume booked in the month, in minor units."""
        sold = sum(segment.volume for segment in self.segments)
        return sold - sum(each.volume for each in self.taken_back)

    @property
    def is_busy(self) -> bool:
        """Return whether there was any volume, even if it adds up to nothing."""
        return bool(self.taken_back) or any(segment.volume for segment in self.segments)

    @property
    def total(self) -> int:
        """Return what the agreement comes to, and what earlier months come to less or more."""
        corrected = sum(each.after - each.before for each in self.taken_back)
        return earned(self.segments) + corrected


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a reseller's agreement comes to in a month, and what of it goes to those below."""

    total: int
    passed_on: int
    segments: Sequence[tuple[Segment, Sequence[Slice]]]

    @property
    def kept(self) -> int:
        """Return what the reseller keeps, in minor units."""
        return self.total - self.passed_on


def paid_slices(segments: Sequence[Segment]) -> list[tuple[Segment, list[Slice]]]:
    """Return by which rates each segment's volume is paid.

    Marginal: the volume of the month runs on through the steps from segment to segment. Whole:
    the rate that the month's volume reached, by each segment's own agreement.
    """
    total = sum(segment.volume for segment in segments)
    so_far, paid = 0, []
    for segment in segments:
        until = so_far + segment.volume
        paid.append((segment, segment.agreement.slices(so_far, until, total)))
        so_far = until
    return paid


def earned(segments: Sequence[Segment]) -> int:
    """Return what a month earns, in minor units, rounded down once."""
    return sum(part.earned for _, parts in paid_slices(segments) for part in parts) // UNIT


def divide_month(members: Sequence[Member]) -> dict[UUID, Outcome]:
    """Return what every reseller earned in a month: all members of the tree, in any order.

    A reseller keeps what its own agreement comes to, less what those of its children come to.
    That is never negative while agreements are within the parent's and nothing was taken back.
    """
    totals = {member.reseller_id: member.total for member in members}
    passed_on: dict[UUID, int] = {}
    for member in members:
        if member.parent_id is not None:
            given = passed_on.get(member.parent_id, 0) + totals[member.reseller_id]
            passed_on[member.parent_id] = given
    return {
        member.reseller_id: Outcome(
            totals[member.reseller_id],
            passed_on.get(member.reseller_id, 0),
            paid_slices(member.segments),
        )
        for member in members
    }


def month_of(at: datetime) -> date:
    """Return the first day of the Berlin month that holds an aware instant."""
    return at.astimezone(BUSINESS_ZONE).date().replace(day=1)


def next_month(month: date) -> date:
    """Return the first day of the month after."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def starts_at(month: date) -> datetime:
    """Return the first instant, in UTC, of a Berlin month."""
    local = datetime(month.year, month.month, 1, tzinfo=BUSINESS_ZONE)
    return local.astimezone(UTC)


def cut(agreed: Mapping[datetime, Agreement], month: date) -> list[tuple[datetime, Agreement]]:
    """Return the agreements in force in a month and since when, from its first instant on."""
    start, end = starts_at(month), starts_at(next_month(month))
    before = max((at for at in agreed if at <= start), default=None)
    first = NOTHING_AGREED if before is None else agreed[before]
    return [(start, first), *((at, agreed[at]) for at in sorted(agreed) if start < at < end)]
