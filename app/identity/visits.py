"""Acting on behalf: a colleague of the reseller's opens a customer's portal as one of its people.

A visit has a reason, ends by itself, and the customer reads of it. What is done meanwhile is
written down with both ids.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from app import audit
from app.identity.accounts import OWNER_ROLE
from app.identity.errors import CustomerUserNotFoundError
from app.identity.models import CustomerUser, Realm, StaffUser, UserSession
from app.identity.rules import token_id
from app.identity.second_step_errors import (
    ActingRefusedError,
    ReasonMissingError,
    VisitNotFoundError,
)
from app.identity.sign_in_models import ActingVisit
from app.kernel import new_id
from app.tenancy import TenantScope

# `session_holder` of the database names them too (migration 0021).
ACTING_ROLES = frozenset({OWNER_ROLE, "support"})
VISIT_LIFETIME = timedelta(minutes=30)
_LONGEST_REASON = 200
_SHOWN = 20
_TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit as the customer reads it; a name is empty where that account is gone."""

    id: UUID
    staff_name: str
    user_name: str
    reason: str
    started_at: datetime
    ended_at: datetime
    is_running: bool


def begin_visit(
    session: Session,
    scope: TenantScope,
    *,
    staff_id: UUID,
    customer_id: UUID,
    user_id: UUID,
    reason: str,
    host: str,
    now: datetime,
) -> str:
    """Open a session in which a colleague acts for a customer's user; return its token.

    Refuses staff who are neither owner nor support, another customer's user, and no reason.
    """
    why = reason.strip()
    if not why or len(why) > _LONGEST_REASON or not why.isprintable():
        raise ReasonMissingError(field="reason")
    require_acting_role(session, scope, staff_id=staff_id)
    _require_user(session, scope, customer_id, user_id)
    close_visits(session, scope, now=now, staff_id=staff_id)
    visit_id, token = new_id(), secrets.token_urlsafe(_TOKEN_BYTES)
    ends = now + VISIT_LIFETIME
    session.execute(
        insert(ActingVisit).values(
            reseller_id=scope.reseller_id, id=visit_id, customer_id=customer_id, user_id=user_id,
            staff_id=staff_id, reason=why, started_at=now, expires_at=ends,
        )
    )  # fmt: skip
    session.execute(
        insert(UserSession).values(
            reseller_id=scope.reseller_id, id=token_id(token), realm=Realm.CUSTOMER.value,
            user_id=user_id, host=host, created_at=now, last_seen_at=now, expires_at=ends,
            acting_staff_id=staff_id, visit_id=visit_id,
        )
    )  # fmt: skip
    _record(session, scope, "acting_began", staff_id, user_id, visit=str(visit_id))
    return token


def require_acting_role(session: Session, scope: TenantScope, *, staff_id: UUID) -> None:
    """Refuse staff who may not act for customers: everybody but owners and support."""
    role = session.scalar(
        select(StaffUser.role).where(
            StaffUser.reseller_id == scope.reseller_id, StaffUser.id == staff_id
        )
    )
    if role not in ACTING_ROLES:
        raise ActingRefusedError


def note_acted(
    session: Session,
    scope: TenantScope,
    *,
    staff_id: UUID,
    user_id: UUID,
    visit_id: UUID,
    endpoint: str,
    is_refused: bool,
) -> None:
    """Write down that a colleague has sent a form for a customer's user: both ids, and which."""
    _record(
        session, scope, "acted", staff_id, user_id,
        visit=str(visit_id), endpoint=endpoint, is_refused=is_refused,
    )  # fmt: skip


def close_visits(
    session: Session,
    scope: TenantScope,
    *,
    now: datetime,
    visit_id: UUID | None = None,
    staff_id: UUID | None = None,
    user_id: UUID | None = None,
) -> None:
    """End the visits that match, with their sessions; safe to repeat."""
    wanted = [
        column == value
        for column, value in (
            (ActingVisit.id, visit_id),
            (ActingVisit.staff_id, staff_id),
            (ActingVisit.user_id, user_id),
        )
        if value is not None
    ]
    ended = session.execute(
        update(ActingVisit)
        .where(
            ActingVisit.reseller_id == scope.reseller_id,
            ActingVisit.ended_at.is_(None),
            ActingVisit.expires_at > now,
            *wanted,
        )
        .values(ended_at=now)
        .returning(ActingVisit.id, ActingVisit.staff_id, ActingVisit.user_id)
    ).all()
    if not ended:
        return
    session.execute(
        delete(UserSession).where(
            UserSession.reseller_id == scope.reseller_id,
            UserSession.visit_id.in_([row.id for row in ended]),
        )
    )
    for row in ended:
        _record(session, scope, "acting_ended", row.staff_id, row.user_id, visit=str(row.id))


def end_visit_of_customer(
    session: Session, scope: TenantScope, *, customer_id: UUID, visit_id: UUID, now: datetime
) -> None:
    """End a visit because the customer wants it; refuses one of another customer."""
    found = session.scalar(
        select(ActingVisit.id).where(
            ActingVisit.reseller_id == scope.reseller_id,
            ActingVisit.id == visit_id,
            ActingVisit.customer_id == customer_id,
        )
    )
    if found is None:
        raise VisitNotFoundError(visit=str(visit_id))
    close_visits(session, scope, now=now, visit_id=visit_id)


def list_visits(
    session: Session, scope: TenantScope, *, customer_id: UUID, now: datetime
) -> Sequence[Visit]:
    """Return the latest twenty visits to a customer's portal, newest first."""
    rows = session.execute(
        select(ActingVisit, StaffUser.name, CustomerUser.name)
        .outerjoin(
            StaffUser,
            (StaffUser.reseller_id == ActingVisit.reseller_id)
            & (StaffUser.id == ActingVisit.staff_id),
        )
        .outerjoin(
            CustomerUser,
            (CustomerUser.reseller_id == ActingVisit.reseller_id)
            & (CustomerUser.id == ActingVisit.user_id),
        )
        .where(ActingVisit.reseller_id == scope.reseller_id, ActingVisit.customer_id == customer_id)
        .order_by(ActingVisit.id.desc())
        .limit(_SHOWN)
    )
    return [
        Visit(
            id=visit.id,
            staff_name=staff_name or "",
            user_name=user_name or "",
            reason=visit.reason,
            started_at=visit.started_at,
            ended_at=visit.ended_at or visit.expires_at,
            is_running=visit.ended_at is None and visit.expires_at > now,
        )
        for visit, staff_name, user_name in rows
    ]


def _require_user(session: Session, scope: TenantScope, customer_id: UUID, user_id: UUID) -> None:
    found = session.scalar(
        select(CustomerUser).where(
            CustomerUser.reseller_id == scope.reseller_id,
            CustomerUser.id == user_id,
            CustomerUser.customer_id == customer_id,
        )
    )
    # Nobody acts for a person who has not come herself yet.
    if found is None or not found.has_joined:
        raise CustomerUserNotFoundError(user=str(user_id))


def _record(
    session: Session,
    scope: TenantScope,
    action: str,
    staff_id: UUID,
    user_id: UUID,
    **facts: audit.Fact,
) -> None:
    audit.record(
        session,
        scope.reseller_id,
        actor=audit.Actor(Realm.STAFF.value, staff_id),
        action=f"identity.{action}",
        subject_id=user_id,
        facts=facts,
    )
