"""What billing has to tell people: receipts, and balances that run low."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.billing.credit import wallet_credit
from app.billing.models import BonusLot, TopUp, TopUpState, Wallet
from app.billing.own_balance import own_balance
from app.billing.top_ups import read_top_up
from app.billing.wallets import get_wallet_by_id
from app.identity import (
    OWNER_ROLE,
    CustomerRole,
    CustomerUser,
    Realm,
    StaffUser,
    list_customer_users,
)
from app.kernel import Money
from app.notifications import MessageKind, Recipient, queue_message
from app.tenancy import TenantScope


def queue_receipt(
    session: Session, scope: TenantScope, *, top_up_id: UUID, now: datetime
) -> list[UUID]:
    """Write to the owners that a top-up was credited, once each; return the messages.

    A customer's owners hear of their wallet, the reseller's of its own balance. Nothing before the
    top-up is settled.
    """
    top_up = read_top_up(session, scope, top_up_id=top_up_id)
    if top_up.state != TopUpState.SETTLED.value or top_up.settled_at is None:
        return []
    if top_up.wallet_id is None:
        people = _staff_owners(session, scope)
        balance = own_balance(session, scope, currency=top_up.currency).balance
    else:
        wallet = get_wallet_by_id(session, scope, wallet_id=top_up.wallet_id)
        people = _customer_owners(session, scope, wallet)
        balance = wallet_credit(session, scope, wallet=wallet, now=now).available
    facts: dict[str, str | int] = {
        "amount_minor": top_up.amount_minor,
        "bonus_minor": _bonus(session, scope, top_up),
        "balance_minor": balance.minor,
        "currency": top_up.currency,
        "paid_at": top_up.settled_at.isoformat(),
    }
    queued = [
        queue_message(
            session,
            scope,
            kind=MessageKind.TOP_UP_RECEIPT,
            to=person,
            facts=facts,
            key=f"receipt:{top_up.id}:{person.user_id}",
            now=now,
        )
        for person in people
    ]
    return [message_id for message_id in queued if message_id is not None]


def queue_low_balance(
    session: Session, scope: TenantScope, *, wallet_id: UUID, fall_id: UUID, now: datetime
) -> list[UUID]:
    """Write to a customer's owners that her balance runs low, once per fall; return the messages.

    Nothing where it is enough again by now.
    """
    wallet = get_wallet_by_id(session, scope, wallet_id=wallet_id)
    available = wallet_credit(session, scope, wallet=wallet, now=now).available
    if available >= Money(wallet.low_balance_minor, wallet.currency):
        return []
    queued = [
        queue_message(
            session,
            scope,
            kind=MessageKind.LOW_BALANCE,
            to=person,
            facts={
                "balance_minor": available.minor,
                "threshold_minor": wallet.low_balance_minor,
                "currency": wallet.currency,
            },
            key=f"low_balance:{fall_id}:{person.user_id}",
            now=now,
        )
        for person in _customer_owners(session, scope, wallet)
    ]
    return [message_id for message_id in queued if message_id is not None]


def _bonus(session: Session, scope: TenantScope, top_up: TopUp) -> int:
    granted = session.scalar(
        select(BonusLot.granted_minor).where(
            BonusLot.reseller_id == scope.reseller_id, BonusLot.top_up_id == top_up.id
        )
    )
    return granted or 0


def _customer_owners(session: Session, scope: TenantScope, wallet: Wallet) -> Sequence[Recipient]:
    users = list_customer_users(session, scope, customer_id=wallet.customer_id)
    return [
        _recipient(Realm.CUSTOMER, user) for user in users if user.role == CustomerRole.OWNER.value
    ]


def _staff_owners(session: Session, scope: TenantScope) -> Sequence[Recipient]:
    users = session.scalars(
        select(StaffUser)
        .where(StaffUser.reseller_id == scope.reseller_id, StaffUser.role == OWNER_ROLE)
        .order_by(StaffUser.id)
    )
    return [_recipient(Realm.STAFF, user) for user in users]


def _recipient(realm: Realm, user: CustomerUser | StaffUser) -> Recipient:
    return Recipient(realm, user.id, user.email, user.name, user.language)
