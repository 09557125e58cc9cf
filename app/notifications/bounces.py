"""Reports that an e-mail did not arrive (RFC 3464), and the delivery they are about."""

from __future__ import annotations

import email
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage, Message
from email.policy import default
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.notifications.errors import ReportUnreadableError
from app.notifications.kinds import DeliveryState
from app.notifications.models import MessageDelivery
from app.notifications.rules import may_move, read_bounce_token
from app.tenancy import PlatformScope

_ADDRESSED = ("To", "Delivered-To", "X-Original-To", "Envelope-To")
_TOKEN = re.compile(r"\+([a-z2-7]{30,60})@", re.IGNORECASE)
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")


@dataclass(frozen=True, slots=True)
class BounceReport:
    """What a report says: which delivery, whether it is the end, and the status code."""

    delivery_id: UUID
    is_final: bool
    status: str


def read_bounce_report(raw: bytes, *, secret: str) -> BounceReport:
    """Return what a delivery report says; refuses what is none, or is about no mail of ours.

    The delivery is named by the address that the report came to, which only we can make.
    """
    report = email.message_from_bytes(raw, policy=default)
    named = (
        read_bounce_token(secret, token)
        for name in _ADDRESSED
        for value in report.get_all(name, [])
        for token in _TOKEN.findall(str(value))
    )
    delivery_id = next((each for each in named if each is not None), None)
    fields = list(_recipient_fields(report))
    if delivery_id is None or not fields:
        raise ReportUnreadableError
    actions = {str(each.get("Action", "")).strip().lower() for each in fields}
    status = next((found[0] for each in fields if (found := _STATUS.search(_status(each)))), "")
    return BounceReport(delivery_id, "failed" in actions, status)


def mark_bounced(session: Session, scope: PlatformScope, *, report: BounceReport) -> bool:
    """Mark the delivery that a report is about; True if this report changed it.

    A report that the mail is merely late changes nothing; neither does a second one, nor one about
    a delivery that is forgotten.
    """
    if not report.is_final:
        return False
    row = session.scalars(
        select(MessageDelivery).where(MessageDelivery.id == report.delivery_id).with_for_update()
    ).one_or_none()
    if row is None or not may_move(DeliveryState(row.state), DeliveryState.BOUNCED):
        return False
    row.state, row.answer = DeliveryState.BOUNCED.value, report.status
    return True


def _recipient_fields(report: EmailMessage) -> Iterator[Message]:
    """Yield the groups of fields about recipients: those that name an action."""
    for part in report.walk():
        if part.get_content_type() == "message/delivery-status":
            groups = part.get_payload()
            if isinstance(groups, list):
                yield from (
                    each for each in groups if isinstance(each, Message) and "Action" in each
                )


def _status(fields: Message) -> str:
    return str(fields.get("Status", ""))
