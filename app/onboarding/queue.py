"""Who waits for the platform's decision, the longest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.onboarding.errors import SignUpNotFoundError
from app.onboarding.models import ApplicationState, ResellerApplication, ResellerQuestion
from app.onboarding.rules import LINK_LIFETIME
from app.tenancy import PlatformScope, Tenant

MOST_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Waiting:
    """A reseller on trial, or whose trial is over, with what was asked of it, the latest first."""

    application: ResellerApplication
    tenant: Tenant
    questions: Sequence[ResellerQuestion]


def list_waiting(session: Session, scope: PlatformScope) -> list[Waiting]:
    """Return who waits for a decision, the longest first; two queries."""
    rows = session.execute(
        select(ResellerApplication, Tenant)
        .join(Tenant, Tenant.id == ResellerApplication.reseller_id)
        .where(ResellerApplication.state == ApplicationState.CONFIRMED.value)
        .order_by(ResellerApplication.confirmed_at)
        .limit(MOST_SHOWN)
    ).all()
    asked: dict[UUID, list[ResellerQuestion]] = {}
    for question in session.scalars(
        select(ResellerQuestion)
        .where(ResellerQuestion.reseller_id.in_([tenant.id for _, tenant in rows]))
        .order_by(ResellerQuestion.id.desc())
    ):
        asked.setdefault(question.reseller_id, []).append(question)
    return [Waiting(made, tenant, asked.get(tenant.id, [])) for made, tenant in rows]


def count_waiting(session: Session, scope: PlatformScope) -> int:
    """Return how many wait for a decision."""
    waits = ResellerApplication.state == ApplicationState.CONFIRMED.value
    return session.scalar(select(func.count()).where(waits)) or 0


def list_unconfirmed(
    session: Session, scope: PlatformScope, *, now: datetime
) -> Sequence[ResellerApplication]:
    """Return the sign-ups whose link still works and that nobody has confirmed, oldest first."""
    return session.scalars(
        select(ResellerApplication)
        .where(
            ResellerApplication.state == ApplicationState.UNCONFIRMED.value,
            ResellerApplication.created_at > now - LINK_LIFETIME,
        )
        .order_by(ResellerApplication.created_at)
        .limit(MOST_SHOWN)
    ).all()


def list_decided(session: Session, scope: PlatformScope) -> Sequence[ResellerApplication]:
    """Return what was decided last, the latest first."""
    return session.scalars(
        select(ResellerApplication)
        .where(ResellerApplication.decided_at.is_not(None))
        .order_by(ResellerApplication.decided_at.desc())
        .limit(10)
    ).all()


def application_of(
    session: Session, scope: PlatformScope, *, reseller_id: UUID
) -> ResellerApplication | None:
    """Return the sign-up that a reseller came from; None for one that an operator added."""
    return session.scalar(
        select(ResellerApplication).where(ResellerApplication.reseller_id == reseller_id)
    )


def find_application(
    session: Session, scope: PlatformScope, *, application_id: UUID
) -> ResellerApplication:
    """Return a sign-up by its id; refuses an unknown one."""
    found = session.get(ResellerApplication, application_id)
    if found is None:
        raise SignUpNotFoundError
    return found
