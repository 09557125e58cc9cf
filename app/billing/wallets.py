from datetime import datetime
from uuid import UUID

from sqlalchemy import CursorResult, Select, select, update
from sqlalchemy.orm import Session

from app import audit, identity, ledger
from app.billing import chart
from app.billing.errors import CustomerBlockedError, WalletFrozenError, WalletNotFoundError
from app.billing.models import UsageRecord, Wallet, WalletState
from app.billing.receivables import grace_by_policy
from app.billing.rules import wallet_state
from app.identity import CustomerState
from app.kernel import CurrencyMismatchError, Money, new_id
from app.ledger import AccountName, Balance
from app.tenancy import PlatformScope, TenantScope, get_path


def open_wallet(
    session: Session, scope: TenantScope, *, customer_id: UUID, currency: str
) -> Wallet:
    """Give a customer a wallet in a currency, or return the one that is there.

    Opens the book's shared accounts too. A blocked customer's is blocked, and each gets the grace
    limit of the reseller's policy. Refuses an unknown currency and another reseller's customer.
    """
    Money(0, currency)
    asked = _by_customer(scope, customer_id).where(Wallet.currency == currency)
    if known := session.scalar(asked):
        return known
    # Who opens one at once, or blocks the customer, waits here and finds what the other one did.
    customer = identity.lock_customer(session, scope, customer_id=customer_id)
    if known := session.scalar(asked):
        return known
    for name in chart.book_accounts(get_path(session, scope), currency):
        ledger.open_account(session, scope.reseller_id, name)
    identifier = new_id()
    account = ledger.open_account(
        session, scope.reseller_id, AccountName(chart.WALLET, identifier, currency)
    )
    is_blocked = customer.state == CustomerState.BLOCKED.value
    wallet = Wallet(
        reseller_id=scope.reseller_id,
        id=identifier,
        customer_id=customer_id,
        currency=currency,
        account_id=account,
        state=wallet_state(is_frozen=False, is_blocked=is_blocked).value,
    )
    grace_by_policy(session, scope, wallet)
    session.add(wallet)
    session.flush()
    session.refresh(wallet)
    return wallet


def get_wallet(
    session: Session, scope: TenantScope, *, customer_id: UUID, currency: str | None = None
) -> Wallet:
    """Return the customer's wallet in a currency, else the first one.

    Absent and someone else's look the same.
    """
    query = _by_customer(scope, customer_id).order_by(Wallet.id).limit(1)
    if currency is not None:
        query = query.where(Wallet.currency == currency)
    wallet = session.scalar(query)
    if wallet is None:
        raise WalletNotFoundError(customer=str(customer_id))
    return wallet


def get_wallet_by_id(session: Session, scope: TenantScope, *, wallet_id: UUID) -> Wallet:
    """Return a wallet of this reseller as it is now; absent and someone else's look the same."""
    wallet = session.scalar(
        select(Wallet)
        .where(Wallet.reseller_id == scope.reseller_id, Wallet.id == wallet_id)
        .execution_options(populate_existing=True)
    )
    if wallet is None:
        raise WalletNotFoundError(wallet=str(wallet_id))
    return wallet


def require_currency(wallet: Wallet, amount: Money) -> None:
    """Refuse an amount in another currency than the wallet's."""
    if wallet.currency != amount.currency:
        raise CurrencyMismatchError(left=wallet.currency, right=amount.currency)


def require_active(state: str, wallet_id: UUID) -> None:
    """Refuse a wallet that may not be charged: say why."""
    if state == WalletState.BLOCKED.value:
        raise CustomerBlockedError(wallet=str(wallet_id))
    if state != WalletState.ACTIVE.value:
        raise WalletFrozenError(wallet=str(wallet_id))


def wallet_balance(session: Session, scope: TenantScope, *, wallet: Wallet) -> Balance:
    """Return what a wallet holds now."""
    return ledger.get_balance(session, scope.reseller_id, wallet.account_id)


def freeze_wallet(
    session: Session, scope: PlatformScope, *, reseller_id: UUID, account_id: UUID, reason: str
) -> Wallet | None:
    """Stop charging the wallet of an account until somebody has looked at its books.

    Credit still arrives. A blocked customer's is frozen too, and stays so when she is unblocked.
    Safe to repeat: None where it is frozen already, or no wallet's account.
    """
    wallet = session.scalar(
        select(Wallet)
        .where(
            Wallet.reseller_id == reseller_id,
            Wallet.account_id == account_id,
            Wallet.state != WalletState.FROZEN.value,
        )
        .with_for_update()
    )
    if wallet is None:
        return None
    wallet.state = WalletState.FROZEN.value
    audit.record(
        session,
        reseller_id,
        actor=audit.SYSTEM,
        action="wallet.frozen",
        subject_id=wallet.id,
        facts={"reason": reason},
    )
    return wallet


def forget_counterparties(session: Session, scope: TenantScope, *, before: datetime) -> int:
    """Wipe third parties' numbers from usage before a time; return how many (requirement M3)."""
    wiped = session.execute(
        update(UsageRecord)
        .where(
            UsageRecord.reseller_id == scope.reseller_id,
            UsageRecord.occurred_at < before,
            UsageRecord.counterparty.is_not(None),
        )
        .values(counterparty=None)
    )
    return wiped.rowcount if isinstance(wiped, CursorResult) else 0


def _by_customer(scope: TenantScope, customer_id: UUID) -> Select[Wallet]:
    return select(Wallet).where(
        Wallet.reseller_id == scope.reseller_id, Wallet.customer_id == customer_id
    )
