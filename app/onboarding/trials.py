"""What becomes of a trial, or of a sign-up, that nobody decides about in time."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app import tenancy
from app.kernel import emit
from app.onboarding.events import TrialEnding
from app.onboarding.models import ApplicationState, ResellerApplication
from app.onboarding.rules import FORGOTTEN_AFTER, REMINDED_BEFORE
from app.tenancy import PlatformScope, StateCause, Tenant, TenantState

_NEVER_CONFIRMED = (ApplicationState.UNCONFIRMED.value, ApplicationState.REPLACED.value)


def close_trials(session: Session, scope: PlatformScope, *, now: datetime) -> Sequence[Tenant]:
    """Suspend every reseller whose trial is over; return them. An approval still opens it again.

    Its hosts are to be forgotten by all processes after the commit.
    """
    over = tenancy.trials_ending(session, scope, before=now)
    return [tenant for tenant in over if _close(session, scope, tenant, now=now)]


def remind_of_trials(session: Session, scope: PlatformScope, *, now: datetime) -> int:
    """Have every founder told, once, whose trial ends within a week; return how many."""
    ending = (
        session.execute(
            select(ResellerApplication)
            .join(Tenant, Tenant.id == ResellerApplication.reseller_id)
            .where(
                ResellerApplication.state == ApplicationState.CONFIRMED.value,
                ResellerApplication.reminded_at.is_(None),
                Tenant.state == TenantState.TRIAL.value,
                Tenant.trial_ends_at < now + REMINDED_BEFORE,
            )
            .with_for_update(of=ResellerApplication)
        )
        .scalars()
        .all()
    )
    for application in ending:
        application.reminded_at = now
        if application.reseller_id is not None:
            emit(session, application.reseller_id, TrialEnding(application.id))
    session.flush()
    return len(ending)


def forget_sign_ups(session: Session, scope: PlatformScope, *, now: datetime) -> int:
    """Delete what was never confirmed and cannot be any more; return how many."""
    gone = session.scalars(
        delete(ResellerApplication)
        .where(
            ResellerApplication.state.in_(_NEVER_CONFIRMED),
            ResellerApplication.created_at < now - FORGOTTEN_AFTER,
        )
        .returning(ResellerApplication.id)
    )
    return len(gone.all())


def _close(session: Session, scope: PlatformScope, tenant: Tenant, *, now: datetime) -> bool:
    """Suspend one reseller, unless somebody has decided about it since the list was made."""
    current = tenancy.lock_reseller(session, scope, reseller_id=tenant.id)
    if current.state != TenantState.TRIAL.value:
        return False
    return tenancy.change_state(
        session, scope, reseller_id=tenant.id, cause=StateCause.TRIAL_EXPIRED, now=now
    )
