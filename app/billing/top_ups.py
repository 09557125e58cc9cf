from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app import pricing
from app.billing.errors import (
    AmountMismatchError,
    RequestKeyReusedError,
    TopUpInProgressError,
    TopUpNotFoundError,
)
from app.billing.models import TopUp, TopUpPurpose, TopUpState, Wallet
from app.billing.rules import may_move, move, require_top_up_amount
from app.billing.settlement import book_payment
from app.billing.wallets import get_wallet
from app.kernel import Money, new_id
from app.payments import CheckoutPage, CheckoutResult, CheckoutState, claim_payment
from app.tenancy import TenantScope

# Stripe refuses a page that lives less than 30 minutes; a minute of margin (requirement D1).
PAGE_LIFETIME = timedelta(minutes=31)
# Longer than all retries of one call: after this the process that was creating is gone.
CREATION_TIMEOUT = timedelta(seconds=60)


def request_top_up(
    session: Session,
    scope: TenantScope,
    *,
    customer_id: UUID | None,
    amount: Money,
    request_key: str,
    now: datetime,
) -> TopUp:
    """Record the intent to pay in; the caller then asks the processor, outside the transaction.

    Without a customer, it is the reseller's own balance that is paid into. The same key returns
    the same top-up. Refuses an amount outside the limits or in a currency the customer has no
    wallet in, a key used with another amount, a reseller that sells nothing yet, and a second
    top-up while one is being created (requirement D1).
    """
    require_top_up_amount(amount)
    # Refused now rather than when the money is there and nobody can say what tax it owes.
    pricing.tax_terms(session, scope, at=now)
    wallet_id = None
    if customer_id is not None:
        wallet = get_wallet(session, scope, customer_id=customer_id, currency=amount.currency)
        wallet_id = wallet.id
    _abandon_stale(session, scope, wallet_id, now)
    key = f"{wallet_id or TopUpPurpose.OWN_BALANCE.value}:{request_key}"
    identifier = _insert(session, scope, wallet_id, request_key=key, amount=amount, now=now)
    if identifier is not None:
        return _locked(session, scope, identifier)
    known = session.scalar(
        select(TopUp).where(TopUp.reseller_id == scope.reseller_id, TopUp.request_key == key)
    )
    if known is None:
        raise TopUpInProgressError(retry_after=5)
    if Money(known.amount_minor, known.currency) != amount:
        raise RequestKeyReusedError(top_up=str(known.id))
    return known


def attach_checkout(
    session: Session, scope: TenantScope, *, top_up_id: UUID, page: CheckoutPage
) -> TopUp:
    """Record the hosted page of a top-up that was being created; safe to repeat."""
    top_up = _locked(session, scope, top_up_id)
    if top_up.state == TopUpState.CREATING.value:
        top_up.state = move(TopUpState.CREATING, TopUpState.PENDING)
        top_up.session_id = page.session_id
        top_up.checkout_url = page.url
    return top_up


def settle_top_up(
    session: Session, scope: TenantScope, *, top_up_id: UUID, result: CheckoutResult, now: datetime
) -> TopUp:
    """Take the processor's word on a top-up: credit what was paid, once; or close it.

    Safe to call any number of times, from webhook, return page and sweeper at once (R1.1, R4.6).
    Refuses with AmountMismatchError, crediting nothing, when the word is about another amount,
    currency, top-up, or a second payment of one that is settled.
    """
    top_up = _locked(session, scope, top_up_id)
    state = TopUpState(top_up.state)
    is_other_payment = state is TopUpState.SETTLED and result.payment_id != top_up.payment_id
    if result.reference != str(top_up.id) or (
        result.state is CheckoutState.PAID and is_other_payment
    ):
        raise AmountMismatchError(top_up=str(top_up.id), session=result.session_id)
    if result.state is CheckoutState.PAID and may_move(state, TopUpState.SETTLED):
        _credit(session, scope, top_up, result, now)
    if result.state is CheckoutState.EXPIRED and may_move(state, TopUpState.EXPIRED):
        top_up.state = move(state, TopUpState.EXPIRED)
    return top_up


def note_decline(session: Session, scope: TenantScope, *, top_up_id: UUID) -> TopUp:
    """Remember that a card was declined; the page stays open for another one."""
    top_up = _locked(session, scope, top_up_id)
    if top_up.state in {TopUpState.CREATING.value, TopUpState.PENDING.value}:
        top_up.failure = "declined"
    return top_up


def read_top_up(session: Session, scope: TenantScope, *, top_up_id: UUID) -> TopUp:
    """Return a top-up of this reseller; refuses an unknown one."""
    top_up = session.get(TopUp, (scope.reseller_id, top_up_id))
    if top_up is None:
        raise TopUpNotFoundError(top_up=str(top_up_id))
    return top_up


def pending_top_ups(
    session: Session, scope: TenantScope, *, before: datetime, limit: int = 100
) -> list[TopUp]:
    """Return top-ups whose hosted page was made before a time and that nobody has decided."""
    query = (
        select(TopUp)
        .where(
            TopUp.reseller_id == scope.reseller_id,
            TopUp.state == TopUpState.PENDING.value,
            TopUp.created_at < before,
        )
        .order_by(TopUp.id)
        .limit(limit)
    )
    return list(session.scalars(query))


def get_top_up(
    session: Session, scope: TenantScope, *, customer_id: UUID, top_up_id: UUID
) -> TopUp:
    """Return a customer's own top-up; absent and someone else's look the same."""
    top_up = session.scalar(
        select(TopUp)
        .join(Wallet, (Wallet.reseller_id == TopUp.reseller_id) & (Wallet.id == TopUp.wallet_id))
        .where(
            TopUp.reseller_id == scope.reseller_id,
            TopUp.id == top_up_id,
            Wallet.customer_id == customer_id,
        )
    )
    if top_up is None:
        raise TopUpNotFoundError(top_up=str(top_up_id))
    return top_up


def list_top_ups(
    session: Session, scope: TenantScope, *, wallet_id: UUID | None, limit: int = 25
) -> list[TopUp]:
    """Return a wallet's latest top-ups, newest first; without one, the reseller's own balance's."""
    query = (
        select(TopUp)
        .where(TopUp.reseller_id == scope.reseller_id, TopUp.wallet_id == wallet_id)
        .order_by(TopUp.id.desc())
        .limit(limit)
    )
    return list(session.scalars(query))


def _insert(
    session: Session,
    scope: TenantScope,
    wallet_id: UUID | None,
    *,
    request_key: str,
    amount: Money,
    now: datetime,
) -> UUID | None:
    """Insert a top-up; None where its key is known or another one of the wallet is in creation."""
    purpose = TopUpPurpose.OWN_BALANCE if wallet_id is None else TopUpPurpose.WALLET
    return session.scalar(
        insert(TopUp)
        .values(
            reseller_id=scope.reseller_id,
            id=new_id(),
            wallet_id=wallet_id,
            purpose=purpose.value,
            request_key=request_key,
            amount_minor=amount.minor,
            currency=amount.currency,
            state=TopUpState.CREATING.value,
            created_at=now,
            expires_at=now + PAGE_LIFETIME,
        )
        .on_conflict_do_nothing()
        .returning(TopUp.id)
    )


def _credit(
    session: Session, scope: TenantScope, top_up: TopUp, result: CheckoutResult, now: datetime
) -> None:
    paid = Money(top_up.amount_minor, top_up.currency)
    if result.paid != paid or result.payment_id is None:
        raise AmountMismatchError(top_up=str(top_up.id), session=result.session_id)
    claim_payment(session, scope, payment_id=result.payment_id, top_up_id=top_up.id)
    book_payment(session, scope, top_up=top_up, payment_id=result.payment_id, now=now)
    top_up.state = move(TopUpState(top_up.state), TopUpState.SETTLED)
    top_up.payment_id = result.payment_id
    top_up.session_id = result.session_id
    top_up.settled_at = now
    top_up.failure = None


def _abandon_stale(
    session: Session, scope: TenantScope, wallet_id: UUID | None, now: datetime
) -> None:
    """Close a creation whose process died, so that it does not block the wallet for ever."""
    stale = session.scalars(
        select(TopUp)
        .where(
            TopUp.reseller_id == scope.reseller_id,
            TopUp.wallet_id == wallet_id,
            TopUp.state == TopUpState.CREATING.value,
            TopUp.created_at < now - CREATION_TIMEOUT,
        )
        .with_for_update()
    )
    for top_up in stale:
        top_up.state = move(TopUpState.CREATING, TopUpState.FAILED)
        top_up.failure = "abandoned"
    session.flush()


def _locked(session: Session, scope: TenantScope, top_up_id: UUID) -> TopUp:
    top_up = session.scalar(
        select(TopUp)
        .where(TopUp.reseller_id == scope.reseller_id, TopUp.id == top_up_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if top_up is None:
        raise TopUpNotFoundError(top_up=str(top_up_id))
    return top_up
