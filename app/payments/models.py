from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel import Base


class ProcessorEvent(Base):
    """A signed event of the payment processor, stored before anything is done about it (R4.4).

    Rows of the platform: an event is not known to be any reseller's until it is read.
    """

    __tablename__ = "processor_events"

    source: Mapped[str] = mapped_column(primary_key=True)
    event_id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    received_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    handled_at: Mapped[datetime | None]
    outcome: Mapped[str | None]


class PaymentClaim(Base):
    """Which top-up a payment paid: unique over the whole installation (R1.4)."""

    __tablename__ = "payment_claims"
    __table_args__ = (Index("ix_payment_claims_top_up", "top_up_id"),)

    payment_id: Mapped[str] = mapped_column(primary_key=True)
    reseller_id: Mapped[UUID]
    top_up_id: Mapped[UUID]
    claimed_at: Mapped[datetime] = mapped_column(server_default=func.now())
