"""Bonus lots: credit that was given, spent first, and may expire (requirement C9)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app import ledger, pricing
from app.billing import chart
from app.billing.events import BalanceChanged
from app.billing.models import BonusLot, LotSource, LotState, Wallet, WalletState
from app.billing.purses import lock_purse
from app.billing.records import weigh_care
from app.kernel import Money, emit, new_id, transaction
from app.ledger import AccountName, TransferDraft
from app.tenancy import TenantScope


@dataclass(frozen=True, slots=True)
class LotDraft:
    """A lot whose account is open and waits for its money, which comes from `giver_id`."""

    id: UUID
    account_id: UUID
    giver_id: UUID
    amount: Money
    expires_at: datetime | None

    @property
    def transfer(self) -> TransferDraft:
        """Return the transfer that fills the lot."""
        return TransferDraft(self.giver_id, self.account_id, self.amount)


def draft_lot(
    session: Session,
    scope: TenantScope,
    *,
    amount: Money,
    giver: AccountName,
    expires_at: datetime | None,
) -> LotDraft:
    """Open the account of a new lot, and the giver's; the caller fills it and writes it down."""
    identifier = new_id()
    return LotDraft(
        id=identifier,
        account_id=ledger.open_account(
            session, scope.reseller_id, AccountName(chart.BONUS, identifier, amount.currency)
        ),
        giver_id=ledger.open_account(session, scope.reseller_id, giver),
        amount=amount,
        expires_at=expires_at,
    )


def earned_lot(
    session: Session, scope: TenantScope, *, paid: Money, now: datetime
) -> LotDraft | None:
    """Return the lot that a top-up settling now earns by the offer's steps; None for none."""
    terms = pricing.bonus_for(session, scope, paid=paid, at=now)
    if terms is None:
        return None
    return draft_lot(
        session,
        scope,
        amount=terms.amount,
        giver=chart.platform_account(chart.PROMOTION, paid.currency),
        expires_at=None if terms.days is None else now + timedelta(days=terms.days),
    )


def keep_lot(
    session: Session,
    wallet: Wallet,
    lot: LotDraft,
    *,
    source: LotSource,
    top_up_id: UUID | None = None,
) -> None:
    """Write down a lot that was filled; its wallet, whose account is locked, needs care."""
    session.add(
        BonusLot(
            reseller_id=wallet.reseller_id,
            id=lot.id,
            wallet_id=wallet.id,
            account_id=lot.account_id,
            granted_minor=lot.amount.minor,
            source=source.value,
            top_up_id=top_up_id,
            expires_at=lot.expires_at,
        )
    )
    session.flush()
    # Not by the object: it was read before the lock, and may say so although a charge that spent
    # the last lot has written otherwise since.
    session.execute(
        update(Wallet)
        .where(Wallet.reseller_id == wallet.reseller_id, Wallet.id == wallet.id)
        .values(needs_care=True)
    )


def due_lots(session: Session, scope: TenantScope, *, now: datetime, limit: int) -> list[UUID]:
    """Return open lots whose time is over, but for those of frozen wallets: nothing moves there."""
    query = (
        select(BonusLot.id)
        .join(
            Wallet,
            (Wallet.reseller_id == BonusLot.reseller_id) & (Wallet.id == BonusLot.wallet_id),
        )
        .where(
            BonusLot.reseller_id == scope.reseller_id,
            BonusLot.state == LotState.OPEN.value,
            BonusLot.expires_at <= now,
            Wallet.state != WalletState.FROZEN.value,
        )
        .order_by(BonusLot.expires_at, BonusLot.id)
        .limit(limit)
    )
    return list(session.scalars(query))


def expire_lot(session: Session, scope: TenantScope, *, lot_id: UUID, now: datetime) -> bool:
    """Give what is left of a lot back to who gave it; False where that must wait, or was done.

    A lot of which an open hold keeps something waits until that is closed. Safe to repeat.
    """
    lot, wallet = _with_wallet(session, scope, lot_id)
    giver = ledger.open_account(session, scope.reseller_id, _giver(scope, lot, wallet.currency))
    is_own = lot.source == LotSource.RESELLER.value
    # The lot is named, too: where it was swept meanwhile, the purse no longer locks it.
    beside = [lot.account_id, giver] if is_own else [lot.account_id]
    lock_purse(session, scope, wallet=wallet, now=now, beside=beside)
    session.refresh(lot)
    is_due = lot.expires_at is not None and lot.expires_at <= now
    balance = ledger.lock_balances(session, scope.reseller_id, [lot.account_id])[lot.account_id]
    if lot.state != LotState.OPEN.value or not is_due or balance.held:
        return False
    if balance.posted:
        ledger.post(
            session,
            ledger.EntryDraft(
                book_id=scope.reseller_id,
                kind=chart.BONUS_EXPIRY,
                # A lot that a reversal fills again may expire again.
                key=f"bonus-expiry:{lot.id}:{balance.version}",
                input_hash=ledger.fingerprint({"lot": lot.id, "minor": balance.posted}),
                effective_at=now,
                transfers=[
                    TransferDraft(lot.account_id, giver, Money(balance.posted, wallet.currency))
                ],
                watch=wallet.account_id,
                guarded=beside,
            ),
        )
    lot.state = LotState.EXPIRED.value
    session.flush()
    weigh_care(session, scope, [wallet.id])
    emit(session, scope.reseller_id, BalanceChanged(wallet.id, wallet.account_id))
    return True


def expire_bonuses(scope: TenantScope, *, now: datetime, limit: int = 1_000) -> int:
    """Expire a reseller's lots whose time is over, a transaction each; return how many."""
    with transaction(scope) as session:
        due = due_lots(session, scope, now=now, limit=limit)
    expired = 0
    for lot_id in due:
        with transaction(scope) as session:
            expired += expire_lot(session, scope, lot_id=lot_id, now=now)
    return expired


def _with_wallet(session: Session, scope: TenantScope, lot_id: UUID) -> tuple[BonusLot, Wallet]:
    lot = session.get_one(BonusLot, (scope.reseller_id, lot_id))
    return lot, session.get_one(Wallet, (scope.reseller_id, lot.wallet_id))


def _giver(scope: TenantScope, lot: BonusLot, currency: str) -> AccountName:
    if lot.source == LotSource.RESELLER.value:
        return chart.own_balance_account(scope.reseller_id, currency)
    return chart.platform_account(chart.PROMOTION, currency)
