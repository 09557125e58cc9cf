"""Tables of credit that is given, owed and taken back: policies, adjustments, fees, reversals."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, Integer, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel import Base


def _of_wallet() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["reseller_id", "wallet_id"], ["wallets.reseller_id", "wallets.id"])


def _of_contract() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["reseller_id", "contract_id"], ["contracts.reseller_id", "contracts.id"]
    )


class ChargingPolicy(Base):
    """The grace limit that a reseller's new wallets of a currency get, in minor units (C6)."""

    __tablename__ = "charging_policies"
    __table_args__ = (CheckConstraint("grace_minor >= 0", name="grace"),)

    reseller_id: Mapped[UUID] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(primary_key=True)
    grace_minor: Mapped[int]


class Adjustment(Base):
    """Credit given or taken by hand, with a reason (requirement C10).

    `source` is who gives: the platform, or the reseller out of her own balance; `lot_id` is the
    bonus lot that it became, where it did. The reason stands here alone: it is what a person typed.
    """

    __tablename__ = "adjustments"
    __table_args__ = (
        UniqueConstraint("reseller_id", "entry_id"),
        CheckConstraint("amount_minor <> 0", name="amount"),
        _of_wallet(),
    )

    reseller_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    wallet_id: Mapped[UUID]
    amount_minor: Mapped[int]
    source: Mapped[str]
    reason: Mapped[str]
    actor_id: Mapped[UUID | None]
    entry_id: Mapped[UUID]
    lot_id: Mapped[UUID | None]
    at: Mapped[datetime]


class Contract(Base):
    """A recurring fee of a wallet, charged ahead of each period until the contract ends.

    `periods` and `months` count what is settled so far; the next period begins at
    `next_period_at`, which is that many months after the start (NULL: there is none).
    """

    __tablename__ = "contracts"
    __table_args__ = (
        UniqueConstraint("reseller_id", "key"),
        CheckConstraint("quantity > 0", name="quantity"),
        _of_wallet(),
        Index(
            "ix_contracts_due",
            "reseller_id",
            "next_period_at",
            "id",
            postgresql_where="next_period_at IS NOT NULL",
        ),
        Index("ix_contracts_wallet", "reseller_id", "wallet_id", "id"),
    )

    reseller_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str]
    wallet_id: Mapped[UUID]
    fee: Mapped[str]
    quantity: Mapped[int] = mapped_column(Integer)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    periods: Mapped[int] = mapped_column(Integer, server_default="0")
    months: Mapped[int] = mapped_column(Integer, server_default="0")
    next_period_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class FeeCharge(Base):
    """What became of period `n` of a contract: its entry, or why it is still due.

    With neither, the period cost nothing.
    """

    __tablename__ = "fee_charges"
    __table_args__ = (
        CheckConstraint("entry_id IS NULL OR refusal IS NULL", name="outcome"),
        _of_contract(),
    )

    reseller_id: Mapped[UUID] = mapped_column(primary_key=True)
    contract_id: Mapped[UUID] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(Integer, primary_key=True)
    starts_at: Mapped[datetime]
    entry_id: Mapped[UUID | None]
    refusal: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(Integer)
    tried_at: Mapped[datetime]


class FeeRecord(Base):
    """What a fee entry was for, and how it was divided; `bonus_minor` of it was paid by lots."""

    __tablename__ = "fee_records"
    __table_args__ = (
        UniqueConstraint("reseller_id", "contract_id", "n"),
        CheckConstraint("gross_minor = net_minor + tax_minor", name="shares"),
        _of_wallet(),
        _of_contract(),
    )

    reseller_id: Mapped[UUID] = mapped_column(primary_key=True)
    entry_id: Mapped[UUID] = mapped_column(primary_key=True)
    contract_id: Mapped[UUID]
    n: Mapped[int] = mapped_column(Integer)
    wallet_id: Mapped[UUID]
    fee_id: Mapped[UUID]
    name: Mapped[str]
    quantity: Mapped[int] = mapped_column(Integer)
    gross_minor: Mapped[int]
    net_minor: Mapped[int]
    tax_minor: Mapped[int]
    bonus_minor: Mapped[int]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]


class Reversal(Base):
    """A charge that was written off: `reversal_id` is the entry that mirrors `entry_id`, once."""

    __tablename__ = "reversals"
    __table_args__ = (UniqueConstraint("reseller_id", "reversal_id"),)

    reseller_id: Mapped[UUID] = mapped_column(primary_key=True)
    entry_id: Mapped[UUID] = mapped_column(primary_key=True)
    reversal_id: Mapped[UUID]
    reason: Mapped[str]
    actor_id: Mapped[UUID | None]
    at: Mapped[datetime]
