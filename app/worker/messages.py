from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Envelope:
    """An event as the outbox holds it."""

    reseller_id: UUID
    id: int
    kind: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class LiveMessage:
    """Something to tell the open streams of a channel."""

    channel: str
    event_id: str
    kind: str
    data: dict[str, object]
