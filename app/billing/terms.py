"""The terms of a charge, kept between charges while they hold.

What is kept is never trusted: `charge_usage` in the database compares the revision of the terms
(migration 0005) in the statement that posts, and posts nothing where they have changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from app import commissions, pricing
from app.kernel import cursor
from app.tenancy import TenantScope

# Price, shares and the time between two changes, in one trip and one snapshot. Each slice wrote
# its own part.
_READ = f"""
WITH {pricing.TERMS_CHANGES}
SELECT {pricing.TARIFF_AS_JSON}, {commissions.TERMS_AS_JSON}, {pricing.SPAN_OF_TERMS}, revision
  FROM terms_revision
""".encode()  # noqa: S608 - constants of ours

# One for each reseller and meter, about half a kilobyte.
_MOST = 50_000
_kept: dict[tuple[UUID, str], ChargeTerms] = {}


@dataclass(frozen=True, slots=True)
class ChargeTerms:
    """What a reseller's charges by one meter are rated and shared by, from a change to the next."""

    tariff: pricing.Tariff
    shares: list[commissions.Term]
    revision: int
    holds_from: datetime
    holds_until: datetime | None

    def cover(self, at: datetime) -> bool:
        """Return whether no change lies between the time these were read for and `at`."""
        return self.holds_from <= at and (self.holds_until is None or at < self.holds_until)


def kept_terms(
    session: Session, scope: TenantScope, meter: str, at: datetime, booked_at: datetime
) -> ChargeTerms:
    """Return the terms of use at a time that is booked at another, kept ones where they cover both.

    Refuses what `read_terms` refuses.
    """
    terms = _kept.get((scope.reseller_id, meter))
    if terms is not None and terms.cover(at) and terms.cover(booked_at):
        return terms
    return read_terms(session, scope, meter, at, booked_at)


def read_terms(
    session: Session, scope: TenantScope, meter: str, at: datetime, booked_at: datetime
) -> ChargeTerms:
    """Read the terms of a charge and keep them: the price of the use, the shares of the booking.

    Refuses a meter without a price and a chain without an agreement.
    """
    asked = {"reseller_id": scope.reseller_id, "meter": meter, "at": at, "booked_at": booked_at}
    row = cursor(session).execute(_READ, asked).fetchone() or (None, None, at, None, 0)
    tariff, shares, since, until, revision = row
    terms = ChargeTerms(
        pricing.read_tariff(tariff, meter=meter),
        commissions.read_terms(shares),
        revision,
        since,
        until,
    )
    if len(_kept) >= _MOST:
        _kept.clear()
    _kept[scope.reseller_id, meter] = terms
    return terms
