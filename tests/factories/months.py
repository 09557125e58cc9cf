"""Months that end when a test wants it: the ledger itself asks no clock whether one is over."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select

from app.billing import MonthClosing, TopUp, close_month, grant_new_customer_bonus
from app.commissions import (
    BonusKind,
    BonusTerms,
    Step,
    agree_commission,
    month_of,
    next_month,
    retier,
    set_bonus,
    starts_at,
)
from app.commissions.models import CommissionBonus, CommissionStatement
from app.kernel import Money, now, transaction
from app.tenancy import PLATFORM_ID, PlatformScope, Tenant, TenantScope
from tests.factories.money import LONG_AGO

_PLATFORM = PlatformScope()


def this_month() -> date:
    return month_of(now())


def after_this_month() -> datetime:
    """When this month may be closed."""
    return starts_at(next_month(this_month())) + timedelta(hours=2)


def close_this_month() -> MonthClosing:
    return close_month(month=this_month(), now=after_this_month())


def follow_the_volume(at: datetime | None = None) -> int:
    """Let provisional shares follow the month's volume, as the worker does every minute."""
    with transaction(_PLATFORM) as session:
        return retier(session, _PLATFORM, now=at or now())


def agree_anew(reseller: Tenant, rate: str, *steps: tuple[int, str]) -> None:
    """A new agreement from now on."""
    with transaction(_PLATFORM) as session:
        agree_commission(
            session,
            _PLATFORM,
            reseller_id=reseller.id,
            rate=Decimal(rate),
            valid_from=now(),
            steps=[Step(above, Decimal(share)) for above, share in steps],
        )


def statement_of(reseller: Tenant, currency: str = "EUR") -> CommissionStatement:
    scope = TenantScope(reseller.id)
    with transaction(scope) as session:
        key = (reseller.id, this_month(), currency)
        return session.get_one(CommissionStatement, key)


def agree_bonus(
    kind: BonusKind,
    minor: int,
    *,
    reseller_id: UUID = PLATFORM_ID,
    months: int | None = None,
    threshold: int | None = None,
    valid_from: datetime = LONG_AGO,
) -> None:
    """A bonus in euros, by default for everybody."""
    limit = None if threshold is None else Money(threshold, "EUR")
    with transaction(_PLATFORM) as session:
        set_bonus(
            session,
            _PLATFORM,
            kind=kind,
            terms=BonusTerms(Money(minor, "EUR"), months, limit),
            valid_from=valid_from,
            reseller_id=reseller_id,
        )


def a_bonus(top_up: TopUp) -> UUID:
    """The entry of a bonus for the customer of a settled top-up."""
    agree_bonus(BonusKind.NEW_CUSTOMER, 500, reseller_id=top_up.reseller_id)
    scope = TenantScope(top_up.reseller_id)
    assert top_up.wallet_id is not None
    with transaction(scope) as session:
        grant_new_customer_bonus(session, scope, wallet_id=top_up.wallet_id, now=now())
        found = session.scalars(
            select(CommissionBonus).where(CommissionBonus.reseller_id == top_up.reseller_id)
        )
        return found.one().entry_id
