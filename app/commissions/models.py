from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, Numeric, SmallInteger
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel import Base

RATE = Numeric(7, 6)


class CommissionAgreement(Base):
    """The share of the net price a reseller gets for all charges below it, from a date on."""

    __tablename__ = "commission_agreements"
    __table_args__ = (CheckConstraint("rate >= 0 AND rate <= 1", name="rate"),)

    reseller_id: Mapped[UUID] = mapped_column(primary_key=True)
    valid_from: Mapped[datetime] = mapped_column(primary_key=True)
    rate: Mapped[Decimal] = mapped_column(RATE)
    basis: Mapped[str] = mapped_column(server_default="marginal")


class CommissionStep(Base):
    """The rate of an agreement above a net volume of the Berlin month, in minor units."""

    __tablename__ = "commission_steps"
    __table_args__ = (
        ForeignKeyConstraint(
            ["reseller_id", "valid_from"],
            ["commission_agreements.reseller_id", "commission_agreements.valid_from"],
        ),
        CheckConstraint("above_minor > 0", name="above"),
        CheckConstraint("rate >= 0 AND rate <= 1", name="rate"),
    )

    reseller_id: Mapped[UUID] = mapped_column(primary_key=True)
    valid_from: Mapped[datetime] = mapped_column(primary_key=True)
    above_minor: Mapped[int] = mapped_column(primary_key=True)
    rate: Mapped[Decimal] = mapped_column(RATE)


class CommissionTerm(Base):
    """What one beneficiary keeps of a charge in this reseller's book, from a date on.

    Flattened from the agreements along the chain, so that a charge reads its own book only. Agreed
    rows (the base rates) have no end; rows of a step that a month's volume reached end with it.
    """

    __tablename__ = "commission_terms"
    __table_args__ = (
        CheckConstraint("rate >= 0 AND rate <= 1", name="rate"),
        CheckConstraint("valid_until >= valid_from", name="span"),
        Index("ix_commission_terms_beneficiary", "beneficiary_id"),
    )

    reseller_id: Mapped[UUID] = mapped_column(primary_key=True)
    valid_from: Mapped[datetime] = mapped_column(primary_key=True)
    beneficiary_id: Mapped[UUID] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(SmallInteger)
    rate: Mapped[Decimal] = mapped_column(RATE)
    valid_until: Mapped[datetime | None]


class CommissionMonth(Base):
    """A Berlin month (its first day) whose closing has begun, and whether it is done."""

    __tablename__ = "commission_months"

    month: Mapped[date] = mapped_column(primary_key=True)
    begun_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class CommissionStatement(Base):
    """What a reseller earned in a month and a currency, for ever (minor units).

    `volume_minor` is the net volume at and below it, `own_volume_minor` that of its own book;
    `total_minor` what its agreement comes to, `passed_on_minor` what of that its children get,
    `final_minor` what it keeps; `provisional_minor` what charges had credited. `entry_id` is the
    true-up that posted the difference, if there was one. `lines`: see `statement_lines`.
    """

    __tablename__ = "commission_statements"
    __table_args__ = (CheckConstraint("final_minor = total_minor - passed_on_minor", name="final"),)

    reseller_id: Mapped[UUID] = mapped_column(primary_key=True)
    month: Mapped[date] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(primary_key=True)
    volume_minor: Mapped[int]
    own_volume_minor: Mapped[int]
    total_minor: Mapped[int]
    passed_on_minor: Mapped[int]
    provisional_minor: Mapped[int]
    final_minor: Mapped[int]
    entry_id: Mapped[UUID | None]
    lines: Mapped[dict[str, Any]] = mapped_column(JSONB)
    closed_at: Mapped[datetime]


class CommissionBonusTerm(Base):
    """A bonus for a reseller from a date on; the platform's own row holds for everybody else.

    `months` belongs to retention, `threshold_minor` (gross usage of a Berlin month) to high usage.
    An amount of nothing takes the bonus away.
    """

    __tablename__ = "commission_bonus_terms"
    __table_args__ = (CheckConstraint("amount_minor >= 0", name="amount"),)

    reseller_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(primary_key=True)
    valid_from: Mapped[datetime] = mapped_column(primary_key=True)
    amount_minor: Mapped[int]
    months: Mapped[int | None] = mapped_column(SmallInteger)
    threshold_minor: Mapped[int | None]


class CommissionBonus(Base):
    """A bonus that was granted: each kind once per customer."""

    __tablename__ = "commission_bonuses"
    __table_args__ = (CheckConstraint("amount_minor > 0", name="amount"),)

    reseller_id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    entry_id: Mapped[UUID]
    amount_minor: Mapped[int]
    currency: Mapped[str]
    granted_at: Mapped[datetime]
