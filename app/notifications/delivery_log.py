"""What became of messages: lists without addresses, sending again, forgetting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.orm import Session

from app.identity import Realm
from app.kernel import defer
from app.notifications.errors import DeliveryFinishedError, DeliveryNotFoundError
from app.notifications.kinds import DeliveryState, MessageKind
from app.notifications.messages import DELIVER_TASK
from app.notifications.models import Message, MessageDelivery
from app.notifications.rules import LEASE, masked, may_move
from app.tenancy import PlatformScope, TenantScope


@dataclass(frozen=True, slots=True)
class DeliveryLine:
    """A delivery as lists show it; the address is masked."""

    reseller_id: UUID
    id: UUID
    kind: MessageKind
    realm: Realm
    address: str
    channel: str
    state: DeliveryState
    attempts: int
    answer: str
    queued_at: datetime
    attempted_at: datetime | None
    next_attempt_at: datetime | None

    @property
    def may_retry(self) -> bool:
        """Whether it can be sent again by hand."""
        return self.state is not DeliveryState.SENT


def list_deliveries(
    session: Session,
    scope: TenantScope | PlatformScope,
    *,
    state: DeliveryState | None = None,
    before: UUID | None = None,
    limit: int = 25,
) -> list[DeliveryLine]:
    """Return deliveries, newest first, older than the delivery `before`; of one state, or all.

    The platform's own scope sees those of every tenant.
    """
    query = (
        select(MessageDelivery, Message)
        .join(
            Message,
            (Message.reseller_id == MessageDelivery.reseller_id)
            & (Message.id == MessageDelivery.message_id),
        )
        .where(*_of(scope))
        .order_by(MessageDelivery.id.desc())
        .limit(limit)
    )
    if state is not None:
        query = query.where(MessageDelivery.state == state.value)
    if before is not None:
        query = query.where(MessageDelivery.id < before)
    return [_line(delivery, message) for delivery, message in session.execute(query)]


def count_deliveries(
    session: Session, scope: TenantScope | PlatformScope
) -> Mapping[DeliveryState, int]:
    """Return how many deliveries there are of each state."""
    rows = session.execute(
        select(MessageDelivery.state, func.count())
        .where(*_of(scope))
        .group_by(MessageDelivery.state)
    )
    counted = {DeliveryState(row[0]): int(row[1]) for row in rows}
    return {state: counted.get(state, 0) for state in DeliveryState}


def retry_delivery(
    session: Session, scope: TenantScope, *, delivery_id: UUID, now: datetime
) -> None:
    """Send a delivery again at once: one that failed, came back, or waits for its next attempt.

    Refuses an unknown one, and one that was sent. One that is under way just now is left to it.
    """
    row = session.scalars(
        select(MessageDelivery)
        .where(MessageDelivery.reseller_id == scope.reseller_id, MessageDelivery.id == delivery_id)
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise DeliveryNotFoundError
    state = DeliveryState(row.state)
    is_under_way = row.attempted_at is not None and row.next_attempt_at == row.attempted_at + LEASE
    if state is DeliveryState.QUEUED and is_under_way and row.next_attempt_at > now:
        return
    if state is not DeliveryState.QUEUED:
        if not may_move(state, DeliveryState.QUEUED):
            raise DeliveryFinishedError
        row.state, row.attempts = DeliveryState.QUEUED.value, 0
    row.next_attempt_at = now
    defer(session, DELIVER_TASK, reseller_id=str(scope.reseller_id), message_id=str(row.message_id))


def forget_messages(session: Session, scope: PlatformScope, *, before: datetime) -> int:
    """Delete messages that were queued before then, and what became of them (requirement M3)."""
    gone = session.execute(delete(Message).where(Message.created_at < before).returning(Message.id))
    return len(gone.all())


def _of(scope: TenantScope | PlatformScope) -> list[ColumnElement[bool]]:
    if scope.reseller_id is None:
        return []
    return [MessageDelivery.reseller_id == scope.reseller_id]


def _line(delivery: MessageDelivery, message: Message) -> DeliveryLine:
    state = DeliveryState(delivery.state)
    return DeliveryLine(
        reseller_id=delivery.reseller_id,
        id=delivery.id,
        kind=MessageKind(message.kind),
        realm=Realm(message.realm),
        address=masked(message.address),
        channel=delivery.channel,
        state=state,
        attempts=delivery.attempts,
        answer=delivery.answer,
        queued_at=message.created_at,
        attempted_at=delivery.attempted_at,
        next_attempt_at=delivery.next_attempt_at if state is DeliveryState.QUEUED else None,
    )
