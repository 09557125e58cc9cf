"""Wallets that fall below their threshold: told once per fall, looked at after the commit."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app import audit, ledger
from app.billing.credit import credits_across
from app.billing.models import BalanceWatch, Wallet, WalletMode
from app.billing.rules import require_limit
from app.billing.wallets import get_wallet_by_id, require_currency
from app.kernel import Money, new_id
from app.tenancy import PlatformScope, TenantScope

WalletKey = tuple[UUID, UUID]


@dataclass(frozen=True, slots=True)
class Fall:
    """A wallet that held enough and does no longer; `id` names this fall and no other."""

    reseller_id: UUID
    wallet_id: UUID
    id: UUID


@dataclass(frozen=True, slots=True)
class _Watched:
    """A wallet with its threshold, and whether its next fall is to be told."""

    key: WalletKey
    account_id: UUID
    threshold: int
    has_lots: bool
    is_armed: bool


def note_balances(
    session: Session, scope: PlatformScope, *, wallets: Collection[WalletKey], now: datetime
) -> list[Fall]:
    """Compare wallets, named (reseller, wallet), with their thresholds; return those that fell.

    A wallet that is at or above its threshold is armed, one that falls is disarmed: the same fall
    is returned once. Only what holds at this moment counts, not what was in between. Wallets that
    are paid by invoice are left alone. Two queries where nothing crosses a threshold.
    """
    watched = _watched(session, wallets)
    balances = ledger.balances_across(session, [(each.key[0], each.account_id) for each in watched])
    rising, doubtful = [], []
    for each in watched:
        paid = balances[each.key[0], each.account_id].available.minor
        if paid >= each.threshold:
            rising += [each] if not each.is_armed else []
        elif each.is_armed or each.has_lots:
            doubtful.append(each)
    falling = []
    credit = (
        credits_across(
            session, scope, wallets={each.key: each.account_id for each in doubtful}, now=now
        )
        if doubtful
        else {}
    )
    for each in doubtful:
        is_enough = credit[each.key].available.minor >= each.threshold
        if is_enough and not each.is_armed:
            rising.append(each)
        elif each.is_armed and not is_enough:
            falling.append(each.key)
    _arm(session, [each.key for each in rising], now)
    return _disarm(session, falling)


def set_low_balance(
    session: Session,
    scope: TenantScope,
    *,
    wallet_id: UUID,
    threshold: Money,
    actor: audit.Actor = audit.SYSTEM,
) -> None:
    """Set below what a wallet counts as low; nothing turns the notice off.

    Refuses another currency than the wallet's, and amounts beyond reason.
    """
    wallet = get_wallet_by_id(session, scope, wallet_id=wallet_id)
    require_currency(wallet, threshold)
    require_limit(threshold)
    wallet.low_balance_minor = threshold.minor
    audit.record(
        session,
        scope.reseller_id,
        actor=actor,
        action="billing.low_balance_set",
        subject_id=wallet.id,
        facts={"threshold_minor": threshold.minor},
    )


def _watched(session: Session, wallets: Collection[WalletKey]) -> list[_Watched]:
    rows = session.execute(
        select(
            Wallet.reseller_id,
            Wallet.id,
            Wallet.account_id,
            Wallet.low_balance_minor,
            Wallet.needs_care,
            BalanceWatch.id,
        )
        .outerjoin(
            BalanceWatch,
            (BalanceWatch.reseller_id == Wallet.reseller_id)
            & (BalanceWatch.wallet_id == Wallet.id),
        )
        .where(
            tuple_(Wallet.reseller_id, Wallet.id).in_(wallets),
            Wallet.mode == WalletMode.PREPAID.value,
        )
    )
    return [_Watched((row[0], row[1]), row[2], row[3], row[4], row[5] is not None) for row in rows]


def _arm(session: Session, wallets: Sequence[WalletKey], now: datetime) -> None:
    if not wallets:
        return
    values = [
        {"reseller_id": reseller_id, "wallet_id": wallet_id, "id": new_id(), "armed_at": now}
        for reseller_id, wallet_id in wallets
    ]
    session.execute(insert(BalanceWatch).values(values).on_conflict_do_nothing())


def _disarm(session: Session, wallets: Sequence[WalletKey]) -> list[Fall]:
    if not wallets:
        return []
    gone = session.execute(
        delete(BalanceWatch)
        .where(tuple_(BalanceWatch.reseller_id, BalanceWatch.wallet_id).in_(wallets))
        .returning(BalanceWatch.reseller_id, BalanceWatch.wallet_id, BalanceWatch.id)
    )
    return [Fall(*row) for row in gone]
