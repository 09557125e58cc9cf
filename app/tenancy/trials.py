"""What a reseller may do while it is on trial: everything but real money, and little of it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.tenancy.models import Tenant, TenantState
from app.tenancy.scopes import TenantScope

# Two customers that are added at once would both be the last one allowed.
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended('trial:' || :tenant, 0))")


@dataclass(frozen=True, slots=True)
class TrialTerms:
    """Until when, with how many customers, and what one top-up may be at most (minor units)."""

    ends_at: datetime
    customers: int
    top_up_minor: int


def trial_of(session: Session, scope: TenantScope) -> TrialTerms | None:
    """Return the terms of the scope's reseller while it is on trial; None for every other one."""
    row = session.execute(
        select(Tenant.trial_ends_at, Tenant.trial_customers, Tenant.trial_top_up_minor).where(
            Tenant.id == scope.reseller_id, Tenant.state == TenantState.TRIAL.value
        )
    ).one_or_none()
    if row is None or row[0] is None:
        return None
    return TrialTerms(row[0], row[1] or 0, row[2] or 0)


def customer_limit(session: Session, scope: TenantScope) -> int | None:
    """Return how many customers the reseller may have; None where nothing limits them.

    Until the transaction ends, others who ask for the same reseller's limit wait.
    """
    trial = trial_of(session, scope)
    if trial is None:
        return None
    session.execute(_ONE_AT_A_TIME, {"tenant": str(scope.reseller_id)})
    return trial.customers
