"""Pure decisions about deliveries: when to try again, and the name that a bounce comes back to."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import timedelta
from uuid import UUID

from app.notifications.kinds import DeliveryState

# How long an attempt may be under way before another worker takes it for dead.
LEASE = timedelta(minutes=10)
# After the first attempt, the second, … A mail server that is away for a night gets its mail.
_PAUSES = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=3),
    timedelta(hours=6),
    timedelta(hours=12),
)
MOST_ATTEMPTS = len(_PAUSES) + 1
# The answer of a delivery that was never answered: a bug of ours, and the log says which.
GIVEN_UP = "given_up"
_MOVES = {
    DeliveryState.QUEUED: {DeliveryState.SENT, DeliveryState.FAILED},
    # A report may come back for what was sent; one that failed may be sent again by hand.
    DeliveryState.SENT: {DeliveryState.BOUNCED},
    DeliveryState.FAILED: {DeliveryState.QUEUED},
    DeliveryState.BOUNCED: {DeliveryState.QUEUED},
}
_MAC_BYTES = 8
_BOUNCE = b"kontor bounce v1:"
# Two channels or two tries of one message are two of these; repeats of one are not.
_SHOWN_OF_LOCAL_PART = 1


def may_move(current: DeliveryState, target: DeliveryState) -> bool:
    """Return whether a delivery may go from one state to another."""
    return target in _MOVES[current]


def pause_after(attempts: int) -> timedelta | None:
    """Return how long to wait after so many attempts; None where enough were made."""
    return _PAUSES[attempts - 1] if attempts <= len(_PAUSES) else None


def bounce_token(secret: str, delivery_id: UUID) -> str:
    """Return what names a delivery in a bounce address: 39 letters and digits, any case.

    `secret` is the installation's SECRET_KEY: nobody else can report a bounce.
    """
    raw = delivery_id.bytes + _mac(secret, delivery_id)
    return base64.b32encode(raw).decode().rstrip("=").lower()


def read_bounce_token(secret: str, token: str) -> UUID | None:
    """Return the delivery that a token was made for; None for anything else."""
    try:
        raw = base64.b32decode(token.upper() + "=" * (-len(token) % 8))
        delivery_id = UUID(bytes=raw[:16])
    except ValueError:
        return None
    return delivery_id if hmac.compare_digest(raw[16:], _mac(secret, delivery_id)) else None


def masked(address: str) -> str:
    """Return an e-mail address as lists show it: enough to recognise, too little to write to."""
    local, at, domain = address.rpartition("@")
    return f"{local[:_SHOWN_OF_LOCAL_PART]}•••{at}{domain}"


def _mac(secret: str, delivery_id: UUID) -> bytes:
    return hmac.digest(secret.encode(), _BOUNCE + delivery_id.bytes, hashlib.sha256)[:_MAC_BYTES]
