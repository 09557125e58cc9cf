"""Customers of a reseller, the people who sign in, their sessions, API keys and subjects.

Three realms never mix (requirement A4): users of a customer, staff of a reseller, admins of the
platform. E-mail addresses are stored normalised, unique per reseller and realm.
"""

from datetime import datetime
from enum import Enum
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    UniqueConstraint,
    func,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from app.kernel import Base


class Realm(Enum):
    """Which kind of account a session belongs to."""

    CUSTOMER = "customer"
    STAFF = "staff"
    PLATFORM = "platform"


class CustomerState(Enum):
    """A blocked customer signs in and tops up; its wallets are charged nothing."""

    ACTIVE = "active"
    BLOCKED = "blocked"


class CustomerRole(Enum):
    """What a customer's user may do: owners alone change users and limits of the company."""

    OWNER = "owner"
    MEMBER = "member"


class StaffRole(Enum):
    """What a member of a reseller's staff works on; `rules.may` says what that allows."""

    OWNER = "owner"
    FINANCE = "finance"
    SUPPORT = "support"
    DEVELOPER = "developer"


class Invitable:
    """A user who may have been invited and not come yet; then there is no password."""

    password_hash: Mapped[str | None]

    @property
    def has_joined(self) -> bool:
        """Whether the person has ever set a password, or was given one."""
        return bool(self.password_hash)


class Customer(Base):
    """A person or company that holds a wallet; belongs to exactly one reseller."""

    __tablename__ = "customers"
    __table_args__ = (UniqueConstraint("reseller_id", "number"),)

    reseller_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[str]
    name: Mapped[str]
    state: Mapped[str] = mapped_column(server_default=CustomerState.ACTIVE.value)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class CustomerUser(Invitable, Base):
    """A person who signs in for a customer."""

    __tablename__ = "customer_users"
    __table_args__ = (
        UniqueConstraint("reseller_id", "email"),
        ForeignKeyConstraint(
            ["reseller_id", "customer_id"], ["customers.reseller_id", "customers.id"]
        ),
        Index("ix_customer_users_customer", "reseller_id", "customer_id"),
    )

    reseller_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID]
    email: Mapped[str]
    name: Mapped[str]
    password_hash: Mapped[str | None]
    role: Mapped[str]
    language: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class StaffUser(Invitable, Base):
    """A person who works for a reseller."""

    __tablename__ = "staff_users"
    __table_args__ = (UniqueConstraint("reseller_id", "email"),)

    reseller_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str]
    name: Mapped[str]
    password_hash: Mapped[str | None]
    role: Mapped[str]
    language: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class PlatformUser(Invitable, Base):
    """An admin of the platform; the application's database role cannot see this table."""

    __tablename__ = "platform_users"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    password_hash: Mapped[str | None]
    language: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class UserSession(Base):
    """A signed-in session of a customer's or reseller's user; `id` is the token's SHA-256.

    In a session on behalf `acting_staff_id` is who acts for the customer's user, in `visit_id`.
    """

    __tablename__ = "user_sessions"
    __table_args__ = (
        Index("ix_user_sessions_user", "reseller_id", "realm", "user_id"),
        CheckConstraint(
            "(acting_staff_id IS NULL) = (visit_id IS NULL)"
            " AND (acting_staff_id IS NULL OR realm = 'customer')",
            name="acting",
        ),
    )

    reseller_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    realm: Mapped[str]
    user_id: Mapped[UUID]
    host: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    last_seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
    browser: Mapped[str] = mapped_column(server_default="")
    acting_staff_id: Mapped[UUID | None]
    visit_id: Mapped[UUID | None]


class PlatformSession(Base):
    """A signed-in session of a platform admin; `id` is the token's SHA-256."""

    __tablename__ = "platform_sessions"

    id: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    user_id: Mapped[UUID]
    host: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    last_seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
    browser: Mapped[str] = mapped_column(server_default="")


class ApiKey(Base):
    """A reseller's key for the API; only the secret's SHA-256 is kept."""

    __tablename__ = "api_keys"
    __table_args__ = (UniqueConstraint("reseller_id", "secret_hash"),)

    reseller_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    prefix: Mapped[str]
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text()))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


class PlatformApiKey(Base):
    """A key of the platform itself; the application's database role cannot see this table."""

    __tablename__ = "platform_api_keys"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    prefix: Mapped[str]
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text()))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


class Subject(Base):
    """Whose usage a phone line, an agent or a calendar user makes, from a date on.

    Without a customer it is nobody's from then on. A subject may be a telephone number, so it
    stands here and in `SubjectOwner` alone (requirement M3). Only `assign_subject` of the database
    writes both (migration 0013).
    """

    __tablename__ = "subjects"
    __table_args__ = (
        ForeignKeyConstraint(
            ["reseller_id", "customer_id"], ["customers.reseller_id", "customers.id"]
        ),
        Index("ix_subjects_customer", "reseller_id", "customer_id"),
    )

    reseller_id: Mapped[UUID] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    valid_from: Mapped[datetime] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID | None]


class SubjectOwner(Base):
    """Whose a subject is among all resellers, from a date on; the platform alone may look."""

    __tablename__ = "subject_owners"

    subject: Mapped[str] = mapped_column(primary_key=True)
    valid_from: Mapped[datetime] = mapped_column(primary_key=True)
    reseller_id: Mapped[UUID | None] = mapped_column(ForeignKey("tenants.id"))
