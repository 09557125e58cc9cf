from datetime import datetime
from decimal import Decimal
from enum import Enum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, Numeric, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel import Base


class WalletState(Enum):
    """Only an active wallet is charged.

    A frozen one's invariant broke and somebody must look; a blocked one's customer is blocked.
    """

    ACTIVE = "active"
    FROZEN = "frozen"
    BLOCKED = "blocked"


class TopUpState(Enum):
    """The life of a top-up; `rules.py` holds the table of allowed moves."""

    CREATING = "creating"
    PENDING = "pending"
    SETTLED = "settled"
    FAILED = "failed"
    EXPIRED = "expired"


class Wallet(Base):
    """A customer's prepaid money in one currency; its balance is the ledger's."""

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
    low_balance_minor: Mapped[int] = mapped_column(server_default="1000")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class UsageRecord(Base):
    """What was delivered and how it was rated; one per usage entry of the ledger.

    `counterparty` is a number of a third party: masked on pages, deleted after the retention
    time (requirement M3); it stands here and never in the ledger, which keeps ids only.
    """

    __tablename__ = "usage_records"
    __table_args__ = (CheckConstraint("gross_minor = net_minor + tax_minor", name="shares"),)

    reseller_id: Mapped[UUID] = mapped_column(primary_key=True)
    entry_id: Mapped[UUID] = mapped_column(primary_key=True)
    event_id: Mapped[str]
    wallet_id: Mapped[UUID]
    meter: Mapped[str]
    price_id: Mapped[UUID]
    quantity: Mapped[Decimal] = mapped_column(Numeric(18, 6))
    unit_price: Mapped[Decimal] = mapped_column(Numeric(18, 6))
    gross_minor: Mapped[int]
    net_minor: Mapped[int]
    tax_minor: Mapped[int]
    occurred_at: Mapped[datetime]
    counterparty: Mapped[str | None]


class TopUp(Base):
    """A customer's wish to pay in, from the intent to the processor's last word."""

    __tablename__ = "top_ups"
    __table_args__ = (
        UniqueConstraint("reseller_id", "request_key"),
        ForeignKeyConstraint(["reseller_id", "wallet_id"], ["wallets.reseller_id", "wallets.id"]),
        CheckConstraint("amount_minor > 0", name="amount"),
        Index("ix_top_ups_wallet", "reseller_id", "wallet_id", "id"),
        # One session at a time is being created for a wallet (requirement D1).
        Index(
            "uq_top_ups_creating",
            "reseller_id",
            "wallet_id",
            unique=True,
            postgresql_where="state = 'creating'",
        ),
    )

    reseller_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    wallet_id: Mapped[UUID]
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
