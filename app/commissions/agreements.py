from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.commissions.errors import NoAgreementError
from app.commissions.models import CommissionAgreement, CommissionTerm
from app.commissions.rules import Term, flatten
from app.tenancy import PlatformScope, list_resellers

# The terms of a reseller's book at a time, as one JSON value, for a caller that reads more in the
# same trip. Parameters: reseller_id, at. All terms of a book share the date they hold from.
TERMS_AS_JSON = """
(SELECT json_agg(json_build_array(t.beneficiary_id, t.rate::text) ORDER BY t.position)
   FROM commission_terms t
  WHERE t.reseller_id = %(reseller_id)s
    AND t.valid_from = (SELECT max(m.valid_from) FROM commission_terms m
                         WHERE m.reseller_id = %(reseller_id)s AND m.valid_from <= %(at)s))
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

    Writes the new terms of its book and of every book below it. Refuses a rate that breaks the
    chain: above the parent's or below a child's.
    """
    session.add(CommissionAgreement(reseller_id=reseller_id, rate=rate, valid_from=valid_from))
    session.flush()
    rates = _rates(session, valid_from)
    for tenant in list_resellers(session, scope):
        if reseller_id in tenant.path and all(member in rates for member in tenant.path):
            terms = flatten(tenant.path, [rates[member] for member in tenant.path])
            _write_terms(session, tenant.id, terms, valid_from)


def read_terms(found: Sequence[Sequence[Any]] | None) -> list[Term]:
    """Return the terms that `TERMS_AS_JSON` found; refuses where it found none."""
    if not found:
        raise NoAgreementError
    return [Term(UUID(beneficiary), Decimal(rate)) for beneficiary, rate in found]


def _rates(session: Session, at: datetime) -> Mapping[UUID, Decimal]:
    """Return every reseller's agreed rate as of a time."""
    rows = session.execute(
        select(CommissionAgreement.reseller_id, CommissionAgreement.rate)
        .where(CommissionAgreement.valid_from <= at)
        .order_by(CommissionAgreement.valid_from)
    )
    return dict(rows.tuples().all())


def _write_terms(
    session: Session, reseller_id: UUID, terms: Sequence[Term], valid_from: datetime
) -> None:
    rows = [
        {
            "reseller_id": reseller_id,
            "valid_from": valid_from,
            "beneficiary_id": term.beneficiary_id,
            "position": position,
            "rate": term.rate,
        }
        for position, term in enumerate(terms)
    ]
    session.execute(insert(CommissionTerm), rows)
