"""Credit given or taken by hand, with a reason (requirement C10)."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import audit, ledger
from app.billing import chart
from app.billing.credit_models import Adjustment
from app.billing.errors import PlatformOnlyError, insufficient
from app.billing.events import BalanceChanged
from app.billing.models import Wallet
from app.billing.purses import lock_purse
from app.billing.rules import require_credit_amount, require_reason
from app.billing.tax import tax_falling_due
from app.billing.wallets import get_wallet_by_id, require_currency
from app.kernel import Money, emit, new_id
from app.ledger import TransferDraft
from app.tenancy import TenantScope

# Who may make credit out of nothing: an admin of the platform, or an operator at its machine.
_OF_PLATFORM = frozenset({"platform", audit.SYSTEM.realm})


class AdjustmentSource(Enum):
    """Who gives: the platform, or the reseller out of her own balance."""

    PLATFORM = "platform"
    RESELLER = "reseller"


def adjust_wallet(
    session: Session,
    scope: TenantScope,
    *,
    wallet_id: UUID,
    amount: Money,
    reason: str,
    key: str,
    now: datetime,
    actor: audit.Actor,
) -> Adjustment:
    """Give credit to a wallet, or, below zero, take it back; once for each key.

    With single-purpose credit its tax falls due, or back, as at a top-up. Refuses everybody but
    the platform, nothing, an amount without reason, another currency than the wallet's, a key used
    with other content, and what would take the wallet below its limit.
    """
    if actor.realm not in _OF_PLATFORM:
        raise PlatformOnlyError
    require_credit_amount(amount if amount.minor > 0 else -amount)
    written = require_reason(reason)
    wallet = get_wallet_by_id(session, scope, wallet_id=wallet_id)
    require_currency(wallet, amount)
    posted = _post(session, scope, wallet, amount=amount, key=key, now=now)
    if posted.replayed:
        return adjustment_of(session, scope, entry_id=posted.entry_id)
    return keep_adjustment(
        session,
        wallet,
        amount=amount,
        source=AdjustmentSource.PLATFORM,
        reason=written,
        entry_id=posted.entry_id,
        lot_id=None,
        actor=actor,
        now=now,
    )


def keep_adjustment(
    session: Session,
    wallet: Wallet,
    *,
    amount: Money,
    source: AdjustmentSource,
    reason: str,
    entry_id: UUID,
    lot_id: UUID | None,
    actor: audit.Actor,
    now: datetime,
) -> Adjustment:
    """Write down an adjustment that was posted, and who did it; tell its wallet's readers."""
    adjustment = Adjustment(
        reseller_id=wallet.reseller_id,
        id=new_id(),
        wallet_id=wallet.id,
        amount_minor=amount.minor,
        source=source.value,
        reason=reason,
        actor_id=actor.id,
        entry_id=entry_id,
        lot_id=lot_id,
        at=now,
    )
    session.add(adjustment)
    session.flush()
    emit(session, wallet.reseller_id, BalanceChanged(wallet.id, wallet.account_id))
    _audit(session, adjustment, wallet.currency, actor)
    return adjustment


def adjustment_of(session: Session, scope: TenantScope, *, entry_id: UUID) -> Adjustment:
    """Return the adjustment that an entry booked."""
    return session.scalars(
        select(Adjustment).where(
            Adjustment.reseller_id == scope.reseller_id, Adjustment.entry_id == entry_id
        )
    ).one()


def list_adjustments(
    session: Session, scope: TenantScope, *, wallet_id: UUID, limit: int = 25
) -> list[Adjustment]:
    """Return a wallet's latest adjustments, newest first."""
    query = (
        select(Adjustment)
        .where(Adjustment.reseller_id == scope.reseller_id, Adjustment.wallet_id == wallet_id)
        .order_by(Adjustment.id.desc())
        .limit(limit)
    )
    return list(session.scalars(query))


def _audit(session: Session, adjustment: Adjustment, currency: str, actor: audit.Actor) -> None:
    audit.record(
        session,
        adjustment.reseller_id,
        actor=actor,
        action="billing.wallet_adjusted",
        subject_id=adjustment.wallet_id,
        facts={
            "adjustment": str(adjustment.id),
            "amount_minor": adjustment.amount_minor,
            "currency": currency,
            "source": adjustment.source,
        },
    )


def _post(
    session: Session,
    scope: TenantScope,
    wallet: Wallet,
    *,
    amount: Money,
    key: str,
    now: datetime,
) -> ledger.Posted:
    book = scope.reseller_id
    account = ledger.open_account(
        session, book, chart.platform_account(chart.ADJUSTMENT, amount.currency)
    )
    moved = (
        TransferDraft(account, wallet.account_id, amount)
        if amount.minor > 0
        else TransferDraft(wallet.account_id, account, -amount)
    )
    # What an expired hold keeps back may be taken: that it has expired is written down here.
    lock_purse(session, scope, wallet=wallet, now=now)
    tax = tax_falling_due(session, scope, credit=amount, at=now)
    draft = ledger.EntryDraft(
        book_id=book,
        kind=chart.ADJUSTED,
        key=f"adjustment:{key}",
        # The reason is left out: the ledger keeps no word that a person typed (M3).
        input_hash=ledger.fingerprint(
            {"wallet": wallet.id, "minor": amount.minor, "currency": amount.currency}
        ),
        effective_at=now,
        transfers=[moved, *chart.tax_transfers(book, tax)],
        watch=wallet.account_id,
    )
    try:
        return ledger.post(session, draft)
    except ledger.InsufficientFundsError as refused:
        raise insufficient(refused) from refused
