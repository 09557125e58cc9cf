"""The terms of a charge, kept between charges while they hold.

What is kept is never trusted: whatever posts a charge compares the revision of the terms
(migration 0005) in the same statement or under the wallet's lock, and posts nothing where they
have changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from app import commissions, pricing
from app.billing import chart
from app.billing.spending import PayeeAccounts
from app.kernel import cursor
from app.tenancy import TenantScope

# Price, shares and the times between two changes, in one trip and one snapshot. Each slice wrote
# its own part.
_READ = f"""
WITH {pricing.TERMS_CHANGES}
SELECT {pricing.TARIFF_AS_JSON}, {pricing.SPAN_OF_TERMS},
       {commissions.TERMS_AS_JSON}, {commissions.SPAN_OF_SHARES}, revision
  FROM terms_revision
""".encode()  # noqa: S608 - constants of ours
_REVISION = b"SELECT revision FROM terms_revision"

# One for each reseller and meter, about half a kilobyte.
_MOST = 50_000
_kept: dict[tuple[UUID, str], ChargeTerms] = {}


@dataclass(frozen=True, slots=True)
class Span:
    """The time between two changes; without an end, for ever so far."""

    since: datetime
    until: datetime | None

    def covers(self, at: datetime) -> bool:
        """Return whether no change lies between the time this was read for and `at`."""
        return self.since <= at and (self.until is None or at < self.until)


@dataclass(frozen=True, slots=True)
class ChargeTerms:
    """What a reseller's charges by one meter are rated and shared by, from a change to the next.

    Rated by the time of use, shared by the time of booking (decision 0013).
    """

    tariff: pricing.Tariff
    shares: list[commissions.Term]
    accounts: PayeeAccounts
    revision: int
    priced: Span
    shared: Span

    def cover(self, at: datetime, booked_at: datetime) -> bool:
        """Return whether these hold for usage of a time that is booked at another."""
        return self.priced.covers(at) and self.shared.covers(booked_at)


def kept_terms(
    session: Session, scope: TenantScope, meter: str, at: datetime, *, booked_at: datetime
) -> ChargeTerms:
    """Return the terms of usage at a time, from an earlier charge where they cover it.

    Refuses what `read_terms` refuses.
    """
    terms = _kept.get((scope.reseller_id, meter))
    if terms is not None and terms.cover(at, booked_at):
        return terms
    return read_terms(session, scope, meter, at, booked_at=booked_at)


def read_terms(
    session: Session, scope: TenantScope, meter: str, at: datetime, *, booked_at: datetime
) -> ChargeTerms:
    """Read the terms of usage at a time and keep them.

    Refuses a meter without a price and a chain without an agreement.
    """
    asked = {"reseller_id": scope.reseller_id, "meter": meter, "at": at, "booked_at": booked_at}
    row = cursor(session).execute(_READ, asked).fetchone() or (None, at, None, None, at, None, 0)
    found, priced_since, priced_until, found_shares, shared_since, shared_until, revision = row
    tariff = pricing.read_tariff(found, meter=meter)
    shares = commissions.read_terms(found_shares)
    terms = ChargeTerms(
        tariff,
        shares,
        chart.payee_accounts(scope.reseller_id, tariff.currency, tariff.credit_purpose, shares),
        revision,
        Span(priced_since, priced_until),
        Span(shared_since, shared_until),
    )
    if len(_kept) >= _MOST:
        _kept.clear()
    _kept[scope.reseller_id, meter] = terms
    return terms


def present_revision(session: Session) -> int:
    """Return the revision of all terms as of now."""
    row = cursor(session).execute(_REVISION).fetchone()
    return row[0] if row else 0
