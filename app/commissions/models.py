from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Numeric, SmallInteger
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


class CommissionTerm(Base):
    """What one beneficiary keeps of a charge in this reseller's book, from a date on.

    Flattened from the agreements along the chain, so that a charge reads its own book only.
    """

    __tablename__ = "commission_terms"
    __table_args__ = (
        CheckConstraint("rate >= 0 AND rate <= 1", name="rate"),
        Index("ix_commission_terms_beneficiary", "beneficiary_id"),
    )

    reseller_id: Mapped[UUID] = mapped_column(primary_key=True)
    valid_from: Mapped[datetime] = mapped_column(primary_key=True)
    beneficiary_id: Mapped[UUID] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(SmallInteger)
    rate: Mapped[Decimal] = mapped_column(RATE)
