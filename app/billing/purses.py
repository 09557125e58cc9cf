"""Everything that pays for wallets, locked and in memory, until the transaction ends.

Wallets, lots and receivables, of all currencies that pay, are found first and locked together, in
the order of their ids (decision 0012): a lot that comes after is left for the next charge.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
SELECT l.wallet_id, l.account_id, l.expires_at IS NULL OR l.expires_at > %s, l.source = 'reseller'
  FROM bonus_lots l
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


@dataclass(frozen=True, slots=True)
class _Lot:
    """An open lot: if it may still pay, and if its reseller gave it."""

    account_id: UUID
    is_alive: bool
    is_gift: bool


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
        """Count spending in a month; a later month starts from nothing.

        What began before the month's turn and comes after it counts in the new month: what others
        spent in that one is not forgotten.
        """
        self.spent = self._spent_in(month) + minor
        self.month = max(self.month, month)
        self.has_moved = True

    def require_room(self, minor: int, month: date, currency: str) -> None:
        """Refuse spending that would pass the limit if all open holds were spent, too.

        What costs nothing has room, though a capture passed the limit.
        """
        spent = self._spent_in(month)
        if minor > 0 and spent + self.kept + minor > self.limit:
            raise CapReachedError(limit=self.limit, spent=spent, held=self.kept, currency=currency)

    def _spent_in(self, month: date) -> int:
        return self.spent if month <= self.month else 0


@dataclass(slots=True)
class Purse:
    """A wallet with everything that pays for it, in the order in which it pays.

    `over` are lots whose time is over, that nobody has swept yet: only what an open hold keeps of
    one may still pay, for what that hold captures.
    """

    wallet_id: UUID
    customer_id: UUID
    account_id: UUID
    state: str
    needs_care: bool
    balance: ledger.LockedBalance
    payers: list[Payer] = field(default_factory=list)
    over: list[Payer] = field(default_factory=list)
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

    def free(self, kept: Mapping[UUID, int]) -> None:
        """Count as free what a hold keeps back of accounts: the entry that captures it frees it.

        What it keeps of lots that have expired since pays first.
        """
        expired = [
            replace(lot, at_most=kept[lot.balance.account_id])
            for lot in self.over
            if lot.balance.account_id in kept
        ]
        self.payers = [*expired, *self.payers]
        for payer in self.payers:
            payer.balance.held -= kept.get(payer.balance.account_id, 0)

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
    that are locked with them. Refuses as `ledger.lock_balances` does.
    """
    asked = {currency: customers}
    return lock_all_purses(session, scope, customers=asked, now=now, months=months, beside=beside)[
        currency
    ]


def lock_all_purses(
    session: Session,
    scope: TenantScope,
    *,
    customers: Mapping[str, Collection[UUID]],
    now: datetime,
    months: Collection[date] = (),
    beside: Collection[UUID] = (),
) -> dict[str, dict[UUID, Purse]]:
    """Lock the wallets of customers in several currencies at once, as `lock_purses` does in one.

    Whoever pays in two currencies locks both here: one after the other would be another order
    than that of the accounts' ids.
    """
    book = scope.reseller_id
    found = {
        currency: _wallets(session, book, some, currency) for currency, some in customers.items()
    }
    rows = [row for some in found.values() for row in some]
    lots = _lots(session, book, [row[0] for row in rows if row[4]], now)
    owing = [row[5] for row in rows if row[5] is not None]
    own = {row[2]: [row[2], *(lot.account_id for lot in lots[row[0]])] for row in rows}
    balances = _lock(session, book, own, [*owing, *beside])
    purses = {row[0]: _purse(row, lots[row[0]], balances) for row in rows}
    _add_caps(session, book, purses)
    if months:
        _add_volumes(session, book, purses, months)
    return {currency: {row[1]: purses[row[0]] for row in some} for currency, some in found.items()}


def _wallets(session: Session, book: UUID, customers: Collection[UUID], currency: str) -> list[Row]:
    asked = [book, ledger.as_array(customers), currency]
    return cursor(session).execute(_WALLETS, asked).fetchall()


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


def _purse(row: Row, lots: Iterable[_Lot], balances: Mapping[UUID, ledger.LockedBalance]) -> Purse:
    """Return a wallet with the payers that may pay, in their order."""
    wallet, customer, account, state, care, receivable = row
    alive: list[Payer] = []
    over: list[Payer] = []
    for lot in lots:
        payer = Payer(PayerKind.BONUS, balances[lot.account_id], is_gift=lot.is_gift)
        (alive if lot.is_alive else over).append(payer)
    payers = [*alive, Payer(PayerKind.WALLET, balances[account])]
    if receivable is not None:
        payers.append(Payer(PayerKind.RECEIVABLE, balances[receivable]))
    return Purse(wallet, customer, account, state, care, balances[account], payers, over)


def _lots(
    session: Session, book: UUID, wallets: Collection[UUID], now: datetime
) -> defaultdict[UUID, list[_Lot]]:
    """Return each wallet's open lots in the order in which they pay.

    An expired lot that nobody has swept yet is locked, too: a hold may keep something of it.
    """
    lots: defaultdict[UUID, list[_Lot]] = defaultdict(list)
    if wallets:
        rows = cursor(session).execute(_LOTS, [now, book, ledger.as_array(wallets)])
        for wallet, *lot in rows:
            lots[wallet].append(_Lot(*lot))
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
