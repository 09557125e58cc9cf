"""Blocked customers: they sign in and pay in, and are charged nothing until unblocked (F2)."""

from collections.abc import Sequence
from enum import Enum
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import audit, identity
from app.billing.events import CustomerBlocked, CustomerUnblocked
from app.billing.models import Wallet, WalletState
from app.billing.rules import wallet_state
from app.identity import CustomerState
from app.kernel import emit
from app.tenancy import TenantScope


class BlockReason(Enum):
    """Why a customer is blocked: a word of ours, for the audit trail takes no free text (M3)."""

    UNPAID = "unpaid"
    MISUSE = "misuse"
    FRAUD = "fraud"
    REQUESTED = "requested"
    OTHER = "other"


def block_customer(
    session: Session,
    scope: TenantScope,
    *,
    customer_id: UUID,
    reason: BlockReason,
    actor: audit.Actor = audit.SYSTEM,
) -> None:
    """Stop charging every wallet of a customer, those that are opened later too; safe to repeat.

    Top-ups still arrive, and what is charged already stays. A charge that is under way when this
    commits counts as charged before. A frozen wallet stays frozen. Refuses another reseller's
    customer.
    """
    if not identity.set_customer_state(
        session, scope, customer_id=customer_id, state=CustomerState.BLOCKED
    ):
        return
    for wallet in _locked_wallets(session, scope, customer_id):
        wallet.state = wallet_state(is_frozen=_is_frozen(wallet), is_blocked=True).value
    session.flush()
    emit(session, scope.reseller_id, CustomerBlocked(customer_id))
    audit.record(
        session,
        scope.reseller_id,
        actor=actor,
        action="billing.customer_blocked",
        subject_id=customer_id,
        facts={"reason": reason.value},
    )


def unblock_customer(
    session: Session, scope: TenantScope, *, customer_id: UUID, actor: audit.Actor = audit.SYSTEM
) -> None:
    """Let a customer's wallets be charged again, but for frozen ones; safe to repeat.

    Refuses another reseller's customer.
    """
    if not identity.set_customer_state(
        session, scope, customer_id=customer_id, state=CustomerState.ACTIVE
    ):
        return
    for wallet in _locked_wallets(session, scope, customer_id):
        wallet.state = wallet_state(is_frozen=_is_frozen(wallet), is_blocked=False).value
    session.flush()
    emit(session, scope.reseller_id, CustomerUnblocked(customer_id))
    audit.record(
        session,
        scope.reseller_id,
        actor=actor,
        action="billing.customer_unblocked",
        subject_id=customer_id,
    )


def _locked_wallets(session: Session, scope: TenantScope, customer_id: UUID) -> Sequence[Wallet]:
    """Return a customer's wallets as they are now; nobody freezes one in the meantime."""
    return session.scalars(
        select(Wallet)
        .where(Wallet.reseller_id == scope.reseller_id, Wallet.customer_id == customer_id)
        .order_by(Wallet.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


def _is_frozen(wallet: Wallet) -> bool:
    return wallet.state == WalletState.FROZEN.value
