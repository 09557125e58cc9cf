from datetime import datetime
from uuid import UUID

from sqlalchemy import CursorResult, Select, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app import audit, ledger
from app.billing import chart
from app.billing.errors import WalletFrozenError, WalletNotFoundError
from app.billing.models import UsageRecord, Wallet, WalletState
from app.kernel import Money, new_id
from app.ledger import AccountName, Balance
from app.tenancy import PlatformScope, TenantScope, get_path


def open_wallet(
    session: Session, scope: TenantScope, *, customer_id: UUID, currency: str
) -> Wallet:
    """Give a customer a wallet in a currency, or return the one that is there.

    Opens the book's shared accounts too. Refuses an unknown currency.
    """
    Money(0, currency)
    known = session.scalar(_by_customer(scope, customer_id).where(Wallet.currency == currency))
    if known is not None:
        return known
    for name in chart.book_accounts(get_path(session, scope), currency):
        ledger.open_account(session, scope.reseller_id, name)
    identifier = new_id()
    account = ledger.open_account(
        session, scope.reseller_id, AccountName(chart.WALLET, identifier, currency)
    )
    # Two at once: the second finds the first one's.
    session.execute(
        insert(Wallet)
        .values(
            reseller_id=scope.reseller_id,
            id=identifier,
            customer_id=customer_id,
            currency=currency,
            account_id=account,
        )
        .on_conflict_do_nothing()
    )
    return get_wallet(session, scope, customer_id=customer_id, currency=currency)


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


def require_active(state: str, wallet_id: UUID) -> None:
    """Refuse a wallet that may not be charged: say why."""
    if state != WalletState.ACTIVE.value:
        raise WalletFrozenError(wallet=str(wallet_id))


def wallet_balance(session: Session, scope: TenantScope, *, wallet: Wallet) -> Balance:
    """Return what a wallet holds now."""
    return ledger.get_balance(session, scope.reseller_id, wallet.account_id)


def freeze_wallet(
    session: Session, scope: PlatformScope, *, reseller_id: UUID, account_id: UUID, reason: str
) -> Wallet | None:
    """Stop charging the wallet of an account until somebody has looked at its books.

    Credit still arrives. Safe to repeat: None where it is frozen already, or no wallet's account.
    """
    wallet = session.scalar(
        select(Wallet)
        .where(
            Wallet.reseller_id == reseller_id,
            Wallet.account_id == account_id,
            Wallet.state == WalletState.ACTIVE.value,
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
