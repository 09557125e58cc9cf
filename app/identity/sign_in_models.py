"""Second factors, sign-ins that wait for a code, known browsers, and visits on behalf.

Rows of the platform's admins stand under the platform's id; the application's database role sees
none of the realm `platform`.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, LargeBinary, func
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel import Base


class SecondFactor(Base):
    """The key a person's authenticator app shares with us, sealed; without `confirmed_at`, begun.

    `begun_by` is the hash of the sign-in that saw the key: no other may confirm it, so that nobody
    turns on a key that somebody else has read. `last_step` is the latest step of time whose code
    was used: no code is good twice.
    """

    __tablename__ = "second_factors"

    reseller_id: Mapped[UUID] = mapped_column(primary_key=True)
    realm: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    sealed_secret: Mapped[bytes] = mapped_column(LargeBinary)
    begun_by: Mapped[bytes | None] = mapped_column(LargeBinary)
    confirmed_at: Mapped[datetime | None]
    last_step: Mapped[int] = mapped_column(server_default="0")
    wrong_codes: Mapped[int] = mapped_column(server_default="0")
    locked_until: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class RecoveryCode(Base):
    """One of the codes for a person without her app; its hash alone, good once."""

    __tablename__ = "recovery_codes"

    reseller_id: Mapped[UUID] = mapped_column(primary_key=True)
    realm: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    code_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    used_at: Mapped[datetime | None]


class SignInPolicy(Base):
    """What a tenant demands of those who work for it."""

    __tablename__ = "sign_in_policies"

    reseller_id: Mapped[UUID] = mapped_column(primary_key=True)
    demands_second_factor: Mapped[bool]


class SignInChallenge(Base):
    """A right password that waits for its second step; `id` is the token's SHA-256."""

    __tablename__ = "sign_in_challenges"
    __table_args__ = (Index("ix_sign_in_challenges_user", "reseller_id", "realm", "user_id"),)

    reseller_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    realm: Mapped[str]
    user_id: Mapped[UUID]
    host: Mapped[str]
    stage: Mapped[str]
    tries_left: Mapped[int]
    expires_at: Mapped[datetime]


class KnownBrowser(Base):
    """A browser that a person has signed in from: the hash of her and of what its cookie holds."""

    __tablename__ = "known_browsers"

    reseller_id: Mapped[UUID] = mapped_column(primary_key=True)
    realm: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    browser_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]


class ActingVisit(Base):
    """When a colleague of the reseller's opened a customer's portal as one of its people, and why.

    The customer reads it. What was typed as the reason stands here and never in the audit trail.
    """

    __tablename__ = "acting_visits"
    __table_args__ = (
        ForeignKeyConstraint(
            ["reseller_id", "customer_id"], ["customers.reseller_id", "customers.id"]
        ),
        Index("ix_acting_visits_customer", "reseller_id", "customer_id"),
    )

    reseller_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID]
    user_id: Mapped[UUID]
    staff_id: Mapped[UUID]
    reason: Mapped[str]
    started_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
