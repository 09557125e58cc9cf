"""What a reseller earned in a Berlin month, from every book down to the single charge."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy.orm import Session

from app import commissions, ledger
from app.billing import chart
from app.commissions import Agreement, CommissionStatement
from app.kernel import MAXIMUM_PAGE_SIZE, PAGE_SIZE, Money, Page, first_id_at
from app.tenancy import TenantScope


@dataclass(frozen=True, slots=True)
class BookLine:
    """One book at or below the reseller: its net volume and what was kept of it so far."""

    book_id: UUID
    volume: Money
    provisional: Money


@dataclass(frozen=True, slots=True)
class StepLine:
    """The part of the month's volume that is paid by one rate."""

    above: Money
    rate: Decimal
    volume: Money


@dataclass(frozen=True, slots=True)
class TakenBackLine:
    """Volume of an earlier month written off in this one; what that month came to and comes to."""

    month: date
    volume: Money
    before: Money
    after: Money


@dataclass(frozen=True, slots=True)
class CurrencyReport:
    """A month in one currency. `final` is None while the month is open.

    `provisional` is what charges credited; `steps` pay for all below the reseller, of which it
    keeps what it does not pass on; so do the lines of `taken_back`, which a closed month has.
    `bonuses` and `trued_up` were booked in this month.
    """

    currency: str
    volume: Money
    own_volume: Money
    provisional: Money
    final: Money | None
    bonuses: Money
    trued_up: Money
    steps: Sequence[StepLine]
    taken_back: Sequence[TakenBackLine]
    books: Sequence[BookLine]


@dataclass(frozen=True, slots=True)
class CommissionLine:
    """What one charge earned: `entry_id` is the charge's, `rate` the part that was kept of `net`.

    A bonus or a true-up has no rate.
    """

    entry_id: UUID
    book_id: UUID
    kind: str
    booked_at: datetime
    net: Money
    rate: Decimal | None
    amount: Money


@dataclass(frozen=True, slots=True)
class CommissionReport:
    """A reseller's month: a report for each currency, and the latest charges that earned it."""

    month: date
    currencies: Sequence[CurrencyReport]
    lines: Page[CommissionLine]


def commission_report(
    session: Session,
    scope: TenantScope,
    *,
    month: date,
    before: UUID | None = None,
    size: int = PAGE_SIZE,
) -> CommissionReport:
    """Return a reseller's month (its first day), exact at this moment, in a few queries.

    `before` is the cursor of a page of lines. Reads roll-ups and what came since, never a month's
    entries; an open month's steps are those of the agreement in force at its end.
    """
    sums: dict[str, list[ledger.OwnedPeriod]] = defaultdict(list)
    for each in ledger.owned_periods(session, scope.reseller_id, period=month):
        sums[each.currency].append(each)
    statements = commissions.statements_of(session, scope, month=month)
    end = commissions.starts_at(commissions.next_month(month)) - timedelta(microseconds=1)
    agreement = commissions.agreed_at(commissions.agreements_of(session, scope), end)
    return CommissionReport(
        month,
        [
            _currency(scope, currency, sums[currency], statements.get(currency), agreement)
            for currency in sorted(sums)
        ],
        _lines(session, scope, month, before, min(size, MAXIMUM_PAGE_SIZE)),
    )


def _currency(
    scope: TenantScope,
    currency: str,
    sums: Sequence[ledger.OwnedPeriod],
    statement: CommissionStatement | None,
    agreement: Agreement | None,
) -> CurrencyReport:
    mine = [each for each in sums if each.is_own and each.kind == chart.COMMISSION]
    volumes, earned = _by_book(sums), _by_book(mine)
    volume = sum(volumes.values())
    bonuses = [each.credited for each in mine if each.entry_kind == chart.COMMISSION_BONUS]
    true_ups = [each.credited - each.debited for each in mine if each.entry_kind == chart.TRUE_UP]
    return CurrencyReport(
        currency=currency,
        volume=Money(volume, currency),
        own_volume=Money(volumes.get(scope.reseller_id, 0), currency),
        provisional=Money(sum(earned.values()), currency),
        final=Money(statement.final_minor, currency) if statement else None,
        bonuses=Money(sum(bonuses), currency),
        trued_up=Money(sum(true_ups), currency),
        steps=_steps(currency, volume, statement, agreement),
        taken_back=_taken_back(statement) if statement else [],
        books=[
            BookLine(book, Money(sold, currency), Money(earned.get(book, 0), currency))
            for book, sold in sorted(volumes.items())
            if sold or earned.get(book)
        ],
    )


def _by_book(sums: Sequence[ledger.OwnedPeriod]) -> dict[UUID, int]:
    volumes: dict[UUID, int] = defaultdict(int)
    for each in sums:
        volumes[each.book_id] += commissions.net_sales(each)
    return dict(volumes)


def _steps(
    currency: str,
    volume: int,
    statement: CommissionStatement | None,
    agreement: Agreement | None,
) -> list[StepLine]:
    """Return the steps of a closed month from its statement, else from the agreement."""
    if statement is not None:
        return [
            StepLine(
                Money(step["above"], currency),
                Decimal(step["rate"]),
                Money(step["volume"], currency),
            )
            for segment in statement.lines["segments"]
            for step in segment["steps"]
        ]
    return [
        StepLine(Money(part.above_minor, currency), part.rate, Money(part.volume, currency))
        for part in (agreement.slices(0, volume, volume) if agreement else [])
    ]


def _taken_back(statement: CommissionStatement) -> list[TakenBackLine]:
    return [
        TakenBackLine(
            date.fromisoformat(line["month"]),
            *(Money(line[name], statement.currency) for name in ("volume", "before", "after")),
        )
        for line in statement.lines["taken_back"]
    ]


def _lines(
    session: Session, scope: TenantScope, month: date, before: UUID | None, size: int
) -> Page[CommissionLine]:
    start = first_id_at(commissions.starts_at(month))
    end = first_id_at(commissions.starts_at(commissions.next_month(month)))
    found = ledger.owned_credits(
        session,
        scope.reseller_id,
        kinds=commissions.SHARED,
        since=start,
        before=end if before is None else min(before, end),
        limit=size + 1,
    )
    page = found[:size]
    rates = commissions.rates_kept(
        session, scope, bookings=[(each.book_id, each.created_at) for each in page]
    )
    lines = [
        CommissionLine(
            entry_id=each.entry_id,
            book_id=each.book_id,
            kind=each.kind,
            booked_at=each.created_at,
            net=Money(each.whole, each.currency),
            rate=rate if each.kind not in {chart.TRUE_UP, chart.COMMISSION_BONUS} else None,
            amount=Money(each.amount, each.currency),
        )
        for each, rate in zip(page, rates, strict=True)
    ]
    return Page(lines, str(page[-1].entry_id) if len(found) > size else None)
