"""Whose usage a phone line, an agent or a calendar user makes, now and in the past (C12)."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import audit
from app.identity.accounts import get_customer
from app.identity.errors import (
    SubjectDateTakenError,
    SubjectHistoryFixedError,
    SubjectNotAssignedError,
    SubjectRefusedError,
    SubjectTakenError,
)
from app.identity.models import Subject
from app.identity.rules import normalise_subject
from app.kernel import AppError, cursor
from app.tenancy import PlatformScope, TenantScope

Asked = Sequence[tuple[str, datetime]]

_ASSIGN = b"SELECT answer, before FROM assign_subject(%s, %s, %s, %s)"
_REFUSALS: dict[str, type[AppError]] = {
    "date_taken": SubjectDateTakenError,
    "history_fixed": SubjectHistoryFixedError,
    "not_assigned": SubjectNotAssignedError,
    "taken": SubjectTakenError,
}

# One row for each question, in the order they were asked in; a batch is one trip.
_CUSTOMERS = b"""
SELECT s.customer_id
  FROM unnest(%(subjects)s::text[], %(times)s::timestamptz[]) WITH ORDINALITY
       AS asked (subject, at, n)
  LEFT JOIN LATERAL (
       SELECT s.customer_id FROM subjects s
        WHERE s.reseller_id = %(reseller_id)s AND s.subject = asked.subject
          AND s.valid_from <= asked.at
        ORDER BY s.valid_from DESC LIMIT 1) s ON true
 ORDER BY asked.n
"""
_OWNERS = b"""
SELECT o.reseller_id, s.customer_id
  FROM unnest(%(subjects)s::text[], %(times)s::timestamptz[]) WITH ORDINALITY
       AS asked (subject, at, n)
  LEFT JOIN LATERAL (
       SELECT o.reseller_id FROM subject_owners o
        WHERE o.subject = asked.subject AND o.valid_from <= asked.at
        ORDER BY o.valid_from DESC LIMIT 1) o ON true
  LEFT JOIN LATERAL (
       SELECT s.customer_id FROM subjects s
        WHERE s.reseller_id = o.reseller_id AND s.subject = asked.subject
          AND s.valid_from <= asked.at
        ORDER BY s.valid_from DESC LIMIT 1) s ON true
 ORDER BY asked.n
"""


class SubjectHolder(NamedTuple):
    """Whose a subject is: a reseller's, and which customer's there."""

    reseller_id: UUID
    customer_id: UUID


def assign_subject(
    session: Session,
    scope: TenantScope,
    *,
    subject: str,
    customer_id: UUID | None,
    valid_from: datetime,
    now: datetime,
    actor: audit.Actor = audit.SYSTEM,
) -> None:
    """Let a subject's usage be a customer's from a date on; without a customer, nobody's.

    It holds until the subject's next assignment here. A date in the past may fill a time in which
    the subject was nobody's: what a customer's usage was charged by never changes, so that an
    event that is sent again finds the same customer. Refuses a malformed subject, another
    reseller's customer, a date that has an assignment, a past date at which the subject was a
    customer's, a subject that is another reseller's then or before this assignment would end, and
    the release of one that is nobody's.
    """
    name = normalise_subject(subject)
    if customer_id is not None:
        get_customer(session, scope, customer_id=customer_id)
    asked = [name, valid_from, customer_id, now]
    answer, before = cursor(session).execute(_ASSIGN, asked).fetchone() or (None, None)
    if answer in _REFUSALS:
        raise _REFUSALS[answer](valid_from=valid_from.isoformat())
    audit.record(
        session,
        scope.reseller_id,
        actor=actor,
        action="identity.subject_released" if customer_id is None else "identity.subject_assigned",
        subject_id=customer_id or before,
        # Never the subject itself: it may be a telephone number (M3).
        facts={
            "valid_from": valid_from.isoformat(),
            "before": None if before is None else str(before),
        },
    )


def find_customer(
    session: Session, scope: TenantScope, *, subject: str, at: datetime
) -> UUID | None:
    """Return whose the subject was at a time; None for nobody's, another reseller's, nonsense."""
    (found,) = find_customers(session, scope, [(subject, at)])
    return found


def find_customers(session: Session, scope: TenantScope, pairs: Asked) -> list[UUID | None]:
    """Return for each subject and time (aware) whose it was, as `find_customer`, in one query."""
    asked = {"reseller_id": scope.reseller_id, **_columns(pairs)}
    rows = cursor(session).execute(_CUSTOMERS, asked).fetchall()
    return [customer_id for (customer_id,) in rows]


def find_owners(session: Session, scope: PlatformScope, pairs: Asked) -> list[SubjectHolder | None]:
    """Return for each subject and time (aware) whose it was among all resellers, in one query.

    None for nobody's and for nonsense.
    """
    rows = cursor(session).execute(_OWNERS, _columns(pairs)).fetchall()
    return [
        None if customer_id is None else SubjectHolder(reseller_id, customer_id)
        for reseller_id, customer_id in rows
    ]


def list_subjects(session: Session, scope: TenantScope, *, customer_id: UUID) -> Sequence[Subject]:
    """Return every assignment to a customer, the latest first; each may have ended since."""
    return session.scalars(
        select(Subject)
        .where(Subject.reseller_id == scope.reseller_id, Subject.customer_id == customer_id)
        .order_by(Subject.valid_from.desc(), Subject.subject)
    ).all()


def _columns(pairs: Asked) -> dict[str, object]:
    return {
        "subjects": [_known_as(subject) for subject, _ in pairs],
        "times": [at for _, at in pairs],
    }


def _known_as(subject: str) -> str:
    """Return the subject as it is stored; of what is none, a text that nothing is stored under."""
    try:
        return normalise_subject(subject)
    except SubjectRefusedError:
        return ""
