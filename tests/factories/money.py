"""Resellers that sell, customers that pay: all through the product's own use cases."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from app.billing import (
    Charge,
    TopUp,
    TopUpState,
    UsageEvent,
    Wallet,
    attach_checkout,
    charge_usage,
    open_wallet,
    request_top_up,
    settle_top_up,
    wallet_balance,
)
from app.commissions import Step as RateStep
from app.commissions import agree_commission
from app.kernel import Money, now, transaction
from app.ledger import owned_balances
from app.payments import CheckoutPage, CheckoutResult, CheckoutState
from app.pricing import (
    CreditPurpose,
    Increment,
    Offer,
    Step,
    add_meter,
    add_offer,
    sell_offer,
    set_price,
)
from app.tenancy import PLATFORM_ID, PlatformScope, Tenant, TenantScope
from tests.factories.names import unique
from tests.factories.people import a_customer
from tests.factories.tenants import a_reseller

METER = "call_minutes"
# Long before any test's usage: prices and agreements hold from here.
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
CHAIN_RATES = ("0.25", "0.15", "0.10", "0.08", "0.05", "0.02")


def an_offer(
    *,
    unit_price: str = "0.01",
    tax_rate: str = "0.19",
    currency: str = "EUR",
    purpose: CreditPurpose = CreditPurpose.SINGLE,
    meter: str = METER,
    parts: int | None = None,
    increment: str | None = None,
    minimum: str = "0",
    allowance: str = "0",
    steps: Sequence[tuple[str, str]] = (),
    floor: str = "0",
) -> Offer:
    """An offer with one meter; by default a unit costs a cent, so that a quantity is a price.

    A meter is everybody's: give a name of your own with `parts`. `increment` is written 60/1.
    """
    scope = PlatformScope()
    with transaction(scope) as session:
        add_meter(session, scope, meter=meter, unit="minute", parts=parts)
        offer = add_offer(
            session,
            scope,
            slug=unique("offer"),
            currency=currency,
            tax_rate=Decimal(tax_rate),
            credit_purpose=purpose,
        )
        set_price(
            session, scope, offer_id=offer.id, meter=meter, unit_price=Decimal(unit_price),
            valid_from=LONG_AGO, minimum=Decimal(minimum), allowance=Decimal(allowance),
            increment=Increment(*map(int, increment.split("/"))) if increment else None,
            steps=some_steps(*steps), floor_price=Decimal(floor),
        )  # fmt: skip
    return offer


def some_steps(*steps: tuple[str, str]) -> tuple[Step, ...]:
    """Steps of (above, unit price)."""
    return tuple(Step(Decimal(above), Decimal(unit_price)) for above, unit_price in steps)


def a_priced_reseller(
    *,
    offer: Offer | None = None,
    rate: str = "0.25",
    steps: Sequence[tuple[int, str]] = (),
    parent_id: UUID = PLATFORM_ID,
) -> Tenant:
    """A reseller that sells an offer and has agreed a commission; steps as (above minor, rate)."""
    reseller, sold = a_reseller(parent_id=parent_id), offer or an_offer()
    scope = PlatformScope()
    with transaction(scope) as session:
        sell_offer(session, scope, reseller_id=reseller.id, offer_id=sold.id, valid_from=LONG_AGO)
        agree_commission(
            session,
            scope,
            reseller_id=reseller.id,
            rate=Decimal(rate),
            valid_from=LONG_AGO,
            steps=[RateStep(above, Decimal(share)) for above, share in steps],
        )
    return reseller


def a_chain(
    depth: int = 3, *, offer: Offer | None = None, rates: Sequence[str] = CHAIN_RATES
) -> list[Tenant]:
    """Resellers below one another, the topmost first, each with less commission than its parent."""
    sold = offer or an_offer()
    chain: list[Tenant] = []
    for rate in rates[:depth]:
        parent = chain[-1].id if chain else PLATFORM_ID
        chain.append(a_priced_reseller(offer=sold, rate=rate, parent_id=parent))
    return chain


def a_wallet(
    funds: int = 5_000, *, reseller: Tenant | None = None, currency: str = "EUR"
) -> Wallet:
    """A wallet of a new customer; `funds` (0, or from 500 up) come by a settled top-up."""
    owner = reseller or a_priced_reseller()
    customer = a_customer(owner)
    scope = TenantScope(owner.id)
    with transaction(scope) as session:
        wallet = open_wallet(session, scope, customer_id=customer.id, currency=currency)
    if funds:
        a_settled_top_up(wallet, funds)
    return wallet


def a_top_up(wallet: Wallet, minor: int = 1_000, *, request_key: str | None = None) -> TopUp:
    """A top-up that is being created."""
    scope = scope_of_wallet(wallet)
    with transaction(scope) as session:
        return request_top_up(
            session,
            scope,
            customer_id=wallet.customer_id,
            amount=Money(minor, wallet.currency),
            request_key=request_key or unique("request"),
            now=now(),
        )


def a_pending_top_up(wallet: Wallet, minor: int = 1_000) -> TopUp:
    """A top-up with a hosted page that waits for the customer."""
    top_up = a_top_up(wallet, minor)
    scope = scope_of_wallet(wallet)
    page = CheckoutPage(f"cs_{top_up.id.hex}", f"https://pay.example/{top_up.id.hex}")
    with transaction(scope) as session:
        return attach_checkout(session, scope, top_up_id=top_up.id, page=page)


def paid(top_up: TopUp, *, payment_id: str | None = None) -> CheckoutResult:
    """The processor's word that a top-up was paid."""
    return CheckoutResult(
        session_id=f"cs_{top_up.id.hex}",
        reference=str(top_up.id),
        state=CheckoutState.PAID,
        paid=Money(top_up.amount_minor, top_up.currency),
        payment_id=payment_id or f"pi_{top_up.id.hex}",
    )


def settle(top_up: TopUp, result: CheckoutResult | None = None) -> TopUp:
    """Take the processor's word, by default that all was paid."""
    scope = TenantScope(top_up.reseller_id)
    with transaction(scope) as session:
        return settle_top_up(
            session, scope, top_up_id=top_up.id, result=result or paid(top_up), now=now()
        )


def a_settled_top_up(wallet: Wallet, minor: int = 1_000) -> TopUp:
    """Money in the wallet."""
    top_up = settle(a_top_up(wallet, minor))
    assert top_up.state == TopUpState.SETTLED.value
    return top_up


def an_event(
    wallet: Wallet,
    quantity: str = "100",
    *,
    event_id: str | None = None,
    meter: str = METER,
    occurred_at: datetime | None = None,
    counterparty: str | None = None,
) -> UsageEvent:
    """A usage event of the wallet's customer, a minute ago."""
    return UsageEvent(
        event_id=event_id or unique("event"),
        customer_id=wallet.customer_id,
        meter=meter,
        quantity=Decimal(quantity),
        occurred_at=occurred_at or now() - timedelta(minutes=1),
        counterparty=counterparty,
    )


def charge(wallet: Wallet, event: UsageEvent | str = "100") -> Charge:
    """Charge an event, or a new one of this quantity."""
    usage = an_event(wallet, event) if isinstance(event, str) else event
    scope = scope_of_wallet(wallet)
    with transaction(scope) as session:
        return charge_usage(session, scope, usage=usage, now=now())


def funds_of(wallet: Wallet) -> int:
    """What the wallet holds, in minor units."""
    scope = scope_of_wallet(wallet)
    with transaction(scope) as session:
        return wallet_balance(session, scope, wallet=wallet).posted.minor


def owned_by(owner_id: UUID, *, book_id: UUID | None = None) -> dict[str, int]:
    """What a beneficiary's accounts hold by kind, in all books or in one."""
    scope = PlatformScope()
    with transaction(scope) as session:
        sums: dict[str, int] = {}
        for line in owned_balances(session, owner_id):
            if book_id in {None, line.book_id}:
                sums[line.kind] = sums.get(line.kind, 0) + line.posted.minor
    return sums


def scope_of_wallet(wallet: Wallet) -> TenantScope:
    return TenantScope(wallet.reseller_id)
