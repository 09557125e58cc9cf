"""Mailed links, and what waits for one: registrations, and which texts were accepted."""

from datetime import datetime
from enum import Enum
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel import Base


class LinkPurpose(Enum):
    """What a mailed link is good for."""

    INVITATION = "invitation"
    PASSWORD_RESET = "password_reset"  # noqa: S105 - the name of a purpose
    EMAIL_CONFIRMATION = "email_confirmation"
    # Somebody registered with an address that has an account: it may set a new password.
    ACCOUNT_EXISTS = "account_exists"


class AccountLink(Base):
    """A link that is sent to a person; its token is made from `id` and kept nowhere.

    Links of the platform's admins stand under the platform's id. Without a user it is for an
    address that nobody has looked up yet, or for somebody who registers. `customer_id` says into
    which customer an invitation leads.
    """

    __tablename__ = "account_links"
    __table_args__ = (
        Index("ix_account_links_address", "reseller_id", "realm", "address"),
        Index("ix_account_links_customer", "reseller_id", "customer_id"),
    )

    reseller_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    purpose: Mapped[str]
    realm: Mapped[str]
    user_id: Mapped[UUID | None]
    customer_id: Mapped[UUID | None]
    address: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    superseded_at: Mapped[datetime | None]


class Registration(Base):
    """What somebody typed who registers; a customer comes of it when the address is confirmed.

    Its id is that of its link; it is deleted with it, and when it is confirmed.
    """

    __tablename__ = "registrations"
    __table_args__ = (
        ForeignKeyConstraint(
            ["reseller_id", "id"],
            ["account_links.reseller_id", "account_links.id"],
            ondelete="CASCADE",
        ),
        ForeignKeyConstraint(
            ["reseller_id", "terms_kind", "terms_hash"],
            ["legal_texts.reseller_id", "legal_texts.kind", "legal_texts.content_hash"],
        ),
    )

    reseller_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    company: Mapped[str]
    password_hash: Mapped[str]
    terms_kind: Mapped[str | None]
    terms_hash: Mapped[bytes | None] = mapped_column(LargeBinary)


class RegistrationPolicy(Base):
    """Whether strangers may register at a reseller; without a row they may not."""

    __tablename__ = "registration_policies"

    reseller_id: Mapped[UUID] = mapped_column(primary_key=True)
    is_open: Mapped[bool]


class LegalText(Base):
    """One version of a text, or of the link to it, that was shown to be accepted (M1)."""

    __tablename__ = "legal_texts"

    reseller_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    content_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    title: Mapped[str]
    content: Mapped[str]
    first_shown_at: Mapped[datetime]


class Consent(Base):
    """Who accepted which version of a text for a customer, and when; never changed (M1)."""

    __tablename__ = "consents"
    __table_args__ = (
        ForeignKeyConstraint(
            ["reseller_id", "customer_id"], ["customers.reseller_id", "customers.id"]
        ),
        ForeignKeyConstraint(
            ["reseller_id", "kind", "content_hash"],
            ["legal_texts.reseller_id", "legal_texts.kind", "legal_texts.content_hash"],
        ),
        Index("ix_consents_customer", "reseller_id", "customer_id"),
    )

    reseller_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID]
    user_id: Mapped[UUID]
    kind: Mapped[str]
    content_hash: Mapped[bytes] = mapped_column(LargeBinary)
    accepted_at: Mapped[datetime]
