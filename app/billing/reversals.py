"""Charges that are written off: the exact mirror of their entry, once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, update
from sqlalchemy.orm import Session

from app import audit, ledger, pricing
from app.billing import chart
from app.billing.caps import lower_spending
from app.billing.credit_models import FeeRecord, Reversal
from app.billing.errors import AlreadyReversedError, ChargeNotFoundError
from app.billing.events import BalanceChanged
from app.billing.models import BonusLot, LotState, UsageRecord, UsageVolume, Wallet
from app.billing.purses import lock_purse
from app.billing.records import weigh_care
from app.billing.rules import require_reason, reversal_key
from app.billing.wallets import get_wallet_by_id
from app.kernel import Money, business_month, emit
from app.ledger import StoredEntry, TransferDraft
from app.tenancy import TenantScope

_REVERSIBLE = frozenset({chart.USAGE, chart.FEE})


@dataclass(frozen=True, slots=True)
class _Charge:
    """What is taken back: the entry, and the record of usage or of a fee."""

    entry: StoredEntry
    record: UsageRecord | FeeRecord


def reverse_charge(
    session: Session,
    scope: TenantScope,
    *,
    entry_id: UUID,
    reason: str,
    now: datetime,
    actor: audit.Actor,
) -> Reversal:
    """Write off a usage charge or a fee: everybody gives back exactly what the entry gave them.

    A lot gets its bonus back and may expire again; what a top-up has paid of a receivable comes
    back as paid credit. The charge counts no more for allowance, steps and caps. Of several at
    once one wins. Refuses what is no charge, one written off before, and an act without reason.
    """
    written = require_reason(reason)
    charge = _charge(session, scope, entry_id)
    wallet = get_wallet_by_id(session, scope, wallet_id=charge.record.wallet_id)
    lock_purse(session, scope, wallet=wallet, now=now, beside=charge.entry.guarded)
    if session.get(Reversal, (scope.reseller_id, entry_id), populate_existing=True):
        raise AlreadyReversedError(entry=str(entry_id))
    posted = _post(session, scope, wallet, charge.entry, now)
    reversal = Reversal(
        reseller_id=scope.reseller_id,
        entry_id=entry_id,
        reversal_id=posted.entry_id,
        reason=written,
        actor_id=actor.id,
        at=now,
    )
    session.add(reversal)
    session.flush()
    _reopen_lots(session, scope, wallet, charge.entry)
    if isinstance(charge.record, UsageRecord):
        _forget_usage(session, scope, charge.record, charge.entry)
    emit(session, scope.reseller_id, BalanceChanged(wallet.id, wallet.account_id))
    _audit(session, reversal, charge.record.gross_minor, actor)
    return reversal


def _charge(session: Session, scope: TenantScope, entry_id: UUID) -> _Charge:
    entry = ledger.stored_entry(session, scope.reseller_id, entry_id)
    if entry is None or entry.kind not in _REVERSIBLE:
        raise ChargeNotFoundError(entry=str(entry_id))
    key = scope.reseller_id, entry_id
    if entry.kind == chart.USAGE:
        return _Charge(entry, session.get_one(UsageRecord, key))
    return _Charge(entry, session.get_one(FeeRecord, key))


def _audit(session: Session, reversal: Reversal, gross: int, actor: audit.Actor) -> None:
    audit.record(
        session,
        reversal.reseller_id,
        actor=actor,
        action="billing.charge_reversed",
        subject_id=reversal.entry_id,
        facts={"reversal": str(reversal.reversal_id), "gross_minor": gross},
    )


def _post(
    session: Session, scope: TenantScope, wallet: Wallet, entry: StoredEntry, now: datetime
) -> ledger.Posted:
    transfers = entry.mirrored()
    transfers += _credit_beyond_debt(session, scope, wallet, transfers)
    return ledger.post(
        session,
        ledger.EntryDraft(
            book_id=scope.reseller_id,
            kind=chart.REVERSAL,
            key=reversal_key(entry.entry_id),
            input_hash=ledger.fingerprint({"entry": entry.entry_id}),
            effective_at=now,
            transfers=transfers,
            watch=wallet.account_id,
            guarded=[account for account in entry.guarded if account != wallet.account_id],
        ),
    )


def _credit_beyond_debt(
    session: Session, scope: TenantScope, wallet: Wallet, transfers: Sequence[TransferDraft]
) -> list[TransferDraft]:
    """Return the transfer of what a receivable gets back beyond what is owed: it was paid for."""
    receivable = wallet.receivable_account_id
    back = sum(each.amount.minor for each in transfers if each.credit_id == receivable)
    if receivable is None or not back:
        return []
    locked = ledger.lock_balances(session, scope.reseller_id, [receivable])[receivable]
    beyond = locked.posted + back
    if beyond <= 0:
        return []
    return [TransferDraft(receivable, wallet.account_id, Money(beyond, wallet.currency))]


def _reopen_lots(session: Session, scope: TenantScope, wallet: Wallet, entry: StoredEntry) -> None:
    session.execute(
        update(BonusLot)
        .where(
            BonusLot.reseller_id == scope.reseller_id,
            BonusLot.wallet_id == wallet.id,
            BonusLot.account_id.in_(entry.guarded),
        )
        .values(state=LotState.OPEN.value)
    )
    weigh_care(session, scope, [wallet.id])


def _forget_usage(
    session: Session, scope: TenantScope, record: UsageRecord, entry: StoredEntry
) -> None:
    """Take a charge out of the volume of its month of use and the caps of its month of booking."""
    _forget_volume(session, scope, record)
    lower_spending(
        session,
        scope,
        wallet_id=record.wallet_id,
        subject=record.subject,
        minor=record.gross_minor,
        booked_at=entry.created_at,
    )


def _forget_volume(session: Session, scope: TenantScope, record: UsageRecord) -> None:
    """Take out of the month's volume what the charge added to it: nothing by a plain price."""
    price = pricing.price_version(
        session, scope, price_id=record.price_id, retail_price_id=record.retail_price_id
    )
    if not price.needs_volume:
        return
    billed = record.quantity if record.billed is None else record.billed
    session.execute(
        update(UsageVolume)
        .where(
            UsageVolume.reseller_id == scope.reseller_id,
            UsageVolume.wallet_id == record.wallet_id,
            UsageVolume.meter == record.meter,
            UsageVolume.month == business_month(record.occurred_at),
        )
        .values(quantity=func.greatest(0, UsageVolume.quantity - billed))
    )
