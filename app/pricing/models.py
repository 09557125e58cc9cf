from datetime import datetime
from decimal import Decimal
from enum import Enum
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Numeric,
    SmallInteger,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel import Base

# A unit price has six places; a quantity is counted in the meter's unit to six places too.
SIX_PLACES = Numeric(18, 6)


class CreditPurpose(Enum):
    """When value-added tax on prepaid credit falls due (§ 3 (13)-(15) UStG)."""

    SINGLE = "single"
    MULTI = "multi"


class Meter(Base):
    """Something that is counted and sold: call minutes, messages.

    `parts` of it make a unit, and billing increments count in them: 60 seconds in a minute.
    """

    __tablename__ = "meters"

    __table_args__ = (CheckConstraint("parts BETWEEN 1 AND 999", name="parts"),)

    meter: Mapped[str] = mapped_column(primary_key=True)
    unit: Mapped[str]
    parts: Mapped[int] = mapped_column(SmallInteger, server_default="1")


class Offer(Base):
    """What is sold under which tax: prices are gross, in one currency."""

    __tablename__ = "offers"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    currency: Mapped[str]
    tax_rate: Mapped[Decimal] = mapped_column(Numeric(6, 4))
    credit_purpose: Mapped[str]


class Price(Base):
    """The price of one unit of a meter from a date on; a new price is a new row.

    Without increments the quantity is billed as it was sent. `minimum` is gross, in euros, for an
    event; `allowance` is units free for a customer and Berlin month; `floor_price` is the least
    that a reseller may sell a unit for.
    """

    __tablename__ = "prices"
    __table_args__ = (
        UniqueConstraint("offer_id", "meter", "valid_from"),
        CheckConstraint("unit_price >= 0", name="unit_price"),
        CheckConstraint(
            "(first_increment IS NULL) = (next_increment IS NULL)"
            " AND first_increment >= 1 AND next_increment >= 1",
            name="increment",
        ),
        CheckConstraint("minimum >= 0", name="minimum"),
        CheckConstraint("allowance >= 0", name="allowance"),
        CheckConstraint("floor_price BETWEEN 0 AND unit_price", name="floor_price"),
        Index("ix_prices_meter_valid_from", "meter", "valid_from"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    offer_id: Mapped[UUID] = mapped_column(ForeignKey("offers.id"))
    meter: Mapped[str] = mapped_column(ForeignKey("meters.meter"))
    valid_from: Mapped[datetime]
    unit_price: Mapped[Decimal] = mapped_column(SIX_PLACES)
    first_increment: Mapped[int | None] = mapped_column(Integer)
    next_increment: Mapped[int | None] = mapped_column(Integer)
    minimum: Mapped[Decimal] = mapped_column(SIX_PLACES, server_default="0")
    allowance: Mapped[Decimal] = mapped_column(SIX_PLACES, server_default="0")
    floor_price: Mapped[Decimal] = mapped_column(SIX_PLACES, server_default="0")


class PriceStep(Base):
    """What a unit costs above so many paid units of a customer's month."""

    __tablename__ = "price_steps"
    __table_args__ = (
        CheckConstraint("above > 0", name="above"),
        CheckConstraint("unit_price >= 0", name="unit_price"),
    )

    price_id: Mapped[UUID] = mapped_column(ForeignKey("prices.id"), primary_key=True)
    above: Mapped[Decimal] = mapped_column(SIX_PLACES, primary_key=True)
    unit_price: Mapped[Decimal] = mapped_column(SIX_PLACES)


class RetailPrice(Base):
    """A reseller's own price from a date on, in place of the plan's; NULL: the plan's again.

    It holds while what she sells is in its currency.
    """

    __tablename__ = "retail_prices"
    __table_args__ = (
        UniqueConstraint("reseller_id", "meter", "currency", "valid_from"),
        CheckConstraint("unit_price >= 0", name="unit_price"),
    )

    reseller_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    meter: Mapped[str] = mapped_column(ForeignKey("meters.meter"))
    currency: Mapped[str]
    valid_from: Mapped[datetime]
    unit_price: Mapped[Decimal | None] = mapped_column(SIX_PLACES)


class RetailPriceStep(Base):
    """What a unit costs at a reseller above so many paid units of a customer's month."""

    __tablename__ = "retail_price_steps"
    __table_args__ = (
        ForeignKeyConstraint(
            ["reseller_id", "retail_price_id"], ["retail_prices.reseller_id", "retail_prices.id"]
        ),
        CheckConstraint("above > 0", name="above"),
        CheckConstraint("unit_price >= 0", name="unit_price"),
    )

    reseller_id: Mapped[UUID] = mapped_column(primary_key=True)
    retail_price_id: Mapped[UUID] = mapped_column(primary_key=True)
    above: Mapped[Decimal] = mapped_column(SIX_PLACES, primary_key=True)
    unit_price: Mapped[Decimal] = mapped_column(SIX_PLACES)


class Fee(Base):
    """What an offer charges every so many months, from a date on, whatever is used."""

    __tablename__ = "fees"
    __table_args__ = (
        UniqueConstraint("offer_id", "fee", "valid_from"),
        CheckConstraint("amount_minor >= 0", name="amount"),
        CheckConstraint("months IN (1, 3, 12)", name="months"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    offer_id: Mapped[UUID] = mapped_column(ForeignKey("offers.id"))
    fee: Mapped[str]
    name: Mapped[str]
    amount_minor: Mapped[int]
    months: Mapped[int] = mapped_column(SmallInteger)
    valid_from: Mapped[datetime]


class OfferBonusStep(Base):
    """What a top-up of `from_minor` or more earns; all steps of an offer change at one date."""

    __tablename__ = "bonus_steps"
    __table_args__ = (
        CheckConstraint("from_minor >= 0", name="from"),
        CheckConstraint("bonus_minor >= 0", name="bonus"),
        CheckConstraint("days >= 1", name="days"),
    )

    offer_id: Mapped[UUID] = mapped_column(ForeignKey("offers.id"), primary_key=True)
    valid_from: Mapped[datetime] = mapped_column(primary_key=True)
    from_minor: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    bonus_minor: Mapped[int]
    days: Mapped[int | None] = mapped_column(Integer)


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
