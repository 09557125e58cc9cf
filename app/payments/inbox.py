from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.kernel import AppError, Kind, cursor, translatable
from app.payments.models import ProcessorEvent
from app.payments.ports import SignedEvent
from app.tenancy import PlatformScope, PublicScope, TenantScope

STRIPE = "stripe"
# The job that handles a stored event; the web defers it by name and the worker registers it.
HANDLE_EVENT_TASK = "payments.handle_event"


class PaymentClaimedError(AppError):
    """The payment already paid another top-up (R1.4)."""

    kind = Kind.CONFLICT
    code = "payments.payment_claimed"
    text = translatable("This payment has already been credited.")


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """A stored event as its handler reads it."""

    event_id: str
    kind: str
    payload: dict[str, Any]
    handled: bool


def store_event(session: Session, scope: PublicScope, *, event: SignedEvent) -> None:
    """Keep a verified event once; a repetition changes nothing (R4.4)."""
    # No conflict target: naming one would need the right to read, which a site does not have.
    session.execute(
        insert(ProcessorEvent)
        .values(source=STRIPE, event_id=event.event_id, kind=event.kind, payload=event.payload)
        .on_conflict_do_nothing()
    )


def read_event(session: Session, scope: PlatformScope, *, event_id: str) -> StoredEvent | None:
    """Return a stored event; None if there is none."""
    row = session.get(ProcessorEvent, (STRIPE, event_id))
    if row is None:
        return None
    return StoredEvent(row.event_id, row.kind, row.payload, row.handled_at is not None)


def mark_handled(
    session: Session, scope: PlatformScope, *, event_id: str, outcome: str, now: datetime
) -> None:
    """Record what became of an event."""
    row = session.get_one(ProcessorEvent, (STRIPE, event_id))
    row.handled_at = now
    row.outcome = outcome


def unhandled_events(
    session: Session, scope: PlatformScope, *, received_before: datetime, limit: int = 100
) -> list[str]:
    """Return ids of events whose handler never finished, oldest first."""
    query = (
        select(ProcessorEvent.event_id)
        .where(
            ProcessorEvent.source == STRIPE,
            ProcessorEvent.handled_at.is_(None),
            ProcessorEvent.received_at < received_before,
        )
        .order_by(ProcessorEvent.received_at)
        .limit(limit)
    )
    return list(session.scalars(query))


def claim_payment(
    session: Session, scope: TenantScope, *, payment_id: str, top_up_id: UUID
) -> None:
    """Bind a payment to the one top-up it pays, over the whole installation (R1.4).

    Refuses a payment that paid another one.
    """
    bound = cursor(session).execute(
        b"INSERT INTO payment_claims (payment_id, reseller_id, top_up_id) VALUES (%s, %s, %s)"
        b" ON CONFLICT DO NOTHING",
        [payment_id, scope.reseller_id, top_up_id],
    )
    if bound.rowcount != 1:
        raise PaymentClaimedError(payment=payment_id)
