"""The rates by which charges are shared until the month is closed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import and_, func, insert, or_, select
from sqlalchemy.orm import Session

from app import ledger
from app.commissions.agreements import agreed_at, one_at_a_time, read_agreements, term_rows
from app.commissions.models import CommissionTerm
from app.commissions.months import month_of, next_month, starts_at
from app.commissions.rules import Term, flatten
from app.commissions.tiers import capped
from app.commissions.volumes import at_and_below, net_sales
from app.tenancy import PlatformScope, list_resellers


def retier(session: Session, scope: PlatformScope, *, now: datetime) -> int:
    """Let each book's shares follow the volume of the Berlin month so far; return how many moved.

    Terms of a month end with it: then the agreed base rates hold again. A child's provisional rate
    is never above its parent's. Terms know no currency: where a reseller has volume in several,
    the greatest one counts here; the month end reckons each by itself. Safe to repeat.
    """
    one_at_a_time(session)
    month = month_of(now)
    until = starts_at(next_month(month))
    paths = {tenant.id: tuple(tenant.path) for tenant in list_resellers(session, scope)}
    rates = _rates(session, paths, now=now)
    known = _terms_at(session, now)
    rows: list[dict[str, object]] = []
    moved = 0
    for book, terms in _wanted(paths, rates):
        if book in known and known[book] != terms:
            rows += term_rows(book, terms, valid_from=now, valid_until=until)
            moved += 1
    if rows:
        session.execute(insert(CommissionTerm), rows)
    return moved


def _wanted(
    paths: Mapping[UUID, Sequence[UUID]], rates: Mapping[UUID, Decimal]
) -> Iterator[tuple[UUID, list[Term]]]:
    """Yield the terms of every book whose whole chain has agreed."""
    for book, path in paths.items():
        if all(member in rates for member in path):
            yield book, flatten(path, capped([rates[member] for member in path]))


def _rates(
    session: Session, paths: Mapping[UUID, Sequence[UUID]], *, now: datetime
) -> dict[UUID, Decimal]:
    """Return the rate that each reseller's volume of the month has reached."""
    own: dict[str, dict[UUID, int]] = defaultdict(lambda: defaultdict(int))
    for total in ledger.period_totals(session, period=month_of(now)):
        own[total.currency][total.book_id] += net_sales(total)
    volumes = [at_and_below(books, paths) for books in own.values()]
    history = read_agreements(session)
    rates = {}
    for reseller in paths:
        agreement = agreed_at(history.get(reseller, {}), now)
        if agreement is not None:
            greatest = max((each[reseller] for each in volumes), default=0)
            rates[reseller] = agreement.rate_at(greatest)
    return rates


def _terms_at(session: Session, at: datetime) -> dict[UUID, list[Term]]:
    """Return the terms by which each book's charges are shared at a time."""
    holds = and_(
        CommissionTerm.valid_from <= at,
        or_(CommissionTerm.valid_until.is_(None), CommissionTerm.valid_until > at),
    )
    latest = (
        select(CommissionTerm.reseller_id, func.max(CommissionTerm.valid_from).label("since"))
        .where(holds)
        .group_by(CommissionTerm.reseller_id)
        .subquery()
    )
    rows = session.scalars(
        select(CommissionTerm)
        .join(
            latest,
            (latest.c.reseller_id == CommissionTerm.reseller_id)
            & (latest.c.since == CommissionTerm.valid_from),
        )
        .order_by(CommissionTerm.reseller_id, CommissionTerm.position)
    )
    terms: dict[UUID, list[Term]] = defaultdict(list)
    for row in rows:
        terms[row.reseller_id].append(Term(row.beneficiary_id, row.rate))
    return dict(terms)
