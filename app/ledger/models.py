"""Tables of the ledger. Rows come in by the SQL functions of migration 0002 alone.

The application's role may read these tables and write none of them: `ledger_post`,
`ledger_open_account` and `ledger_roll_up` run as the role `kontor_ledger`, which owns nothing.
"""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, SmallInteger, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel import Base


class Account(Base):
    """An account of a book. `owner_id` is opaque: whose money it is."""

    __tablename__ = "ledger_accounts"
    __table_args__ = (
        UniqueConstraint("book_id", "kind", "owner_id", "currency"),
        # A beneficiary finds its accounts in other books by this one.
        Index("ix_ledger_accounts_owner_id", "owner_id"),
    )

    book_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    owner_id: Mapped[UUID]
    currency: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class AccountBalance(Base):
    """The live balance of a guarded account, in minor units; the only ledger row that changes."""

    __tablename__ = "ledger_balances"
    __table_args__ = (
        CheckConstraint("posted - held >= -credit_limit", name="floor"),
        CheckConstraint("held >= 0 AND credit_limit >= 0 AND version >= 0", name="signs"),
        # Room on the page lets an update stay there and touch no index.
        {"postgresql_with": {"fillfactor": 70}},
    )

    book_id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    posted: Mapped[int] = mapped_column(server_default="0")
    held: Mapped[int] = mapped_column(server_default="0")
    credit_limit: Mapped[int] = mapped_column(server_default="0")
    version: Mapped[int] = mapped_column(server_default="0")


class Entry(Base):
    """One business fact under its idempotency key, with the hash of its input."""

    __tablename__ = "ledger_entries"
    __table_args__ = (UniqueConstraint("book_id", "key"),)

    book_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    key: Mapped[str]
    input_hash: Mapped[bytes] = mapped_column(LargeBinary)
    effective_at: Mapped[datetime]
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class Transfer(Base):
    """`amount` minor units moved from a debit to a credit account: balanced by construction."""

    __tablename__ = "ledger_transfers"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("debit_id <> credit_id", name="two_accounts"),
        Index("ix_ledger_transfers_credit", "book_id", "credit_id", "entry_id"),
    )

    book_id: Mapped[UUID] = mapped_column(primary_key=True)
    entry_id: Mapped[UUID] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    debit_id: Mapped[UUID]
    credit_id: Mapped[UUID]
    amount: Mapped[int]


class Posting(Base):
    """What one entry did to one guarded account: gapless versions, balance before and after."""

    __tablename__ = "ledger_postings"
    __table_args__ = (UniqueConstraint("book_id", "account_id", "version"),)

    book_id: Mapped[UUID] = mapped_column(primary_key=True)
    entry_id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    delta: Mapped[int]
    balance_after: Mapped[int]


class TailEntry(Base):
    """An entry that no roll-up has counted yet (decision 0004)."""

    __tablename__ = "ledger_tail"

    book_id: Mapped[UUID] = mapped_column(primary_key=True)
    entry_id: Mapped[UUID] = mapped_column(primary_key=True)


class RollUp(Base):
    """The balance of a shared account over all entries that left the tail, in minor units."""

    __tablename__ = "ledger_rollups"

    book_id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    posted: Mapped[int]


class PeriodRollUp(Base):
    """What entries of a kind moved on a shared account in a month, once out of the tail."""

    __tablename__ = "ledger_period_rollups"
    __table_args__ = (Index("ix_ledger_period_rollups_period", "period"),)

    book_id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    period: Mapped[date] = mapped_column(primary_key=True)
    entry_kind: Mapped[str] = mapped_column(primary_key=True)
    debited: Mapped[int]
    credited: Mapped[int]


class ClosedPeriod(Base):
    """A month (its first day) of a book that counts no entry any more."""

    __tablename__ = "ledger_closed_periods"
    __table_args__ = (CheckConstraint("extract(day FROM period) = 1", name="month"),)

    book_id: Mapped[UUID] = mapped_column(primary_key=True)
    period: Mapped[date] = mapped_column(primary_key=True)
    closed_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class LateEntry(Base):
    """An entry that was counted in a later month than it was written in, and which."""

    __tablename__ = "ledger_late_entries"

    book_id: Mapped[UUID] = mapped_column(primary_key=True)
    entry_id: Mapped[UUID] = mapped_column(primary_key=True)
    period: Mapped[date]


class AccountKind(Base):
    """A kind of account; a guarded one keeps a live balance with a floor."""

    __tablename__ = "ledger_account_kinds"

    kind: Mapped[str] = mapped_column(primary_key=True)
    guarded: Mapped[bool]


class Rule(Base):
    """Which kinds of account an entry of a kind may join; everything else is refused."""

    __tablename__ = "ledger_rules"

    entry_kind: Mapped[str] = mapped_column(primary_key=True)
    debit_kind: Mapped[str] = mapped_column(primary_key=True)
    credit_kind: Mapped[str] = mapped_column(primary_key=True)
