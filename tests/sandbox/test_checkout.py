"""The life of a Checkout Session, from the merchant's server over the page and back."""

import time

import pytest
import stripe

from tests.sandbox.offers import (
    CANCEL_URL,
    a_session,
    address_of,
    an_offer,
    charge_of,
    metadata_of,
    payment_of,
)
from tests.sandbox.receiver import Receiver
from tests.sandbox.shopper import Shopper
from tests.sandbox.switches import Switches


def test_a_new_session_is_open_and_has_a_page(
    client: stripe.StripeClient, sandbox_url: str
) -> None:
    session = a_session(client, client_reference_id="top-up 7", metadata={"top_up": "7"})

    assert (session.status, session.payment_status) == ("open", "unpaid")
    assert (session.amount_total, session.currency) == (5_000, "eur")
    assert session.client_reference_id == "top-up 7"
    assert metadata_of(session) == {"top_up": "7"}
    assert session.payment_intent is None
    assert session.url == f"{sandbox_url}/c/pay/{session.id}"


def test_a_paid_session_leads_to_the_success_page_and_is_complete(
    client: stripe.StripeClient, shopper: Shopper
) -> None:
    session = a_session(
        client,
        metadata={"top_up": "7"},
        payment_intent_data={"metadata": {"top_up": "7"}, "description": "Top-up"},
    )

    page = shopper.pay(address_of(session))

    paid = client.v1.checkout.sessions.retrieve(session.id)
    intent = payment_of(client, session.id)
    assert page.status == 303
    assert page.location == f"http://shop.localhost:8000/success?session={session.id}"
    assert (paid.status, paid.payment_status, paid.url) == ("complete", "paid", None)
    assert paid.customer_details is not None
    assert paid.customer_details.email == "erika@example.com"
    assert (intent.status, intent.amount_received) == ("succeeded", 5_000)
    assert metadata_of(intent) == {"top_up": "7"}
    assert intent.description == "Top-up"


def test_the_charge_tells_brand_digits_fingerprint_and_country(
    client: stripe.StripeClient, shopper: Shopper
) -> None:
    first, second = a_session(client), a_session(client)

    shopper.pay(address_of(first), "4000002760000016")
    shopper.pay(address_of(second), "4000002760000016")

    cards = [
        charge_of(payment_of(client, one.id)).payment_method_details for one in (first, second)
    ]
    assert cards[0] is not None
    assert cards[1] is not None
    card, again = cards[0].card, cards[1].card
    assert card is not None
    assert again is not None
    assert (card.brand, card.last4, card.country) == ("visa", "0016", "DE")
    assert card.fingerprint == again.fingerprint


def test_success_tells_the_merchant_everything_once(
    client: stripe.StripeClient, shopper: Shopper, receiver: Receiver, switches: Switches
) -> None:
    session = a_session(client)

    shopper.pay(address_of(session))

    assert switches.settled()
    assert receiver.types == [
        "payment_intent.created",
        "payment_intent.succeeded",
        "charge.succeeded",
        "checkout.session.completed",
    ]
    told = receiver.of_type("checkout.session.completed")[0].event["data"]["object"]
    assert (told["id"], told["payment_status"]) == (session.id, "paid")


def test_a_paid_session_cannot_be_paid_again(client: stripe.StripeClient, shopper: Shopper) -> None:
    session = a_session(client)
    shopper.pay(address_of(session))

    page = shopper.pay(address_of(session))

    assert page.status == 200
    assert "You have already paid" in page.text
    assert len(client.v1.charges.list().data) == 1


def test_setting_up_for_later_keeps_the_card_for_a_customer(
    client: stripe.StripeClient, shopper: Shopper
) -> None:
    session = a_session(client, payment_intent_data={"setup_future_usage": "off_session"})

    shopper.pay(address_of(session))

    paid = client.v1.checkout.sessions.retrieve(session.id)
    assert isinstance(paid.customer, str)
    methods = client.v1.payment_methods.list(params={"customer": paid.customer}).data
    assert [method.card and method.card.last4 for method in methods] == ["4242"]


def test_the_customers_own_address_is_used(client: stripe.StripeClient, shopper: Shopper) -> None:
    customer = client.v1.customers.create(params={"email": "known@example.com"})
    session = a_session(client, customer=customer.id)

    page = shopper.open(address_of(session))
    shopper.pay(address_of(session), email="")

    paid = client.v1.checkout.sessions.retrieve(session.id)
    assert "known@example.com" in page.text
    assert paid.customer == customer.id
    assert paid.customer_details is not None
    assert paid.customer_details.email == "known@example.com"


def test_an_expired_session_takes_no_money(
    client: stripe.StripeClient, shopper: Shopper, receiver: Receiver, switches: Switches
) -> None:
    session = a_session(client)

    client.v1.checkout.sessions.expire(session.id)
    page = shopper.pay(address_of(session))

    assert page.status == 410
    assert "has expired" in page.text
    assert CANCEL_URL in page.text
    assert client.v1.payment_intents.list().data == []
    assert switches.settled()
    assert receiver.types == ["checkout.session.expired"]


def test_only_an_open_session_can_be_expired(client: stripe.StripeClient, shopper: Shopper) -> None:
    session = a_session(client)
    shopper.pay(address_of(session))

    with pytest.raises(stripe.InvalidRequestError, match="has a status of `complete`"):
        client.v1.checkout.sessions.expire(session.id)

    assert client.v1.checkout.sessions.retrieve(session.id).status == "complete"


@pytest.mark.parametrize("minutes", [29, 24 * 60 + 1])
def test_expiry_must_be_between_half_an_hour_and_a_day(
    client: stripe.StripeClient, minutes: int
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        a_session(client, expires_at=int(time.time()) + minutes * 60)

    assert refusal.value.param == "expires_at"
    assert client.v1.checkout.sessions.list().data == []


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"mode": "setup"}, "mode"),
        ({"success_url": "javascript:alert(1)"}, "success_url"),
        ({"success_url": None}, "success_url"),
        ({"cancel_url": "//example.com"}, "cancel_url"),
        ({"line_items": []}, "line_items"),
        ({"customer_email": "nobody"}, "customer_email"),
        ({"customer": "cus_unknown"}, "customer"),
        ({"locale": "xx"}, "locale"),
        ({"branding_settings": {"button_color": "red;}"}}, "branding_settings[button_color]"),
        ({"metadata": {"k" * 41: "v"}}, f"metadata[{'k' * 41}]"),
        ({"line_itms": "typo"}, "line_itms"),
    ],
)
def test_wrong_parameters_are_refused_by_name(
    client: stripe.StripeClient, changes: dict[str, object], param: str
) -> None:
    offer = {key: value for key, value in an_offer(**changes).items() if value is not None}

    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.checkout.sessions.create(params=offer)  # type: ignore[arg-type]

    assert refusal.value.param == param
    assert client.v1.checkout.sessions.list().data == []


def test_amounts_below_the_minimum_are_refused(client: stripe.StripeClient) -> None:
    price = {"currency": "eur", "unit_amount": 49, "product_data": {"name": "Little"}}

    with pytest.raises(stripe.InvalidRequestError, match=r"at least €0\.50 eur") as refusal:
        a_session(client, line_items=[{"price_data": price, "quantity": 1}])

    assert refusal.value.code == "amount_too_small"


def test_line_items_are_listed_and_summed(client: stripe.StripeClient) -> None:
    price = {"currency": "eur", "unit_amount": 250, "product_data": {"name": "Unit"}}
    session = a_session(client, line_items=[{"price_data": price, "quantity": 3}])

    items = client.v1.checkout.sessions.line_items.list(session.id).data

    assert session.amount_total == 750
    assert [(item.description, item.quantity, item.amount_total) for item in items] == [
        ("Unit", 3, 750)
    ]
