from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.kernel import defer, new_id
from app.notifications.kinds import (
    ChannelName,
    DeliveryState,
    Facts,
    MessageKind,
    Recipient,
    require_facts,
)
from app.notifications.models import Message, MessageDelivery
from app.notifications.preferences import is_wanted
from app.tenancy import TenantScope

DELIVER_TASK = "deliver_message"


def queue_message(
    session: Session,
    scope: TenantScope,
    *,
    kind: MessageKind,
    to: Recipient,
    facts: Facts,
    key: str,
    now: datetime,
) -> UUID | None:
    """Write a message in the caller's transaction; it is sent after the commit.

    The same `key` of a tenant queues one message and returns its id each time. None where the
    recipient has turned this kind off. The platform's own messages have its own tenant's scope.
    Raises FactsError for facts that are not what the kind needs.
    """
    kept = require_facts(kind, facts)
    if not is_wanted(session, scope, kind=kind, to=to, channel=ChannelName.EMAIL):
        return None
    message_id: UUID | None = session.scalar(
        insert(Message)
        .values(_row(scope, to, kind=kind, facts=kept, key=key, now=now))
        .on_conflict_do_nothing(index_elements=["reseller_id", "key"])
        .returning(Message.id)
    )
    if message_id is None:
        known: UUID | None = session.scalar(
            select(Message.id).where(Message.reseller_id == scope.reseller_id, Message.key == key)
        )
        return known
    _deliver_by(session, scope, message_id, ChannelName.EMAIL, now)
    defer(session, DELIVER_TASK, reseller_id=str(scope.reseller_id), message_id=str(message_id))
    return message_id


def _row(
    scope: TenantScope, to: Recipient, *, kind: MessageKind, facts: Facts, key: str, now: datetime
) -> dict[str, object]:
    return {
        "reseller_id": scope.reseller_id,
        "id": new_id(),
        "kind": kind.value,
        "key": key,
        "realm": to.realm.value,
        "user_id": to.user_id,
        "address": to.address,
        "name": to.name,
        "language": to.language,
        "facts": facts,
        "created_at": now,
    }


def _deliver_by(
    session: Session, scope: TenantScope, message_id: UUID, channel: ChannelName, now: datetime
) -> None:
    session.add(
        MessageDelivery(
            reseller_id=scope.reseller_id,
            id=new_id(),
            message_id=message_id,
            channel=channel.value,
            state=DeliveryState.QUEUED.value,
            attempts=0,
            next_attempt_at=now,
            answer="",
        )
    )
