from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    Numeric,
    UniqueConstraint,
    false,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel import Base

# 61 seconds are 1.016666666667 minutes.
BILLED = Numeric(24, 12)


class WalletState(Enum):
    """Only an active wallet is charged.

    A frozen one's invariant broke and somebody must look; a blocked one's customer is blocked.
    """

    ACTIVE = "active"
    FROZEN = "frozen"
    BLOCKED = "blocked"


class WalletMode(Enum):
    """Paid ahead, or by invoice up to a credit limit (requirement C11)."""

    PREPAID = "prepaid"
    POSTPAID = "postpaid"


class LotState(Enum):
    """An open lot may pay; a spent or expired one is history."""

    OPEN = "open"
    SPENT = "spent"
    EXPIRED = "expired"


class LotSource(Enum):
    """Who gave a lot: the platform with a top-up, or the reseller out of her own balance."""

    TOP_UP = "top_up"
    RESELLER = "reseller"


class TopUpState(Enum):
    """The life of a top-up; `rules.py` holds the table of allowed moves."""

    CREATING = "creating"
    PENDING = "pending"
    SETTLED = "settled"
    FAILED = "failed"
    EXPIRED = "expired"


class Wallet(Base):
    """A customer's prepaid money in one currency; its balance is the ledger's.

    It `needs_care` while it has bonus lots or spending caps: its charges are then prepared under
    its lock instead of in one statement. `receivable_account_id` is where usage goes that was
    delivered while the wallet was empty, as far as its grace limit allows (requirement C6).
    """

    __tablename__ = "wallets"
    __table_args__ = (
        UniqueConstraint("reseller_id", "customer_id", "currency"),
        ForeignKeyConstraint(
            ["reseller_id", "customer_id"], ["customers.reseller_id", "customers.id"]
        ),
        ForeignKeyConstraint(
            ["reseller_id", "account_id"], ["ledger_accounts.book_id", "ledger_accounts.id"]
        ),
    )

    reseller_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID]
    currency: Mapped[str]
    account_id: Mapped[UUID]
    state: Mapped[str] = mapped_column(server_default=WalletState.ACTIVE.value)
    needs_care: Mapped[bool] = mapped_column(server_default=false())
    mode: Mapped[str] = mapped_column(server_default=WalletMode.PREPAID.value)
    receivable_account_id: Mapped[UUID | None]
    low_balance_minor: Mapped[int] = mapped_column(server_default="1000")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class BalanceWatch(Base):
    """A wallet that held enough when it was looked at last: its next fall is told, once.

    There is no row while it is below its threshold, nor before it was ever above.
    """

    __tablename__ = "balance_watches"
    __table_args__ = (
        ForeignKeyConstraint(["reseller_id", "wallet_id"], ["wallets.reseller_id", "wallets.id"]),
    )

    reseller_id: Mapped[UUID] = mapped_column(primary_key=True)
    wallet_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID]
    armed_at: Mapped[datetime]


class UsageRecord(Base):
    """What was delivered and how it was rated; one per usage entry of the ledger.

    `counterparty` is a number of a third party: masked on pages, deleted after the retention
    time (requirement M3); it stands here and never in the ledger, which keeps ids only. `subject`
    is the customer's line, agent or calendar. `billed` is the quantity after increments (NULL: as
    sent), `rating` the steps, allowance and minimum where there were any, and what could not be
    collected (`rules.py` writes it).
    """

    __tablename__ = "usage_records"
    __table_args__ = (CheckConstraint("gross_minor = net_minor + tax_minor", name="shares"),)

    reseller_id: Mapped[UUID] = mapped_column(primary_key=True)
    entry_id: Mapped[UUID] = mapped_column(primary_key=True)
    event_id: Mapped[str]
    wallet_id: Mapped[UUID]
    subject: Mapped[str | None]
    meter: Mapped[str]
    price_id: Mapped[UUID]
    retail_price_id: Mapped[UUID | None]
    quantity: Mapped[Decimal] = mapped_column(Numeric(18, 6))
    billed: Mapped[Decimal | None] = mapped_column(BILLED)
    unit_price: Mapped[Decimal] = mapped_column(Numeric(18, 6))
    gross_minor: Mapped[int]
    net_minor: Mapped[int]
    tax_minor: Mapped[int]
    rating: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    hold_id: Mapped[UUID | None]
    occurred_at: Mapped[datetime]
    counterparty: Mapped[str | None]


class BonusLot(Base):
    """Credit that was given, not paid: spent first, apart from paid credit, may expire (C9).

    Its account is guarded like a wallet's; open lots are spent in the order in which they expire.
    """

    __tablename__ = "bonus_lots"
    __table_args__ = (
        ForeignKeyConstraint(["reseller_id", "wallet_id"], ["wallets.reseller_id", "wallets.id"]),
        Index(
            "ix_bonus_lots_open",
            "reseller_id",
            "wallet_id",
            "expires_at",
            "id",
            postgresql_where="state = 'open'",
        ),
        Index("ix_bonus_lots_wallet", "reseller_id", "wallet_id"),
        Index(
            "uq_bonus_lots_top_up",
            "reseller_id",
            "top_up_id",
            unique=True,
            postgresql_where="top_up_id IS NOT NULL",
        ),
    )

    reseller_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    wallet_id: Mapped[UUID]
    account_id: Mapped[UUID]
    granted_minor: Mapped[int]
    source: Mapped[str]
    top_up_id: Mapped[UUID | None]
    expires_at: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(server_default=LotState.OPEN.value)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class SpendingCap(Base):
    """What a wallet, or one subject of it, may spend in a Berlin month (requirement C10).

    `spent_minor` counts the `month` it names: in another month nothing is spent yet.
    """

    __tablename__ = "spending_caps"
    __table_args__ = (
        UniqueConstraint("reseller_id", "wallet_id", "subject", postgresql_nulls_not_distinct=True),
        ForeignKeyConstraint(["reseller_id", "wallet_id"], ["wallets.reseller_id", "wallets.id"]),
        CheckConstraint("limit_minor >= 0", name="limit"),
    )

    reseller_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    wallet_id: Mapped[UUID]
    subject: Mapped[str | None]
    limit_minor: Mapped[int]
    month: Mapped[date]
    spent_minor: Mapped[int]


class UsageVolume(Base):
    """How much of a meter a wallet was billed in a Berlin month of occurrence.

    Kept only for meters with an allowance or steps; changed under the wallet's lock.
    """

    __tablename__ = "usage_volumes"
    __table_args__ = (
        ForeignKeyConstraint(["reseller_id", "wallet_id"], ["wallets.reseller_id", "wallets.id"]),
    )

    reseller_id: Mapped[UUID] = mapped_column(primary_key=True)
    wallet_id: Mapped[UUID] = mapped_column(primary_key=True)
    meter: Mapped[str] = mapped_column(primary_key=True)
    month: Mapped[date] = mapped_column(primary_key=True)
    quantity: Mapped[Decimal] = mapped_column(BILLED)


class TopUpPurpose(Enum):
    """Whose money a top-up becomes: a customer's, or the reseller's own (requirement C10)."""

    WALLET = "wallet"
    OWN_BALANCE = "own_balance"


class TopUp(Base):
    """A wish to pay in, from the intent to the processor's last word.

    Into a customer's wallet, or, without one, into the reseller's own balance.
    """

    __tablename__ = "top_ups"
    __table_args__ = (
        UniqueConstraint("reseller_id", "request_key"),
        ForeignKeyConstraint(["reseller_id", "wallet_id"], ["wallets.reseller_id", "wallets.id"]),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("(purpose = 'wallet') = (wallet_id IS NOT NULL)", name="purpose"),
        Index("ix_top_ups_wallet", "reseller_id", "wallet_id", "id"),
        # One session at a time is being created for a wallet (requirement D1).
        Index(
            "uq_top_ups_creating",
            "reseller_id",
            "wallet_id",
            unique=True,
            postgresql_where="state = 'creating'",
            postgresql_nulls_not_distinct=True,
        ),
    )

    reseller_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    wallet_id: Mapped[UUID | None]
    purpose: Mapped[str] = mapped_column(server_default=TopUpPurpose.WALLET.value)
    request_key: Mapped[str]
    amount_minor: Mapped[int]
    currency: Mapped[str]
    state: Mapped[str]
    session_id: Mapped[str | None]
    checkout_url: Mapped[str | None]
    payment_id: Mapped[str | None]
    failure: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
