"""A wallet in the ledger, moved together with its event: what billing does, and no more."""

from dataclasses import dataclass
from uuid import UUID

from app import billing, ledger
from app.billing import BalanceChanged
from app.identity import Customer
from app.kernel import Money, emit, new_id, now, transaction
from app.ledger import AccountName, EntryDraft, TransferDraft
from app.tenancy import TenantScope


@dataclass(frozen=True)
class LedgerWallet:
    reseller_id: UUID
    id: UUID
    account_id: UUID
    clearing_id: UUID

    @property
    def channel(self) -> str:
        return f"wallet.{self.id}"

    @property
    def scope(self) -> TenantScope:
        return TenantScope(self.reseller_id)


def a_ledger_wallet(reseller_id: UUID | None = None) -> LedgerWallet:
    book, owner = reseller_id or new_id(), new_id()
    with transaction(TenantScope(book)) as session:
        clearing = ledger.open_account(session, book, AccountName("clearing", book, "EUR"))
        account = ledger.open_account(session, book, AccountName("wallet", owner, "EUR"))
    return LedgerWallet(book, owner, account, clearing)


def pay_in(wallet: LedgerWallet, minor: int, *, key: str | None = None) -> int:
    """Credit the wallet and say so; return the balance's version."""
    with transaction(wallet.scope) as session:
        posted = ledger.post(
            session,
            EntryDraft(
                book_id=wallet.reseller_id,
                kind="top_up",
                key=key or str(new_id()),
                input_hash=ledger.fingerprint({"minor": minor}),
                effective_at=now(),
                transfers=[
                    TransferDraft(wallet.clearing_id, wallet.account_id, Money(minor, "EUR"))
                ],
                watch=wallet.account_id,
            ),
        )
        emit(session, wallet.reseller_id, BalanceChanged(wallet.id, wallet.account_id))
    return posted.version


def a_wallet_of(customer: Customer) -> LedgerWallet:
    """A wallet that billing knows, too."""
    scope = TenantScope(customer.reseller_id)
    with transaction(scope) as session:
        wallet = billing.open_wallet(session, scope, customer_id=customer.id, currency="EUR")
        clearing = ledger.open_account(
            session, scope.reseller_id, AccountName("clearing", scope.reseller_id, "EUR")
        )
    return LedgerWallet(scope.reseller_id, wallet.id, wallet.account_id, clearing)
