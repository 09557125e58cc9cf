"""Events written in the transaction that made them true; the worker's relay delivers them."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from psycopg.types.json import Jsonb
from sqlalchemy import BigInteger, Identity, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.kernel.db import append
from app.kernel.models import Base

_INSERT = (
    "INSERT INTO outbox (reseller_id, kind, body) VALUES (%(reseller_id)s, %(kind)s, %(body)s)"
)


class OutboxEvent(Base):
    """An event on its way; the relay deletes it in the transaction that hands it over."""

    __tablename__ = "outbox"

    reseller_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    kind: Mapped[str]
    body: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


@dataclass(frozen=True)
class Event:
    """A fact in the past tense; subclasses add ids only (no personal data) and set `kind`."""

    kind: ClassVar[str]


def emit(session: Session, reseller_id: UUID, event: Event) -> None:
    """Write `event` in the caller's transaction."""
    note_emitted(session)
    values = ((field.name, getattr(event, field.name)) for field in fields(event))
    body = {name: str(value) if isinstance(value, UUID) else value for name, value in values}
    append(session, _INSERT, {"reseller_id": reseller_id, "kind": event.kind, "body": Jsonb(body)})


def note_emitted(session: Session) -> None:
    """Say that this transaction writes an event, so that its commit wakes the relay."""
    session.info["emitted"] = True
