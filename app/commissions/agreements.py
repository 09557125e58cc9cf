from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.commissions.errors import NoAgreementError, TermsFixedError
from app.commissions.models import CommissionAgreement, CommissionTerm
from app.commissions.rules import Term, flatten, require_rate
from app.tenancy import PlatformScope, list_resellers

# The terms of a reseller's book at a time, as one JSON value, for a caller that reads more in the
# same trip. Parameters: reseller_id, booked_at: shares go by the time a charge is booked, prices by
# the time of use (decision 0013). All terms of a book share the date they hold from.
TERMS_AS_JSON = """
(SELECT json_agg(json_build_array(t.beneficiary_id, t.rate::text) ORDER BY t.position)
   FROM commission_terms t
  WHERE t.reseller_id = %(reseller_id)s
    AND t.valid_from = (SELECT max(m.valid_from) FROM commission_terms m
                         WHERE m.reseller_id = %(reseller_id)s AND m.valid_from <= %(booked_at)s))
"""

# Between which changes of its terms a time lies: the last before, the next after (NULL: never).
SPAN_OF_SHARES = """
(SELECT max(t.valid_from) FROM commission_terms t
  WHERE t.reseller_id = %(reseller_id)s AND t.valid_from <= %(booked_at)s),
(SELECT min(t.valid_from) FROM commission_terms t
  WHERE t.reseller_id = %(reseller_id)s AND t.valid_from > %(booked_at)s)
"""


def agree_commission(
    session: Session,
    scope: PlatformScope,
    *,
    reseller_id: UUID,
    rate: Decimal,
    valid_from: datetime,
) -> None:
    """Agree the share of the net price for all charges below a reseller, from a date on.

    Writes the new terms of its book and of every book below it. Refuses what `agree_commissions`
    refuses.
    """
    agree_commissions(session, scope, rates={reseller_id: rate}, valid_from=valid_from)


def agree_commissions(
    session: Session,
    scope: PlatformScope,
    *,
    rates: Mapping[UUID, Decimal],
    valid_from: datetime,
) -> None:
    """Agree the shares of several resellers that change at one date: parents with children.

    Refuses a rate that breaks the chain, above the parent's or below a child's, and a date from
    which on terms below one of them are fixed: charges may have been shared by them.
    """
    for rate in rates.values():
        require_rate(rate)
    history = _history(session)
    if any(valid_from in history.get(reseller, {}) for reseller in rates):
        raise TermsFixedError(valid_from=valid_from.isoformat())
    for reseller, rate in rates.items():
        history.setdefault(reseller, {})[valid_from] = rate
    session.execute(
        insert(CommissionAgreement),
        [
            {"reseller_id": reseller, "valid_from": valid_from, "rate": rate}
            for reseller, rate in rates.items()
        ],
    )
    paths = [
        tenant.path
        for tenant in list_resellers(session, scope)
        if not rates.keys().isdisjoint(tenant.path)
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


def _history(session: Session) -> dict[UUID, dict[datetime, Decimal]]:
    """Return every agreement: reseller -> date -> rate."""
    history: dict[UUID, dict[datetime, Decimal]] = {}
    for agreement in session.scalars(select(CommissionAgreement)):
        history.setdefault(agreement.reseller_id, {})[agreement.valid_from] = agreement.rate
    return history


def _require_open(session: Session, books: Sequence[UUID], valid_from: datetime) -> None:
    """Refuse where terms of one of these books hold from the date on, or from a later one."""
    fixed = session.scalar(
        select(CommissionTerm.valid_from)
        .where(CommissionTerm.reseller_id.in_(books), CommissionTerm.valid_from >= valid_from)
        .limit(1)
    )
    if fixed is not None:
        raise TermsFixedError(valid_from=fixed.isoformat())


def _terms_since(
    path: Sequence[UUID],
    history: Mapping[UUID, Mapping[datetime, Decimal]],
    valid_from: datetime,
) -> Iterator[dict[str, object]]:
    """Yield the rows of a book's terms for every date since on which a rate of its chain changes.

    A date on which a member of the chain has no agreement yet has no terms either.
    """
    changes = {at for member in path for at in history.get(member, {}) if at >= valid_from}
    for at in sorted(changes):
        rates = [_rate_at(history.get(member, {}), at) for member in path]
        known = [rate for rate in rates if rate is not None]
        if len(known) < len(path):
            continue
        for position, term in enumerate(flatten(path, known)):
            yield {
                "reseller_id": path[-1],
                "valid_from": at,
                "beneficiary_id": term.beneficiary_id,
                "position": position,
                "rate": term.rate,
            }


def _rate_at(agreed: Mapping[datetime, Decimal], at: datetime) -> Decimal | None:
    since = max((date for date in agreed if date <= at), default=None)
    return None if since is None else agreed[since]
