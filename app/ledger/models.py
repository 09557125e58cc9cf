"""Tables of the ledger. Rows come in by the SQL functions `ledger_…` of the migrations alone.

The application's role may read these tables and write none of them: the functions run as the role
`kontor_ledger`, which owns nothing. How far the books were proved and exported is written by the
platform's own sign-in.
"""

from datetime import date, datetime
from enum import Enum
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Index,
    LargeBinary,
    SmallInteger,
    UniqueConstraint,
    Uuid,
    func,
)
from sqlalchemy.dialects.postgresql import ARRAY
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
    guarded: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class AccountBalance(Base):
    """The live balance of a guarded account, in minor units; the only ledger row that changes.

    `version` counts its postings, `revision` every change: of what is held, too.
    """

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
    revision: Mapped[int] = mapped_column(server_default="0")


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


class Route(Base):
    """Shared accounts that an entry of a kind may credit from accounts of a kind (decision 0012).

    Found out by the rules when they first met; accounts and rules never change.
    """

    __tablename__ = "ledger_routes"

    book_id: Mapped[UUID] = mapped_column(primary_key=True)
    credits: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()), primary_key=True)
    entry_kind: Mapped[str] = mapped_column(primary_key=True)
    debit_kind: Mapped[str] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(primary_key=True)


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


class Seal(Base):
    """A block of entries that left the tail together, chained to the one before (decision 0014)."""

    __tablename__ = "ledger_seals"

    book_id: Mapped[UUID] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True)
    entry_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()))
    entries: Mapped[int]
    content_hash: Mapped[bytes] = mapped_column(LargeBinary)
    previous_hash: Mapped[bytes] = mapped_column(LargeBinary)
    seal_hash: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_at: Mapped[datetime]


class VerifiedBook(Base):
    """How far a book was proved: up to this seal, whose entries have no greater id than this."""

    __tablename__ = "ledger_verified"

    book_id: Mapped[UUID] = mapped_column(primary_key=True)
    n: Mapped[int]
    seal_hash: Mapped[bytes] = mapped_column(LargeBinary)
    last_entry_id: Mapped[UUID]
    at: Mapped[datetime]


class VerifiedRollUp(Base):
    """A shared account's roll-up as of the seal its book was proved up to, in minor units."""

    __tablename__ = "ledger_verified_rollups"

    book_id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    posted: Mapped[int]


class ExportedHead(Base):
    """The last seal of a book that was written outside the database, and on which line."""

    __tablename__ = "ledger_exported"

    book_id: Mapped[UUID] = mapped_column(primary_key=True)
    n: Mapped[int]
    seal_hash: Mapped[bytes] = mapped_column(LargeBinary)
    line: Mapped[int]


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


class HoldState(Enum):
    """The life of a hold: open until it is captured, released, or its time is over."""

    OPEN = "open"
    CAPTURED = "captured"
    RELEASED = "released"
    EXPIRED = "expired"


class Hold(Base):
    """Amounts that guarded accounts keep back: `amounts[i]` minor units of `accounts[i]`.

    `account_id` is the account of the wallet that everything is held for. An open hold whose time
    is over counts as released, whether somebody has written it down or not. `about` is the word of
    whoever placed it, gone once the hold is closed.
    """

    __tablename__ = "ledger_holds"
    __table_args__ = (
        UniqueConstraint("book_id", "key"),
        Index(
            "ix_ledger_holds_open",
            "book_id",
            "account_id",
            "expires_at",
            postgresql_where="state = 'open'",
        ),
    )

    book_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str]
    input_hash: Mapped[bytes] = mapped_column(LargeBinary)
    account_id: Mapped[UUID]
    accounts: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()))
    amounts: Mapped[list[int]] = mapped_column(ARRAY(BigInteger()))
    state: Mapped[str] = mapped_column(server_default=HoldState.OPEN.value)
    expires_at: Mapped[datetime]
    about: Mapped[str | None]
    entry_id: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    closed_at: Mapped[datetime | None]
