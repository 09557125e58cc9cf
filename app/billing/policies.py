"""How far customers may go below zero: grace for delivered usage, credit limits by invoice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from app import audit, ledger
from app.billing.events import BalanceChanged
from app.billing.models import Wallet, WalletMode
from app.billing.purses import lock_purse
from app.billing.receivables import allow_grace, keep_policy, set_limit
from app.billing.rules import require_limit
from app.billing.wallets import get_wallet, get_wallet_by_id, require_currency
from app.kernel import Money, emit
from app.tenancy import TenantScope


@dataclass(frozen=True, slots=True)
class WalletLimits:
    """How far a wallet may go below zero: by invoice, and for usage that was delivered already."""

    credit: Money
    grace: Money


def wallet_limits(session: Session, scope: TenantScope, *, wallet: Wallet) -> WalletLimits:
    """Return a wallet's credit limit and grace limit, in one query."""
    owing = wallet.receivable_account_id
    accounts = [wallet.account_id, *([owing] if owing else [])]
    found = ledger.get_balances(session, scope.reseller_id, accounts)
    return WalletLimits(
        credit=found[wallet.account_id].credit_limit,
        grace=found[owing].credit_limit if owing else Money(0, wallet.currency),
    )


def set_grace(
    session: Session,
    scope: TenantScope,
    *,
    wallet_id: UUID | None,
    limit: Money,
    actor: audit.Actor = audit.SYSTEM,
) -> None:
    """Let usage that was delivered to an empty wallet be owed up to a limit (requirement C6).

    Without a wallet, for every wallet of the currency that is opened from now on; a wallet's own
    limit overrides that. Refuses another currency than the wallet's, and a limit below what it
    owes already.
    """
    require_limit(limit)
    if wallet_id is None:
        keep_policy(session, scope, limit)
    else:
        wallet = get_wallet_by_id(session, scope, wallet_id=wallet_id)
        require_currency(wallet, limit)
        allow_grace(session, wallet, limit)
        session.flush()
        _tell(session, wallet)
    audit.record(
        session,
        scope.reseller_id,
        actor=actor,
        action="billing.grace_set",
        subject_id=wallet_id,
        facts={"limit_minor": limit.minor, "currency": limit.currency},
    )


def set_postpaid(
    session: Session,
    scope: TenantScope,
    *,
    customer_id: UUID,
    credit_limit: Money,
    now: datetime,
    actor: audit.Actor = audit.SYSTEM,
) -> Wallet:
    """Let a customer use up to a credit limit before she pays (requirement C11).

    Concerns her wallet in the limit's currency. Refuses a limit below what she has used already.
    """
    require_limit(credit_limit)
    wallet = get_wallet(session, scope, customer_id=customer_id, currency=credit_limit.currency)
    # What a hold keeps counts as used, but not what an expired one does: that is written down here.
    lock_purse(session, scope, wallet=wallet, now=now)
    _set_mode(session, scope, wallet, mode=WalletMode.POSTPAID, limit=credit_limit, actor=actor)
    return wallet


def set_prepaid(
    session: Session,
    scope: TenantScope,
    *,
    customer_id: UUID,
    currency: str,
    now: datetime,
    actor: audit.Actor = audit.SYSTEM,
) -> Wallet:
    """Let a customer pay ahead again; refuses while her wallet is below zero."""
    wallet = get_wallet(session, scope, customer_id=customer_id, currency=currency)
    lock_purse(session, scope, wallet=wallet, now=now)
    _set_mode(
        session,
        scope,
        wallet,
        mode=WalletMode.PREPAID,
        limit=Money(0, currency),
        actor=actor,
    )
    return wallet


def _set_mode(
    session: Session,
    scope: TenantScope,
    wallet: Wallet,
    *,
    mode: WalletMode,
    limit: Money,
    actor: audit.Actor,
) -> None:
    set_limit(session, scope.reseller_id, wallet.account_id, limit)
    # By statement: whoever waited for the limit's lock may hold an object from before it.
    session.execute(
        update(Wallet)
        .where(Wallet.reseller_id == wallet.reseller_id, Wallet.id == wallet.id)
        .values(mode=mode.value)
    )
    _tell(session, wallet)
    audit.record(
        session,
        scope.reseller_id,
        actor=actor,
        action=f"billing.made_{mode.value}",
        subject_id=wallet.id,
        facts={"limit_minor": limit.minor, "currency": limit.currency},
    )


def _tell(session: Session, wallet: Wallet) -> None:
    emit(session, wallet.reseller_id, BalanceChanged(wallet.id, wallet.account_id))
