"""Sending: claim a delivery, render and send it outside any transaction, record what came of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.identity import Realm, link_token
from app.kernel import transaction
from app.notifications.errors import ChannelError
from app.notifications.kinds import ChannelName, DeliveryState, MessageKind, Recipient
from app.notifications.models import Message, MessageDelivery
from app.notifications.ports import Parcel, Post, Signature
from app.notifications.rendering import render_message
from app.notifications.rules import (
    GIVEN_UP,
    LEASE,
    MOST_ATTEMPTS,
    bounce_token,
    pause_after,
)
from app.notifications.senders import Sender, read_origin, read_sender
from app.notifications.sending_domains import signature_of
from app.tenancy import PLATFORM_ID, PlatformScope, TenantScope

_SWEPT_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class _Claimed:
    """A delivery that this process alone tries now."""

    delivery_id: UUID
    channel: ChannelName
    attempts: int


@dataclass(frozen=True, slots=True)
class _Content:
    """What all deliveries of a message are rendered from."""

    message: Message
    sender: Sender
    origin: str


def deliver_message(
    post: Post, scope: TenantScope, *, message_id: UUID, clock: Callable[[], datetime]
) -> None:
    """Try every delivery of a message that is due, once; safe to repeat.

    At least once: a process that dies between sending and recording sends the same Message-ID
    again. What the other side refuses for now is tried again by `due_messages` later.
    """
    with transaction(scope) as session:
        claimed = _claim(session, scope, message_id=message_id, now=clock())
    if not claimed:
        return
    # The attempt is counted by now: a message that cannot be read does not come back for ever.
    with transaction(scope) as session:
        content = _content(session, scope, post, message_id=message_id)
    platform = _platform_signature() if content.sender.signature is None else None
    for each in claimed:
        try:
            answer = post.channels[each.channel].send(_parcel(post, each, content, platform))
        except ChannelError as refused:
            _record(scope, each, clock(), refused.answer, is_final=not refused.retryable)
        else:
            _record(scope, each, clock(), answer, is_sent=True)


def due_messages(
    session: Session, scope: PlatformScope, *, now: datetime
) -> Sequence[tuple[UUID, UUID]]:
    """Return (tenant, message) of what waits for its next attempt, or was left by a dead worker."""
    found = session.execute(
        select(MessageDelivery.reseller_id, MessageDelivery.message_id)
        .where(
            MessageDelivery.state == DeliveryState.QUEUED.value,
            MessageDelivery.next_attempt_at <= now,
        )
        .order_by(MessageDelivery.next_attempt_at)
        .limit(_SWEPT_AT_ONCE)
    )
    return [(row[0], row[1]) for row in found]


def _claim(
    session: Session, scope: TenantScope, *, message_id: UUID, now: datetime
) -> list[_Claimed]:
    rows = session.scalars(
        select(MessageDelivery)
        .where(
            MessageDelivery.reseller_id == scope.reseller_id,
            MessageDelivery.message_id == message_id,
            MessageDelivery.state == DeliveryState.QUEUED.value,
        )
        .with_for_update()
    ).all()
    # The clock of the process that queued it may be ahead: the first attempt is always due.
    due = [
        row
        for row in rows
        if (row.attempts == 0 or row.next_attempt_at <= now) and not _is_given_up(row)
    ]
    for row in due:
        row.attempts += 1
        row.attempted_at = now
        row.next_attempt_at = now + LEASE
    return [_Claimed(row.id, ChannelName(row.channel), row.attempts) for row in due]


def _content(session: Session, scope: TenantScope, post: Post, *, message_id: UUID) -> _Content:
    message = session.get_one(Message, (scope.reseller_id, message_id))
    sender = read_sender(session, scope, post)
    tenant_id = message.facts.get("tenant_id")
    origin = read_origin(session, scope, post, tenant_id=UUID(tenant_id)) if tenant_id else ""
    return _Content(message, sender, origin)


def _is_given_up(row: MessageDelivery) -> bool:
    """End a delivery whose attempts died, all of them, before they could say why."""
    if row.attempts < MOST_ATTEMPTS:
        return False
    row.state, row.answer = DeliveryState.FAILED.value, GIVEN_UP
    return True


def _platform_signature() -> Signature | None:
    scope = TenantScope(PLATFORM_ID)
    with transaction(scope) as session:
        return signature_of(session, scope)


def _parcel(post: Post, claimed: _Claimed, content: _Content, platform: Signature | None) -> Parcel:
    message, sender = content.message, content.sender
    to = Recipient(
        Realm(message.realm), message.user_id, message.address, message.name, message.language
    )
    words = post.words(message.language or sender.look.language)
    link_id = message.facts.get("link_id")
    rendered = render_message(
        kind=MessageKind(message.kind),
        to=to,
        facts=message.facts,
        sender=sender,
        words=words,
        link=link_token(post.secret, UUID(link_id)) if link_id else "",
        origin=content.origin,
    )
    return Parcel(
        reference=claimed.delivery_id.hex,
        bounce_token=bounce_token(post.secret, claimed.delivery_id),
        to=to,
        subject=rendered.subject,
        text=rendered.text,
        html=rendered.html,
        sender_name=sender.display_name,
        reply_to=sender.reply_to,
        language=words.language,
        signature=sender.signature or platform,
        is_own=sender.signature is not None,
    )


def _record(
    scope: TenantScope,
    claimed: _Claimed,
    now: datetime,
    answer: str,
    *,
    is_sent: bool = False,
    is_final: bool = False,
) -> None:
    """Write down what came of an attempt; one that was overtaken meanwhile changes nothing."""
    with transaction(scope) as session:
        row = session.scalars(
            select(MessageDelivery)
            .where(
                MessageDelivery.reseller_id == scope.reseller_id,
                MessageDelivery.id == claimed.delivery_id,
                MessageDelivery.state == DeliveryState.QUEUED.value,
            )
            .with_for_update()
        ).one_or_none()
        if row is None or (row.attempts != claimed.attempts and not is_sent):
            return
        row.answer = answer
        pause = pause_after(row.attempts)
        if is_sent:
            row.state, row.sent_at = DeliveryState.SENT.value, now
        elif is_final or pause is None:
            row.state = DeliveryState.FAILED.value
        else:
            row.next_attempt_at = now + pause
