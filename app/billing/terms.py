"""Who pays a charge and by which terms; kept between charges while they hold.

What is kept is never trusted: `charge_usage` in the database compares the revision of the terms
(migration 0005) in the statement that posts, and posts nothing where they have changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from app import commissions, pricing
from app.billing.errors import WalletFrozenError, WalletNotFoundError
from app.billing.models import WalletState
from app.kernel import cursor
from app.tenancy import TenantScope

# All that a charge must know, in one trip and one snapshot. Each slice wrote its own part.
_READ = f"""
WITH {pricing.TERMS_CHANGES}
SELECT w.id, w.account_id, w.currency, w.state,
       {pricing.TARIFF_AS_JSON}, {commissions.TERMS_AS_JSON}, {pricing.SPAN_OF_TERMS},
       (SELECT revision FROM terms_revision)
  FROM wallets w
 WHERE w.reseller_id = %(reseller_id)s AND w.customer_id = %(customer_id)s
""".encode()  # noqa: S608 - constants of ours

# About half a kilobyte each.
_MOST = 50_000
_kept: dict[tuple[UUID, UUID, str], ChargeTerms] = {}


@dataclass(frozen=True, slots=True)
class ChargeTerms:
    """The wallet that pays and the terms that hold from one change to the next."""

    wallet_id: UUID
    account_id: UUID
    tariff: pricing.Tariff
    shares: list[commissions.Term]
    revision: int
    holds_from: datetime
    holds_until: datetime | None

    def cover(self, at: datetime) -> bool:
        """Return whether no change lies between the time these were read for and `at`."""
        return self.holds_from <= at and (self.holds_until is None or at < self.holds_until)


def kept_terms(
    session: Session, scope: TenantScope, customer_id: UUID, meter: str, at: datetime
) -> ChargeTerms:
    """Return the terms of a charge at a time, from an earlier charge where they cover it.

    Refuses what `read_terms` refuses.
    """
    terms = _kept.get((scope.reseller_id, customer_id, meter))
    if terms is not None and terms.cover(at):
        return terms
    return read_terms(session, scope, customer_id, meter, at)


def read_terms(
    session: Session, scope: TenantScope, customer_id: UUID, meter: str, at: datetime
) -> ChargeTerms:
    """Read the terms of a charge at a time and keep them.

    Refuses an unknown customer, a meter without a price, a chain without an agreement and a
    frozen wallet.
    """
    asked = {
        "reseller_id": scope.reseller_id, "customer_id": customer_id, "meter": meter, "at": at
    }  # fmt: skip
    rows = cursor(session).execute(_READ, asked).fetchall()
    if not rows:
        raise WalletNotFoundError(customer=str(customer_id))
    tariff = pricing.read_tariff(rows[0][4], meter=meter)
    shares = commissions.read_terms(rows[0][5])
    for wallet_id, account_id, currency, state, *_, since, until, revision in rows:
        if currency == tariff.currency:
            if state != WalletState.ACTIVE.value:
                raise WalletFrozenError(wallet=str(wallet_id))
            terms = ChargeTerms(wallet_id, account_id, tariff, shares, revision, since, until)
            _keep((scope.reseller_id, customer_id, meter), terms)
            return terms
    raise WalletNotFoundError(customer=str(customer_id), currency=tariff.currency)


def _keep(key: tuple[UUID, UUID, str], terms: ChargeTerms) -> None:
    if len(_kept) >= _MOST:
        _kept.clear()
    _kept[key] = terms
