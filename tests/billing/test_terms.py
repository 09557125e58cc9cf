"""The price is that of the time of use, the shares those of the time of booking; also kept ones."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.billing import UsageEvent, Wallet, WalletNotFoundError, charge_usage, open_wallet
from app.commissions import agree_commission
from app.kernel import now, transaction
from app.pricing import Offer, sell_offer, set_price
from app.tenancy import PlatformScope, Tenant, TenantScope
from tests.factories import a_customer
from tests.factories.money import (
    LONG_AGO,
    METER,
    a_priced_reseller,
    a_wallet,
    an_event,
    an_offer,
    charge,
    owned_by,
)

pytestmark = pytest.mark.usefixtures("connected")
PLATFORM = PlatformScope()
NOON = datetime.fromisoformat("2026-03-01T12:00:00+00:00")


def price(offer: Offer, unit_price: str, valid_from: datetime) -> None:
    with transaction(PLATFORM) as session:
        set_price(
            session,
            PLATFORM,
            offer_id=offer.id,
            meter=METER,
            unit_price=Decimal(unit_price),
            valid_from=valid_from,
        )


def sell(reseller: Tenant, offer: Offer, valid_from: datetime) -> None:
    with transaction(PLATFORM) as session:
        sell_offer(
            session, PLATFORM, reseller_id=reseller.id, offer_id=offer.id, valid_from=valid_from
        )


def agree(reseller: Tenant, rate: str, valid_from: datetime) -> None:
    with transaction(PLATFORM) as session:
        agree_commission(
            session,
            PLATFORM,
            reseller_id=reseller.id,
            rate=Decimal(rate),
            valid_from=valid_from,
        )


def cost_at(wallet: Wallet, at: datetime) -> int:
    """What 100 units cost at a time."""
    return charge(wallet, an_event(wallet, "100", occurred_at=at)).gross.minor


def test_the_price_is_that_of_the_time_of_use_to_the_microsecond() -> None:
    offer = an_offer(unit_price="0.01")
    wallet = a_wallet(5_000, reseller=a_priced_reseller(offer=offer))
    price(offer, "0.02", NOON)

    just_before = NOON - timedelta(microseconds=1)

    assert [cost_at(wallet, at) for at in (just_before, NOON, just_before)] == [100, 200, 100]


def test_a_new_price_holds_at_once_for_a_process_that_kept_the_old_one() -> None:
    offer = an_offer(unit_price="0.01")
    wallet = a_wallet(5_000, reseller=a_priced_reseller(offer=offer))
    before = cost_at(wallet, NOON)

    price(offer, "0.03", NOON)

    assert (before, cost_at(wallet, NOON)) == (100, 300)


def test_another_offer_is_sold_from_its_date_on() -> None:
    reseller = a_priced_reseller(offer=an_offer(unit_price="0.01"))
    wallet = a_wallet(5_000, reseller=reseller)
    before = cost_at(wallet, NOON)

    sell(reseller, an_offer(unit_price="0.05"), NOON)

    assert (before, cost_at(wallet, NOON)) == (100, 500)
    assert cost_at(wallet, NOON - timedelta(hours=1)) == 100


def test_a_new_agreement_shares_what_is_booked_from_its_date_on_whenever_it_was_used() -> None:
    reseller = a_priced_reseller(offer=an_offer(tax_rate="0"), rate="0.25")
    wallet = a_wallet(5_000, reseller=reseller)
    cost_at(wallet, NOON)

    agree(reseller, "0.50", now())
    cost_at(wallet, NOON)
    cost_at(wallet, now())

    assert owned_by(reseller.id, book_id=reseller.id)["commission"] == 25 + 50 + 50


def test_an_agreement_for_later_shares_nothing_before_its_date() -> None:
    reseller = a_priced_reseller(offer=an_offer(tax_rate="0"), rate="0.25")
    wallet = a_wallet(5_000, reseller=reseller)

    agree(reseller, "0.50", now() + timedelta(hours=1))
    cost_at(wallet, NOON)

    assert owned_by(reseller.id, book_id=reseller.id)["commission"] == 25


def test_a_price_added_for_the_past_holds_for_past_usage_charged_from_now_on() -> None:
    offer = an_offer()
    wallet = a_wallet(5_000, reseller=a_priced_reseller(offer=offer))
    before = cost_at(wallet, NOON)

    price(offer, "0.04", LONG_AGO + timedelta(days=1))

    assert (before, cost_at(wallet, NOON)) == (100, 400)


def test_a_wallet_whose_opening_was_rolled_back_is_not_kept() -> None:
    customer = a_customer(a_priced_reseller(offer=an_offer(unit_price="0")))
    scope = TenantScope(customer.reseller_id)
    usage = UsageEvent("event", customer.id, METER, Decimal(1), NOON)

    def act(*, first: bool) -> None:
        with transaction(scope) as session:
            if first:
                open_wallet(session, scope, customer_id=customer.id, currency="EUR")
            charge_usage(session, scope, usage=usage, now=now())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        act(first=True)
    with pytest.raises(WalletNotFoundError):
        act(first=False)


HOURS = st.integers(min_value=-5, max_value=5)


@settings(max_examples=15, deadline=None, print_blob=True)
@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("price"), HOURS, st.integers(1, 9)),
            st.tuples(st.just("charge"), HOURS, st.just(0)),
        ),
        min_size=4,
        max_size=14,
    )
)
def test_whatever_changes_between_charges_each_costs_its_own_times_price(
    steps: list[tuple[str, int, int]],
) -> None:
    offer = an_offer(unit_price="0.01")
    wallet = a_wallet(50_000, reseller=a_priced_reseller(offer=offer))
    prices = {LONG_AGO: 1}

    for kind, hour, cents in steps:
        at = NOON + timedelta(hours=hour)
        if kind == "price" and at not in prices:
            price(offer, f"0.0{cents}", at)
            prices[at] = cents
        elif kind == "charge":
            valid_from = max(since for since in prices if since <= at)
            assert cost_at(wallet, at) == 100 * prices[valid_from]
