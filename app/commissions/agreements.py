from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.commissions.errors import (
    MonthClosedError,
    NoAgreementError,
    RateRefusedError,
    TermsFixedError,
)
from app.commissions.models import (
    CommissionAgreement,
    CommissionMonth,
    CommissionStep,
    CommissionTerm,
)
from app.commissions.months import next_month, starts_at
from app.commissions.rules import Term, flatten
from app.commissions.tiers import Agreement, Basis, Step, is_within, require_agreement
from app.tenancy import PlatformScope, TenantScope, list_resellers

History = Mapping[UUID, Mapping[datetime, Agreement]]

# The terms of a reseller's book at the time of booking (decision 0013), as one JSON value, for a
# caller that reads more in the same trip. Parameters: reseller_id, booked_at. All terms of a book
# that share the date they hold from share the one they end at, too (NULL: when the next begin).
TERMS_AS_JSON = """
(SELECT json_agg(json_build_array(t.beneficiary_id, t.rate::text) ORDER BY t.position)
   FROM commission_terms t
  WHERE t.reseller_id = %(reseller_id)s
    AND t.valid_from = (SELECT max(m.valid_from) FROM commission_terms m
                         WHERE m.reseller_id = %(reseller_id)s AND m.valid_from <= %(booked_at)s
                           AND (m.valid_until IS NULL OR m.valid_until > %(booked_at)s)))
"""

# Between which changes of its terms a time lies: the last before, the next after (NULL: never).
SPAN_OF_SHARES = """
(SELECT max(c.at) FROM commission_terms t, unnest(ARRAY[t.valid_from, t.valid_until]) AS c (at)
  WHERE t.reseller_id = %(reseller_id)s AND c.at <= %(booked_at)s),
(SELECT min(c.at) FROM commission_terms t, unnest(ARRAY[t.valid_from, t.valid_until]) AS c (at)
  WHERE t.reseller_id = %(reseller_id)s AND c.at > %(booked_at)s)
"""

# Agreements, provisional rates and month ends change what the others read: one at a time.
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended('commissions.agreements', 0))")


def agree_commission(
    session: Session,
    scope: PlatformScope,
    *,
    reseller_id: UUID,
    rate: Decimal,
    valid_from: datetime,
    steps: Sequence[Step] = (),
    basis: Basis = Basis.MARGINAL,
) -> None:
    """Agree the share of the net price for all charges below a reseller, from a date on.

    `steps` raise it with the Berlin month's net volume at and below the reseller, per currency.
    Writes the new terms of its book and of every book below it. Refuses what `agree_commissions`
    refuses.
    """
    agreement = Agreement(rate, tuple(steps), basis)
    agree_commissions(session, scope, agreements={reseller_id: agreement}, valid_from=valid_from)


def agree_commissions(
    session: Session,
    scope: PlatformScope,
    *,
    agreements: Mapping[UUID, Agreement],
    valid_from: datetime,
) -> None:
    """Agree the shares of several resellers that change at one date: parents with children.

    Refuses steps that do not rise, an agreement that breaks the chain, above the parent's or below
    a child's at some volume, a date in a month that is closed, and a date from which on terms
    below one of them are fixed: charges may have been shared by them.
    """
    for agreement in agreements.values():
        require_agreement(agreement)
    one_at_a_time(session)
    _require_open_month(session, valid_from)
    known = read_agreements(session)
    if any(valid_from in known.get(reseller, {}) for reseller in agreements):
        raise TermsFixedError(valid_from=valid_from.isoformat())
    history = {reseller: dict(agreed) for reseller, agreed in known.items()}
    for reseller, agreement in agreements.items():
        history.setdefault(reseller, {})[valid_from] = agreement
    _insert(session, agreements, valid_from)
    paths = [
        tenant.path
        for tenant in list_resellers(session, scope)
        if not agreements.keys().isdisjoint(tenant.path)
    ]
    _require_open(session, [path[-1] for path in paths], valid_from)
    rows = [row for path in paths for row in _terms_since(path, history, valid_from)]
    if rows:
        session.execute(insert(CommissionTerm), rows)


def read_terms(found: Sequence[Sequence[Any]] | None) -> list[Term]:
    """Return the terms that `TERMS_AS_JSON` found; refuses where it found none."""
    if not found:
        raise NoAgreementError
    return [Term(UUID(beneficiary), Decimal(rate)) for beneficiary, rate in found]


def read_agreements(session: Session) -> dict[UUID, dict[datetime, Agreement]]:
    """Return every agreement the sign-in may see: reseller -> date -> agreement."""
    steps: dict[tuple[UUID, datetime], list[Step]] = {}
    for step in session.scalars(select(CommissionStep).order_by(CommissionStep.above_minor)):
        found = steps.setdefault((step.reseller_id, step.valid_from), [])
        found.append(Step(step.above_minor, step.rate))
    history: dict[UUID, dict[datetime, Agreement]] = {}
    for row in session.scalars(select(CommissionAgreement)):
        history.setdefault(row.reseller_id, {})[row.valid_from] = Agreement(
            row.rate, tuple(steps.get((row.reseller_id, row.valid_from), ())), Basis(row.basis)
        )
    return history


def agreements_of(session: Session, scope: TenantScope) -> dict[datetime, Agreement]:
    """Return a reseller's own agreements by the date they hold from."""
    return read_agreements(session).get(scope.reseller_id, {})


def agreed_at(agreed: Mapping[datetime, Agreement], at: datetime) -> Agreement | None:
    """Return the agreement in force at a time; None before the first."""
    since = max((date for date in agreed if date <= at), default=None)
    return None if since is None else agreed[since]


def one_at_a_time(session: Session) -> None:
    """Wait until no other transaction changes what commission is reckoned by; hold that place."""
    session.execute(_ONE_AT_A_TIME)


def _insert(session: Session, agreements: Mapping[UUID, Agreement], valid_from: datetime) -> None:
    keys = {
        reseller: {"reseller_id": reseller, "valid_from": valid_from} for reseller in agreements
    }
    session.execute(
        insert(CommissionAgreement),
        [
            {**keys[reseller], "rate": agreement.rate, "basis": agreement.basis.value}
            for reseller, agreement in agreements.items()
        ],
    )
    steps = [
        {**keys[reseller], "above_minor": step.above_minor, "rate": step.rate}
        for reseller, agreement in agreements.items()
        for step in agreement.steps
    ]
    if steps:
        session.execute(insert(CommissionStep), steps)


def _require_open_month(session: Session, valid_from: datetime) -> None:
    """Refuse a date in a month that is closed, or is being closed: its statements never change."""
    last = session.scalar(select(func.max(CommissionMonth.month)))
    if last is not None and valid_from < starts_at(next_month(last)):
        raise MonthClosedError(month=f"{last:%Y-%m}")


def _require_open(session: Session, books: Sequence[UUID], valid_from: datetime) -> None:
    """Refuse where agreed terms of one of these books hold from the date on, or a later one."""
    fixed = session.scalar(
        select(CommissionTerm.valid_from)
        .where(
            CommissionTerm.reseller_id.in_(books),
            CommissionTerm.valid_from >= valid_from,
            CommissionTerm.valid_until.is_(None),
        )
        .limit(1)
    )
    if fixed is not None:
        raise TermsFixedError(valid_from=fixed.isoformat())


def _terms_since(
    path: Sequence[UUID], history: History, valid_from: datetime
) -> Iterator[dict[str, object]]:
    """Yield the rows of a book's terms for every date since on which its chain changes.

    They hold the base rates. A date on which a member of the chain has no agreement yet has no
    terms either. Refuses a chain in which a child gets more than its parent.
    """
    changes = {at for member in path for at in history.get(member, {}) if at >= valid_from}
    for at in sorted(changes):
        agreed = [agreed_at(history.get(member, {}), at) for member in path]
        known = [agreement for agreement in agreed if agreement is not None]
        if len(known) < len(path):
            continue
        if not all(is_within(child, parent) for parent, child in pairwise(known)):
            raise RateRefusedError
        terms = flatten(path, [agreement.rate for agreement in known])
        yield from term_rows(path[-1], terms, valid_from=at)


def term_rows(
    book_id: UUID,
    terms: Sequence[Term],
    *,
    valid_from: datetime,
    valid_until: datetime | None = None,
) -> Iterator[dict[str, object]]:
    """Yield the rows of what each beneficiary keeps of a book's charges in a span."""
    for position, term in enumerate(terms):
        yield {
            "reseller_id": book_id,
            "valid_from": valid_from,
            "valid_until": valid_until,
            "beneficiary_id": term.beneficiary_id,
            "position": position,
            "rate": term.rate,
        }
