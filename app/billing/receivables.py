"""What customers owe for usage that was delivered while their wallets were empty (C6)."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app import ledger
from app.billing import chart
from app.billing.credit_models import ChargingPolicy
from app.billing.errors import LimitBelowDebtError
from app.billing.models import Wallet
from app.kernel import Money
from app.ledger import AccountName
from app.tenancy import TenantScope


def allow_grace(session: Session, wallet: Wallet, limit: Money) -> None:
    """Let a wallet owe up to a limit; opens its receivable where there is none.

    Refuses a limit below what is owed already.
    """
    if wallet.receivable_account_id is None:
        if not limit:
            return
        wallet.receivable_account_id = ledger.open_account(
            session, wallet.reseller_id, AccountName(chart.RECEIVABLE, wallet.id, wallet.currency)
        )
    set_limit(session, wallet.reseller_id, wallet.receivable_account_id, limit)


def set_limit(session: Session, book_id: UUID, account_id: UUID, limit: Money) -> None:
    """Let an account go this far below zero; refuses one that is further already."""
    try:
        ledger.set_credit_limit(session, book_id, account_id, limit)
    except ledger.InsufficientFundsError as refused:
        balance = ledger.get_balance(session, book_id, account_id)
        owed = balance.held - balance.posted
        raise LimitBelowDebtError(owed=owed.minor, currency=owed.currency) from refused


def grace_by_policy(session: Session, scope: TenantScope, wallet: Wallet) -> None:
    """Give a new wallet the grace limit that the reseller's policy gives."""
    policy = session.get(ChargingPolicy, (scope.reseller_id, wallet.currency))
    if policy is not None:
        allow_grace(session, wallet, Money(policy.grace_minor, wallet.currency))


def keep_policy(session: Session, scope: TenantScope, limit: Money) -> None:
    """Write down the grace limit of wallets that are opened from now on."""
    session.execute(
        insert(ChargingPolicy)
        .values(reseller_id=scope.reseller_id, currency=limit.currency, grace_minor=limit.minor)
        .on_conflict_do_update(
            index_elements=["reseller_id", "currency"], set_={"grace_minor": limit.minor}
        )
    )


def grace_policy(session: Session, scope: TenantScope, *, currency: str) -> Money:
    """Return the grace limit that new wallets of a currency get; zero without a policy."""
    found = session.scalar(
        select(ChargingPolicy.grace_minor).where(
            ChargingPolicy.reseller_id == scope.reseller_id, ChargingPolicy.currency == currency
        )
    )
    return Money(found or 0, currency)


def lock_debt(session: Session, scope: TenantScope, wallet: Wallet) -> Money:
    """Return what a wallet owes, which nobody can change before our transaction ends."""
    receivable = wallet.receivable_account_id
    if receivable is None:
        return Money(0, wallet.currency)
    locked = ledger.lock_balances(session, scope.reseller_id, [wallet.account_id, receivable])
    return Money(max(0, -locked[receivable].posted), wallet.currency)
