from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from app.identity import SecretBox
from app.ledger import HeadLog
from app.notifications import Post
from app.payments import PaymentGateway


class LivePublisher(Protocol):
    """Tells every open stream of a channel, in all processes."""

    def publish(self, channel: str, *, event_id: str, kind: str, data: dict[str, object]) -> None:
        """Send one message; raises the adapter's error where the broker does not answer."""


class Bell(Protocol):
    """Wakes the outbox relay; a lost ring costs a moment, never an event."""

    def ring(self) -> None:
        """Ring, and never raise."""


@dataclass(frozen=True)
class Ports:
    """Every adapter this process was given."""

    gateway: PaymentGateway
    live: LivePublisher
    bell: Bell
    heads: HeadLog
    secrets: SecretBox
    post: Post
    clock: Callable[[], datetime]
