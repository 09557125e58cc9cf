from datetime import datetime
from enum import Enum
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel import Base


class ApplicationState(Enum):
    """Confirmed it is a reseller on trial, about whom the platform decides.

    One that was sent again with another address is replaced; it still counts against the limits.
    """

    UNCONFIRMED = "unconfirmed"
    REPLACED = "replaced"
    CONFIRMED = "confirmed"
    APPROVED = "approved"
    REFUSED = "refused"


class ResellerApplication(Base):
    """Who wants to be a reseller, and which versions of our texts were accepted for it (M1).

    A table of the platform: before the address is confirmed there is no reseller. `password_hash`
    waits here for the founder's account and leaves when that is made.
    """

    __tablename__ = "reseller_applications"
    __table_args__ = (
        Index("ix_reseller_applications_state_created_at", "state", "created_at"),
        Index("ix_reseller_applications_email_domain_created_at", "email_domain", "created_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    request_key: Mapped[str] = mapped_column(unique=True)
    state: Mapped[str]
    company: Mapped[str]
    name: Mapped[str]
    email: Mapped[str] = mapped_column(index=True)
    email_domain: Mapped[str]
    password_hash: Mapped[str | None]
    slug: Mapped[str]
    skeleton: Mapped[str] = mapped_column(index=True)
    country: Mapped[str]
    language: Mapped[str]
    accent: Mapped[str]
    terms_version: Mapped[str]
    data_processing_version: Mapped[str]
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
    reminded_at: Mapped[datetime | None]
    reseller_id: Mapped[UUID | None] = mapped_column(ForeignKey("tenants.id"), unique=True)


class ResellerQuestion(Base):
    """What the platform asks a reseller on trial before it decides, and what she answers."""

    __tablename__ = "reseller_questions"

    reseller_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    question: Mapped[str]
    asked_at: Mapped[datetime]
    answer: Mapped[str]
    answered_at: Mapped[datetime | None]
