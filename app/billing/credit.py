"""What a customer can spend: paid credit, bonus lots, and what she owes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select, tuple_
from sqlalchemy.orm import Session

from app import ledger
from app.billing.models import BonusLot, LotState, Wallet
from app.kernel import Money
from app.ledger import Balance
from app.tenancy import PlatformScope, TenantScope


@dataclass(frozen=True, slots=True)
class LotLine:
    """What is left of a bonus lot, and until when."""

    left: Money
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Credit:
    """What a wallet holds. `lots` in the order in which they are spent.

    `available` is what holds leave of paid credit, credit limit and bonus. What may be owed beyond
    that for usage that was delivered already is nobody's to spend: it is left out.
    """

    paid: Money
    bonus: Money
    owed: Money
    held: Money
    available: Money
    lots: Sequence[LotLine]
    version: int
    revision: int

    @property
    def total(self) -> Money:
        """Return paid and bonus credit together: what the customer calls her balance."""
        return self.paid + self.bonus


@dataclass(frozen=True, slots=True)
class _Lot:
    account_id: UUID
    expires_at: datetime | None


def wallet_credit(session: Session, scope: TenantScope, *, wallet: Wallet, now: datetime) -> Credit:
    """Return what a wallet holds now, in two queries; one where it has no lots.

    A lot whose time is over is no credit, swept away or not.
    """
    book = scope.reseller_id
    key = book, wallet.id
    lots = _live_lots(session, [key], now)[key] if wallet.needs_care else []
    accounts = [wallet.account_id, *(lot.account_id for lot in lots)]
    if wallet.receivable_account_id is not None:
        accounts.append(wallet.receivable_account_id)
    balances = ledger.balances_across(session, [(book, account) for account in accounts])
    owing = wallet.receivable_account_id
    return _credit(
        balances[book, wallet.account_id],
        None if owing is None else balances[book, owing],
        [(lot, balances[book, lot.account_id]) for lot in lots],
    )


def credits_across(
    session: Session,
    scope: PlatformScope,
    *,
    wallets: Mapping[tuple[UUID, UUID], UUID],
    now: datetime,
) -> dict[tuple[UUID, UUID], Credit]:
    """Return what wallets hold, over all books: (reseller, wallet) -> account, in three queries.

    A wallet without a balance is missing.
    """
    lots = _live_lots(session, wallets.keys(), now)
    owing = _receivables(session, wallets.keys())
    accounts = [(book, account) for (book, _), account in wallets.items()]
    accounts += [(book, account) for (book, _), account in owing.items()]
    accounts += [(key[0], lot.account_id) for key, some in lots.items() for lot in some]
    balances = ledger.balances_across(session, accounts)
    return {
        key: _credit(
            balances[key[0], account],
            balances.get((key[0], owing[key])) if key in owing else None,
            [(lot, balances[key[0], lot.account_id]) for lot in lots[key]],
        )
        for key, account in wallets.items()
        if (key[0], account) in balances
    }


def _credit(paid: Balance, owing: Balance | None, lots: Iterable[tuple[_Lot, Balance]]) -> Credit:
    lines = [(lot, balance) for lot, balance in lots if balance.posted]
    nothing = Money(0, paid.posted.currency)
    bonus = sum((balance.posted for _, balance in lines), nothing)
    free = sum((balance.available for _, balance in lines), nothing)
    owed = max(0, -owing.posted.minor) if owing else 0
    return Credit(
        paid=paid.posted,
        bonus=bonus,
        owed=Money(owed, paid.posted.currency),
        held=paid.held + bonus - free,
        available=paid.available + free,
        lots=[LotLine(balance.posted, lot.expires_at) for lot, balance in lines],
        version=paid.version,
        revision=paid.revision,
    )


def _receivables(
    session: Session, wallets: Collection[tuple[UUID, UUID]]
) -> dict[tuple[UUID, UUID], UUID]:
    """Return the accounts of what wallets may owe, of those that may."""
    query = select(Wallet.reseller_id, Wallet.id, Wallet.receivable_account_id).where(
        tuple_(Wallet.reseller_id, Wallet.id).in_(wallets),
        Wallet.receivable_account_id.is_not(None),
    )
    return {(row[0], row[1]): row[2] for row in session.execute(query) if row[2] is not None}


def _live_lots(
    session: Session, wallets: Collection[tuple[UUID, UUID]], now: datetime
) -> defaultdict[tuple[UUID, UUID], list[_Lot]]:
    """Return the lots that may pay, of wallets named by (reseller, wallet)."""
    lots: defaultdict[tuple[UUID, UUID], list[_Lot]] = defaultdict(list)
    query = (
        select(BonusLot)
        .where(
            tuple_(BonusLot.reseller_id, BonusLot.wallet_id).in_(wallets),
            BonusLot.state == LotState.OPEN.value,
            or_(BonusLot.expires_at.is_(None), BonusLot.expires_at > now),
        )
        .order_by(BonusLot.expires_at.nulls_last(), BonusLot.id)
    )
    for lot in session.scalars(query):
        lots[lot.reseller_id, lot.wallet_id].append(_Lot(lot.account_id, lot.expires_at))
    return lots
