"""What the ledger books when a top-up has been paid."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from app import ledger
from app.billing import chart
from app.billing.bonuses import LotDraft, earned_lot, keep_lot
from app.billing.events import BalanceChanged, OwnBalanceFunded, TopUpSettled
from app.billing.models import LotSource, TopUp, Wallet
from app.billing.receivables import lock_debt
from app.billing.tax import tax_falling_due
from app.kernel import Money, emit
from app.ledger import TransferDraft
from app.tenancy import TenantScope


def book_payment(
    session: Session, scope: TenantScope, *, top_up: TopUp, payment_id: str, now: datetime
) -> None:
    """Credit a top-up, whose row is locked: to the wallet, or to the reseller's own balance.

    What the wallet owes is paid first, the bonus that is earned becomes a lot, all in one entry.
    """
    if top_up.wallet_id is None:
        _into_own_balance(session, scope, top_up, payment_id, now)
        return
    wallet = session.get_one(Wallet, (scope.reseller_id, top_up.wallet_id), populate_existing=True)
    paid = Money(top_up.amount_minor, top_up.currency)
    tax = tax_falling_due(session, scope, credit=paid, at=now)
    lot = earned_lot(session, scope, paid=paid, now=now)
    debt = min(lock_debt(session, scope, wallet), paid, key=lambda money: money.minor)
    transfers = [
        *_credits(scope, wallet, paid, debt),
        *chart.tax_transfers(scope.reseller_id, tax),
        *([lot.transfer] if lot else []),
    ]
    _post(
        session,
        scope,
        top_up,
        payment_id=payment_id,
        now=now,
        transfers=transfers,
        watch=wallet.account_id,
        guarded=_others(wallet, debt, lot),
    )
    if lot is not None:
        keep_lot(session, wallet, lot, source=LotSource.TOP_UP, top_up_id=top_up.id)
    emit(session, scope.reseller_id, TopUpSettled(top_up.id, wallet.id))
    emit(session, scope.reseller_id, BalanceChanged(wallet.id, wallet.account_id))


def _into_own_balance(
    session: Session, scope: TenantScope, top_up: TopUp, payment_id: str, now: datetime
) -> None:
    """Keep the money as a deposit: its tax falls due when it is given on as credit."""
    book, paid = scope.reseller_id, Money(top_up.amount_minor, top_up.currency)
    clearing = ledger.open_account(
        session, book, chart.platform_account(chart.CLEARING, paid.currency)
    )
    own = ledger.open_account(session, book, chart.own_balance_account(book, paid.currency))
    _post(
        session,
        scope,
        top_up,
        payment_id=payment_id,
        now=now,
        transfers=[TransferDraft(clearing, own, paid)],
        watch=own,
        guarded=[],
    )
    emit(session, book, OwnBalanceFunded(top_up.id))


def _credits(scope: TenantScope, wallet: Wallet, paid: Money, debt: Money) -> list[TransferDraft]:
    clearing = ledger.account_id(
        scope.reseller_id, chart.platform_account(chart.CLEARING, paid.currency)
    )
    places = ((wallet.receivable_account_id, debt), (wallet.account_id, paid - debt))
    return [
        TransferDraft(clearing, account, part)
        for account, part in places
        if account is not None and part
    ]


def _others(wallet: Wallet, debt: Money, lot: LotDraft | None) -> list[UUID]:
    owed = [wallet.receivable_account_id] if wallet.receivable_account_id and debt else []
    return [*owed, lot.account_id] if lot else owed


def _post(
    session: Session,
    scope: TenantScope,
    top_up: TopUp,
    *,
    payment_id: str,
    now: datetime,
    transfers: Sequence[TransferDraft],
    watch: UUID,
    guarded: Sequence[UUID],
) -> None:
    ledger.post(
        session,
        ledger.EntryDraft(
            book_id=scope.reseller_id,
            kind=chart.TOP_UP,
            key=f"top-up:{top_up.id}",
            input_hash=ledger.fingerprint(
                {
                    "paid": top_up.amount_minor,
                    "currency": top_up.currency,
                    "payment": payment_id,
                }
            ),
            effective_at=now,
            transfers=transfers,
            watch=watch,
            guarded=guarded,
        ),
    )
