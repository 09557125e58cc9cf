"""Everything that pays for wallets, locked and in memory, until the transaction ends.

Wallets, lots and receivables are found first and locked together, in the order of their ids
(decision 0012): a lot that comes after is left for the next charge.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from app import ledger
from app.billing.errors import CapReachedError
from app.billing.models import Wallet
from app.billing.spending import Payer, PayerKind
from app.kernel import cursor
from app.tenancy import TenantScope

_WALLETS = b"""
SELECT w.id, w.customer_id, w.account_id, w.state, w.needs_care, w.receivable_account_id
  FROM wallets w
 WHERE w.reseller_id = %s AND w.customer_id = ANY (%s::uuid[]) AND w.currency = %s
"""
_LOTS = b"""
SELECT l.wallet_id, l.account_id, l.expires_at IS NULL OR l.expires_at > %s FROM bonus_lots l
 WHERE l.reseller_id = %s AND l.wallet_id = ANY (%s::uuid[]) AND l.state = 'open'
 ORDER BY l.expires_at NULLS LAST, l.id
"""
_CAPS = b"""
SELECT c.wallet_id, c.id, c.subject, c.limit_minor, c.month, c.spent_minor FROM spending_caps c
 WHERE c.reseller_id = %s AND c.wallet_id = ANY (%s::uuid[]) ORDER BY c.id FOR UPDATE
"""
_VOLUMES = b"""
SELECT v.wallet_id, v.meter, v.month, v.quantity FROM usage_volumes v
 WHERE v.reseller_id = %s AND v.wallet_id = ANY (%s::uuid[]) AND v.month = ANY (%s::date[])
"""

Slot = tuple[str, date]
Row = tuple[Any, ...]


@dataclass(slots=True)
class Cap:
    """A spending cap of a wallet, or of one subject of it, in minor units a Berlin month.

    `kept` is what open holds may still spend of it.
    """

    id: UUID
    subject: str | None
    limit: int
    month: date
    spent: int
    kept: int = 0
    has_moved: bool = False

    def concerns(self, subject: str | None) -> bool:
        """Return whether usage of a subject counts."""
        return self.subject is None or self.subject == subject

    def spend(self, minor: int, month: date) -> None:
        """Count spending in a month; another month starts from nothing."""
        self.spent = (self.spent if self.month == month else 0) + minor
        self.month = month
        self.has_moved = True

    def require_room(self, minor: int, month: date, currency: str) -> None:
        """Refuse spending that would pass the limit if all open holds were spent, too.

        What costs nothing has room, though a capture passed the limit.
        """
        spent = self.spent if self.month == month else 0
        if minor > 0 and spent + self.kept + minor > self.limit:
            raise CapReachedError(limit=self.limit, spent=spent, held=self.kept, currency=currency)


@dataclass(slots=True)
class Purse:
    """A wallet with everything that pays for it, in the order in which it pays."""

    wallet_id: UUID
    customer_id: UUID
    account_id: UUID
    state: str
    needs_care: bool
    balance: ledger.LockedBalance
    payers: list[Payer] = field(default_factory=list)
    caps: list[Cap] = field(default_factory=list)
    volumes: dict[Slot, Decimal] = field(default_factory=dict)
    moved_volumes: set[Slot] = field(default_factory=set)

    def used(self, slot: Slot) -> Decimal:
        """Return the billed quantity of a meter and month so far."""
        return self.volumes.get(slot, Decimal(0))

    def use(self, slot: Slot, quantity: Decimal) -> None:
        """Count a billed quantity."""
        self.volumes[slot] = self.used(slot) + quantity
        self.moved_volumes.add(slot)

    def own_payers(self) -> list[Payer]:
        """Return what the customer has, without what she might owe."""
        return [payer for payer in self.payers if payer.kind is not PayerKind.RECEIVABLE]

    def lots(self) -> list[Payer]:
        """Return the bonus lots."""
        return [payer for payer in self.payers if payer.kind is PayerKind.BONUS]


def lock_purses(
    session: Session,
    scope: TenantScope,
    *,
    customers: Collection[UUID],
    currency: str,
    now: datetime,
    months: Collection[date] = (),
    beside: Collection[UUID] = (),
) -> dict[UUID, Purse]:
    """Lock the wallets of these customers in a currency and return them by customer.

    A customer without such a wallet is left out. Holds that have expired are written down first.
    `months` are the Berlin months whose volumes will be asked for, `beside` other guarded accounts
    that are locked with them.
    """
    book = scope.reseller_id
    asked = [book, ledger.as_array(customers), currency]
    rows = cursor(session).execute(_WALLETS, asked).fetchall()
    lots = _lots(session, book, [row[0] for row in rows if row[4]], now)
    owing = [row[5] for row in rows if row[5] is not None]
    own = {row[2]: [row[2], *(lot for lot, _ in lots[row[0]])] for row in rows}
    balances = _lock(session, book, own, [*owing, *beside])
    purses = {row[0]: _purse(row, lots[row[0]], balances) for row in rows}
    _add_caps(session, book, purses)
    if months:
        _add_volumes(session, book, purses, months)
    return {purse.customer_id: purse for purse in purses.values()}


def _lock(
    session: Session, book: UUID, own: Mapping[UUID, Sequence[UUID]], others: Sequence[UUID]
) -> dict[UUID, ledger.LockedBalance]:
    """Lock the accounts of wallets, each with its lots, and others; write down expired holds.

    A hold may keep nothing of a wallet's own account back, only bonus.
    """
    accounts = [account for some in own.values() for account in some]
    balances = ledger.lock_balances(session, book, [*accounts, *others])
    keeping = [
        wallet for wallet, some in own.items() if any(balances[account].held for account in some)
    ]
    if keeping and ledger.expire_holds(session, book, keeping):
        balances = ledger.lock_balances(session, book, list(balances))
    return balances


def lock_purse(
    session: Session,
    scope: TenantScope,
    *,
    wallet: Wallet,
    now: datetime,
    beside: Collection[UUID] = (),
) -> Purse:
    """Lock one wallet with everything that pays for it; see `lock_purses`."""
    return lock_purses(
        session,
        scope,
        customers={wallet.customer_id},
        currency=wallet.currency,
        now=now,
        beside=beside,
    )[wallet.customer_id]


def _purse(
    row: Row, lots: Iterable[tuple[UUID, bool]], balances: Mapping[UUID, ledger.LockedBalance]
) -> Purse:
    """Return a wallet with its payers in their order.

    An expired lot has nothing to give: all of it counts as held, until a capture frees what its own
    hold keeps of it.
    """
    wallet, customer, account, state, care, receivable = row
    for lot, is_alive in lots:
        if not is_alive:
            balances[lot].held = balances[lot].posted
    payers = [
        *(Payer(PayerKind.BONUS, balances[lot]) for lot, _ in lots),
        Payer(PayerKind.WALLET, balances[account]),
    ]
    if receivable is not None:
        payers.append(Payer(PayerKind.RECEIVABLE, balances[receivable]))
    return Purse(wallet, customer, account, state, care, balances[account], payers=payers)


def _lots(
    session: Session, book: UUID, wallets: Collection[UUID], now: datetime
) -> defaultdict[UUID, list[tuple[UUID, bool]]]:
    """Return each wallet's open lots in the order in which they pay: account, and if it still may.

    An expired lot that nobody has swept yet is locked, too: a hold may keep something of it.
    """
    lots: defaultdict[UUID, list[tuple[UUID, bool]]] = defaultdict(list)
    if wallets:
        rows = cursor(session).execute(_LOTS, [now, book, ledger.as_array(wallets)])
        for wallet, account, is_alive in rows:
            lots[wallet].append((account, is_alive))
    return lots


def _add_caps(session: Session, book: UUID, purses: dict[UUID, Purse]) -> None:
    careful = _careful(purses.values())
    if careful:
        for wallet, *cap in cursor(session).execute(_CAPS, [book, ledger.as_array(careful)]):
            purses[wallet].caps.append(Cap(*cap))
    capped = {purse.account_id: purse for purse in purses.values() if purse.caps}
    if capped:
        for account, about, minor in ledger.kept_back(session, book, list(capped)):
            for capping in capped[account].caps:
                capping.kept += minor if capping.concerns(about) else 0


def _add_volumes(
    session: Session, book: UUID, purses: dict[UUID, Purse], months: Collection[date]
) -> None:
    asked = [book, ledger.as_array(purses), list(months)]
    for wallet, meter, month, quantity in cursor(session).execute(_VOLUMES, asked):
        purses[wallet].volumes[meter, month] = quantity


def _careful(purses: Iterable[Purse]) -> list[UUID]:
    return [purse.wallet_id for purse in purses if purse.needs_care]
