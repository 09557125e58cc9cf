from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, LargeBinary, UniqueConstraint, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel import Base


class SendingDomainState(Enum):
    """Mail is sent from a domain only after an admin of the platform has verified it."""

    PENDING = "pending"
    VERIFIED = "verified"


class Message(Base):
    """Something to tell a person; `key` makes it once, however often it is queued.

    Addresses and names stand here and nowhere further on; the row is deleted after a while. The
    platform's own messages stand under its own tenant.
    """

    __tablename__ = "messages"
    __table_args__ = (
        UniqueConstraint("reseller_id", "key"),
        # The platform looks over all tenants, newest first.
        Index("ix_messages_newest", "id"),
    )

    reseller_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    key: Mapped[str]
    realm: Mapped[str]
    user_id: Mapped[UUID | None]
    address: Mapped[str]
    name: Mapped[str]
    language: Mapped[str | None]
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class MessageDelivery(Base):
    """A message on one channel: how often it was tried, and what was answered last.

    `next_attempt_at` is also the lease of the attempt under way. `answer` is a code of the other
    side, never a text of theirs: those repeat addresses.
    """

    __tablename__ = "message_deliveries"
    __table_args__ = (
        UniqueConstraint("reseller_id", "message_id", "channel"),
        ForeignKeyConstraint(
            ["reseller_id", "message_id"],
            ["messages.reseller_id", "messages.id"],
            ondelete="CASCADE",
        ),
        Index(
            "ix_message_deliveries_due",
            "next_attempt_at",
            postgresql_where="state = 'queued'",
        ),
        # A report that comes back names a delivery and no tenant.
        Index("ix_message_deliveries_id", "id"),
    )

    reseller_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    message_id: Mapped[UUID]
    channel: Mapped[str]
    state: Mapped[str]
    attempts: Mapped[int]
    next_attempt_at: Mapped[datetime]
    attempted_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    answer: Mapped[str]


class NotificationPreference(Base):
    """What a person wants to hear of on a channel; where no row stands, everything."""

    __tablename__ = "notification_preferences"

    reseller_id: Mapped[UUID] = mapped_column(primary_key=True)
    realm: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(primary_key=True)
    is_wanted: Mapped[bool]


class SendingDomain(Base):
    """A domain that a tenant sends mail from, and the key its mail is signed with.

    `sealed_key` is the private key, encrypted with a key made from SECRET_KEY.
    """

    __tablename__ = "sending_domains"

    reseller_id: Mapped[UUID] = mapped_column(primary_key=True)
    domain: Mapped[str] = mapped_column(primary_key=True)
    selector: Mapped[str]
    sealed_key: Mapped[bytes] = mapped_column(LargeBinary)
    public_key: Mapped[str]
    state: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    verified_at: Mapped[datetime | None]
