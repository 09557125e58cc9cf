"""Holds on a wallet: reserve before a call of unknown length, capture what was used (C5).

A hold keeps credit back in the order in which it would be spent: bonus lots first. What is
captured pays out of it, and beyond it as far as the balance goes; the rest is free again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import ledger
from app.billing import chart
from app.billing.charges import charge_usage
from app.billing.errors import (
    HoldAmountRefusedError,
    HoldKeyReusedError,
    HoldTimeRefusedError,
    InsufficientFundsError,
    WalletNotFoundError,
    insufficient,
)
from app.billing.models import Wallet
from app.billing.purses import Purse, lock_purses
from app.billing.rating import rate
from app.billing.records import tell_balances
from app.billing.rules import GREATEST_TOP_UP, hold_key
from app.billing.spending import draw, drawn
from app.billing.terms import kept_terms
from app.billing.usage import Charge, UsageEvent
from app.billing.wallets import get_wallet, require_active
from app.kernel import Money, business_month, new_id, note_emitted
from app.tenancy import TenantScope

SHORTEST_HOLD = timedelta(seconds=60)
LONGEST_HOLD = timedelta(days=1)

# Whose a hold is never changes: a process that placed it need not ask again.
_MOST = 50_000
_customers: dict[tuple[UUID, UUID], UUID] = {}


@dataclass(frozen=True, slots=True)
class PlacedHold:
    """A hold as its holder sees it; `available` is what can be spent beside it, bonus apart."""

    id: UUID
    customer_id: UUID
    amount: Money
    expires_at: datetime
    state: ledger.HoldState
    available: Money
    replayed: bool


@dataclass(frozen=True, slots=True)
class CapturedUsage:
    """What was used under a hold; `event_id` is the sender's, as of any usage event."""

    event_id: str
    meter: str
    quantity: Decimal
    occurred_at: datetime
    counterparty: str | None = None
    subject: str | None = None


def place_hold(
    session: Session,
    scope: TenantScope,
    *,
    key: str,
    customer_id: UUID,
    amount: Money,
    expires_at: datetime,
    now: datetime,
    subject: str | None = None,
    basis: str | None = None,
) -> PlacedHold:
    """Keep credit of a wallet back until a time, once per key, or return the first hold.

    `subject`, as it is stored, is the line whose caps are asked, too. Repeated with the same
    `basis`, what was worked out from it may differ, and it may be nothing. Refuses an amount of
    nothing or less, a time outside a minute to a day, an unknown customer, a wallet that is
    frozen, blocked or has too little, a spending cap, a key used for another amount, basis or
    customer.
    """
    _require_time(expires_at, now)
    draft = _draft(scope, key, customer_id, amount, until=expires_at, basis=basis, about=subject)
    note_emitted(session)
    try:
        whose = (customer_id, amount.currency)
        held = ledger.hold_through(session, draft, function="reserve_credit", arguments=whose)
        if held is None:
            purse = _purse(session, scope, customer_id, amount.currency, now)
            # Again under the lock: another delivery may have bound the key, and the money.
            held = ledger.hold_through(session, draft, function="reserve_credit", arguments=whose)
            if held is None:
                held = ledger.hold(session, draft.of(_parts(purse, amount, now, subject)))
                tell_balances(session, scope, [purse])
    except ledger.InsufficientFundsError as refused:
        raise insufficient(refused) from refused
    except ledger.KeyReusedError as refused:
        raise HoldKeyReusedError(key=key) from refused
    _remember(scope, held.hold_id, customer_id)
    return _placed(held, customer_id, amount)


def extend_hold(
    session: Session,
    scope: TenantScope,
    *,
    hold_id: UUID,
    amount: Money | None = None,
    expires_at: datetime | None = None,
    now: datetime,
) -> PlacedHold:
    """Keep `amount` more back, or for longer, or both.

    Not repeatable with an amount: whoever got no answer reads the hold. Refuses a hold that is
    closed, and what `place_hold` refuses.
    """
    hold = ledger.get_hold(session, scope.reseller_id, hold_id)
    until = hold.expires_at if expires_at is None else expires_at
    _require_time(max(until, now + SHORTEST_HOLD), now)
    customer_id = _customer_of(session, scope, hold_id)
    wallet = _wallet_of(session, scope, hold_id)
    parts: list[tuple[UUID, int]] = []
    if amount is not None:
        _require_amount(amount)
        if amount.currency != wallet.currency:
            raise WalletNotFoundError(customer=str(customer_id))
        purse = _purse(session, scope, customer_id, wallet.currency, now)
        _require_open(session, scope, hold_id)
        parts = _parts(purse, amount, now, hold.about)
    try:
        ledger.extend_hold(
            session,
            scope.reseller_id,
            hold_id,
            expires_at=until,
            parts=parts,
            currency=wallet.currency,
        )
    except ledger.InsufficientFundsError as refused:
        raise insufficient(refused) from refused
    tell_balances(session, scope, [wallet])
    return read_hold(session, scope, hold_id=hold_id)


def capture_hold(
    session: Session, scope: TenantScope, *, hold_id: UUID, usage: CapturedUsage, now: datetime
) -> Charge:
    """Charge what was used and close the hold, once per event id.

    An event that was charged before is answered as ever, and the hold is released.
    What it cost beyond the hold is charged as far as the balance, the bonus and the grace limit
    go; what is left then stays uncollected and is said (`Charge.facts`). Refuses an unknown hold,
    one that was closed or whose time is over, and what `charge_usage` refuses except for want of
    money and for a customer who was blocked meanwhile.
    """
    event = UsageEvent(
        event_id=usage.event_id,
        customer_id=_customer_of(session, scope, hold_id),
        meter=usage.meter,
        quantity=usage.quantity,
        occurred_at=usage.occurred_at,
        counterparty=usage.counterparty,
        subject=usage.subject,
    )
    return charge_usage(session, scope, usage=event, now=now, hold_id=hold_id)


def release_hold(session: Session, scope: TenantScope, *, hold_id: UUID) -> PlacedHold:
    """Free what is kept back; safe to repeat. Refuses an unknown hold."""
    wallet = _wallet_of(session, scope, hold_id)
    if ledger.release_hold(session, scope.reseller_id, hold_id):
        tell_balances(session, scope, [wallet])
    return read_hold(session, scope, hold_id=hold_id)


def read_hold(session: Session, scope: TenantScope, *, hold_id: UUID) -> PlacedHold:
    """Return a hold as it is at one moment; one whose time is over has expired, written or not.

    Refuses an unknown one; another reseller's looks the same.
    """
    wallet = _wallet_of(session, scope, hold_id)
    seen: PlacedHold | None = None
    # The balance is another query: it counts where the hold was the same before and after it.
    while True:
        hold = ledger.get_hold(session, scope.reseller_id, hold_id)
        state, amount = (
            ledger.present_state(session, hold),
            Money(sum(hold.amounts), wallet.currency),
        )
        if seen is not None and (seen.state, seen.amount) == (state, amount):
            return replace(seen, expires_at=hold.expires_at)
        balance = ledger.get_balance(session, scope.reseller_id, wallet.account_id)
        seen = PlacedHold(
            id=hold.id,
            customer_id=wallet.customer_id,
            amount=amount,
            expires_at=hold.expires_at,
            state=state,
            available=balance.available,
            replayed=True,
        )


def expire_holds(session: Session, scope: TenantScope, *, accounts: list[UUID]) -> int:
    """Write down which holds on these wallets' accounts have expired; return how many."""
    expired = ledger.expire_holds(session, scope.reseller_id, accounts)
    if expired:
        wallets = session.scalars(
            select(Wallet).where(
                Wallet.reseller_id == scope.reseller_id, Wallet.account_id.in_(accounts)
            )
        )
        tell_balances(session, scope, wallets)
    return expired


def quote_usage(
    session: Session,
    scope: TenantScope,
    *,
    customer_id: UUID,
    meter: str,
    quantity: Decimal,
    at: datetime,
    now: datetime,
) -> Money:
    """Return what usage would cost this customer now, gross; nothing is charged or locked."""
    terms = kept_terms(session, scope, meter, at, booked_at=now)
    currency = terms.tariff.currency
    used = Decimal(0)
    if terms.tariff.needs_volume:
        month = business_month(at)
        purse = _purse(session, scope, customer_id, currency, now, volumes_of=at)
        used = purse.used((meter, month))
    else:
        get_wallet(session, scope, customer_id=customer_id, currency=currency)
    return rate(terms, quantity, used=used).quote.gross


def _draft(
    scope: TenantScope,
    key: str,
    customer_id: UUID,
    amount: Money,
    *,
    until: datetime,
    basis: str | None,
    about: str | None,
) -> ledger.HoldDraft:
    _require_amount(amount, least=1 if basis is None else 0)
    facts: dict[str, object] = {"key": key, "customer": customer_id}
    if basis is None:
        facts |= {"minor": amount.minor, "in": amount.currency}
    else:
        facts |= {"basis": basis}
    return ledger.HoldDraft(
        book_id=scope.reseller_id,
        hold_id=new_id(),
        key=hold_key(key),
        input_hash=ledger.fingerprint(facts),
        expires_at=until,
        parts=[(chart.PAYING_WALLET, amount.minor)],
        currency=amount.currency,
        about=about,
    )


def _placed(held: ledger.Held, customer_id: UUID, amount: Money) -> PlacedHold:
    return PlacedHold(
        id=held.hold_id,
        customer_id=customer_id,
        amount=amount,
        expires_at=held.expires_at,
        state=held.state,
        available=Money(held.posted - held.held + held.credit_limit, amount.currency),
        replayed=held.replayed,
    )


def _purse(
    session: Session,
    scope: TenantScope,
    customer_id: UUID,
    currency: str,
    now: datetime,
    *,
    volumes_of: datetime | None = None,
) -> Purse:
    months = [business_month(volumes_of)] if volumes_of else []
    purses = lock_purses(
        session, scope, customers=[customer_id], currency=currency, now=now, months=months
    )
    if customer_id not in purses:
        raise WalletNotFoundError(customer=str(customer_id))
    return purses[customer_id]


def _parts(
    purse: Purse, amount: Money, now: datetime, subject: str | None
) -> list[tuple[UUID, int]]:
    """Return which account keeps how much back; the wallet's own is always among them, first."""
    require_active(purse.state, purse.wallet_id)
    for cap in purse.caps:
        if cap.concerns(subject):
            cap.require_room(amount.minor, business_month(now), amount.currency)
    draws = draw(purse.own_payers(), amount.minor)
    available = drawn(draws)
    if available < amount.minor:
        raise InsufficientFundsError(
            required=amount.minor,
            available=available,
            missing=amount.minor - available,
            currency=amount.currency,
        )
    kept = {each.payer.balance.account_id: each.minor for each in draws}
    own = purse.account_id
    return [(own, kept.pop(own, 0)), *kept.items()]


def _wallet_of(session: Session, scope: TenantScope, hold_id: UUID) -> Wallet:
    hold = ledger.get_hold(session, scope.reseller_id, hold_id)
    wallet = session.scalar(
        select(Wallet).where(
            Wallet.reseller_id == scope.reseller_id, Wallet.account_id == hold.account_id
        )
    )
    if wallet is None:
        raise ledger.HoldNotFoundError(hold=str(hold_id))
    return wallet


def _require_open(session: Session, scope: TenantScope, hold_id: UUID) -> None:
    # Said before money is missed: no top-up would help a hold that is closed.
    hold = ledger.get_hold(session, scope.reseller_id, hold_id)
    if ledger.present_state(session, hold) is not ledger.HoldState.OPEN:
        raise ledger.HoldClosedError(hold=str(hold_id))


def _customer_of(session: Session, scope: TenantScope, hold_id: UUID) -> UUID:
    known = _customers.get((scope.reseller_id, hold_id))
    if known is None:
        known = _wallet_of(session, scope, hold_id).customer_id
        _remember(scope, hold_id, known)
    return known


def _remember(scope: TenantScope, hold_id: UUID, customer_id: UUID) -> None:
    if len(_customers) >= _MOST:
        _customers.clear()
    _customers[scope.reseller_id, hold_id] = customer_id


def _require_amount(amount: Money, *, least: int = 1) -> None:
    if not least <= amount.minor <= GREATEST_TOP_UP:
        raise HoldAmountRefusedError(greatest=GREATEST_TOP_UP)


def _require_time(expires_at: datetime, now: datetime) -> None:
    if not SHORTEST_HOLD <= expires_at - now <= LONGEST_HOLD:
        raise HoldTimeRefusedError(
            shortest=int(SHORTEST_HOLD.total_seconds()), longest=int(LONGEST_HOLD.total_seconds())
        )
