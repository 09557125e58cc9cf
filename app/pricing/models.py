from datetime import datetime
from decimal import Decimal
from enum import Enum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, SmallInteger, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel import Base

# A unit price has six places; a quantity is counted in the meter's unit to six places too.
SIX_PLACES = Numeric(18, 6)


class CreditPurpose(Enum):
    """When value-added tax on prepaid credit falls due (§ 3 (13)-(15) UStG)."""

    SINGLE = "single"
    MULTI = "multi"


class Meter(Base):
    """Something that is counted and sold: call minutes, messages."""

    __tablename__ = "meters"

    meter: Mapped[str] = mapped_column(primary_key=True)
    unit: Mapped[str]


class Offer(Base):
    """What is sold under which tax: prices are gross, in one currency."""

    __tablename__ = "offers"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    currency: Mapped[str]
    tax_rate: Mapped[Decimal] = mapped_column(Numeric(6, 4))
    credit_purpose: Mapped[str]


class Price(Base):
    """The price of one unit of a meter from a date on; a new price is a new row."""

    __tablename__ = "prices"
    __table_args__ = (
        UniqueConstraint("offer_id", "meter", "valid_from"),
        CheckConstraint("unit_price >= 0", name="unit_price"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    offer_id: Mapped[UUID] = mapped_column(ForeignKey("offers.id"))
    meter: Mapped[str] = mapped_column(ForeignKey("meters.meter"))
    valid_from: Mapped[datetime]
    unit_price: Mapped[Decimal] = mapped_column(SIX_PLACES)


class SoldOffer(Base):
    """Which offer a reseller sells from a date on."""

    __tablename__ = "sold_offers"
    __table_args__ = (Index("ix_sold_offers_offer", "offer_id"),)

    reseller_id: Mapped[UUID] = mapped_column(primary_key=True)
    valid_from: Mapped[datetime] = mapped_column(primary_key=True)
    offer_id: Mapped[UUID] = mapped_column(ForeignKey("offers.id"))


class TermsRevision(Base):
    """A number that moves with every change of offers, prices or shares (migration 0005)."""

    __tablename__ = "terms_revision"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    revision: Mapped[int]
