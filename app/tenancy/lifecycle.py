"""From trial to active, to suspended or refused and back: every change is written down."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import audit
from app.kernel import new_id
from app.tenancy.errors import StateMoveRefusedError, TenantNotFoundError
from app.tenancy.models import StateCause, StateChange, Tenant, TenantKind, TenantState
from app.tenancy.rules import move
from app.tenancy.scopes import PlatformScope, TenantScope

LONGEST_NOTE = 1000


def change_state(
    session: Session,
    scope: PlatformScope,
    *,
    reseller_id: UUID,
    cause: StateCause,
    now: datetime,
    note: str = "",
    actor: audit.Actor = audit.SYSTEM,
) -> bool:
    """Move a reseller to the state that a cause leads to; return whether anything changed.

    The same cause again changes nothing. `note` is for the reseller's staff to read. Its hosts are
    to be forgotten by all processes after the commit. Refuses an unknown reseller, the platform
    and a cause that does not follow from the present state.
    """
    tenant = lock_reseller(session, scope, reseller_id=reseller_id)
    last = _last_change(session, reseller_id)
    before = TenantState(tenant.state)
    if last is not None and last.cause == cause.value and last.after == before.value:
        return False
    came_from = TenantState(last.before) if last else TenantState.ACTIVE
    after = move(before, cause, came_from=came_from)
    if cause is StateCause.RESUMED and after is TenantState.TRIAL and _is_over(tenant, now):
        # It would be closed again at once: there is something to decide first.
        raise StateMoveRefusedError(state=before.value)
    tenant.state = after.value
    note_change(session, tenant, cause=cause, before=before, now=now, note=note)
    audit.record(
        session,
        reseller_id,
        actor=actor,
        action=f"tenancy.{cause.value}",
        subject_id=reseller_id,
        facts={"before": before.value, "after": after.value},
    )
    return True


def note_change(
    session: Session,
    tenant: Tenant,
    *,
    cause: StateCause,
    before: TenantState,
    now: datetime,
    note: str = "",
) -> None:
    """Write down how a reseller came to its present state."""
    session.add(
        StateChange(
            reseller_id=tenant.id,
            id=new_id(),
            cause=cause.value,
            before=before.value,
            after=tenant.state,
            note=note.strip()[:LONGEST_NOTE],
            at=now,
        )
    )
    session.flush()


def lock_reseller(session: Session, scope: PlatformScope, *, reseller_id: UUID) -> Tenant:
    """Return a reseller as it is now; until the transaction ends, others who lock it wait.

    Refuses an unknown one and the platform.
    """
    tenant = session.scalar(
        select(Tenant)
        .where(Tenant.id == reseller_id, Tenant.kind == TenantKind.RESELLER.value)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if tenant is None:
        raise TenantNotFoundError(tenant=str(reseller_id))
    return tenant


def state_changes(
    session: Session, scope: TenantScope, *, limit: int = 20
) -> Sequence[StateChange]:
    """Return how the scope's reseller came to its state, the latest change first."""
    return session.scalars(
        select(StateChange)
        .where(StateChange.reseller_id == scope.reseller_id)
        .order_by(StateChange.id.desc())
        .limit(limit)
    ).all()


def trials_ending(session: Session, scope: PlatformScope, *, before: datetime) -> Sequence[Tenant]:
    """Return every reseller on trial whose trial ends before a time, the first to end first."""
    return session.scalars(
        select(Tenant)
        .where(Tenant.state == TenantState.TRIAL.value, Tenant.trial_ends_at < before)
        .order_by(Tenant.trial_ends_at)
    ).all()


def _last_change(session: Session, reseller_id: UUID) -> StateChange | None:
    return session.scalar(
        select(StateChange)
        .where(StateChange.reseller_id == reseller_id)
        .order_by(StateChange.id.desc())
        .limit(1)
    )


def _is_over(tenant: Tenant, now: datetime) -> bool:
    return tenant.trial_ends_at is not None and tenant.trial_ends_at <= now
