"""PaymentIntents without a session, on and off session, and refunds."""

import pytest
import stripe

from tests.sandbox.offers import a_session, address_of, payment_of
from tests.sandbox.receiver import Receiver
from tests.sandbox.shopper import Shopper
from tests.sandbox.switches import Switches


def test_a_kept_card_pays_without_the_customer(
    client: stripe.StripeClient, shopper: Shopper
) -> None:
    customer, method = _kept_card(client, shopper, "4242424242424242")

    intent = _pay_off_session(client, customer, method)

    assert (intent.status, intent.amount_received) == ("succeeded", 2_500)


def test_a_card_set_up_with_a_challenge_pays_later_without_one(
    client: stripe.StripeClient, shopper: Shopper
) -> None:
    customer, method = _kept_card(client, shopper, "4000002500003155")

    intent = _pay_off_session(client, customer, method)

    assert intent.status == "succeeded"


def test_a_card_that_always_asks_cannot_pay_without_the_customer(
    client: stripe.StripeClient, shopper: Shopper
) -> None:
    customer, method = _kept_card(client, shopper, "4000002760003184")

    with pytest.raises(stripe.CardError) as decline:
        _pay_off_session(client, customer, method)

    assert decline.value.code == "authentication_required"
    assert decline.value.error is not None
    assert decline.value.error.payment_intent is not None
    intent = client.v1.payment_intents.retrieve(decline.value.error.payment_intent["id"])
    assert intent.status == "requires_payment_method"


def test_the_customer_may_confirm_the_same_payment_later(
    client: stripe.StripeClient, shopper: Shopper
) -> None:
    customer, method = _kept_card(client, shopper, "4000002760003184")
    with pytest.raises(stripe.CardError):
        _pay_off_session(client, customer, method)
    intent = client.v1.payment_intents.list().data[0]

    waiting = client.v1.payment_intents.confirm(
        intent.id,
        params={"payment_method": method, "return_url": "http://shop.localhost:8000/back?a=1"},
    )
    assert waiting.next_action is not None
    assert waiting.next_action.redirect_to_url is not None
    page = shopper.submit(waiting.next_action.redirect_to_url.url or "", action="authorise")

    assert waiting.status == "requires_action"
    assert page.location.startswith("http://shop.localhost:8000/back?a=1&payment_intent=pi_")
    assert client.v1.payment_intents.retrieve(intent.id).status == "succeeded"


def test_a_detached_card_cannot_pay_without_the_customer(
    client: stripe.StripeClient, shopper: Shopper, receiver: Receiver, switches: Switches
) -> None:
    customer, method = _kept_card(client, shopper, "4242424242424242")

    client.v1.payment_methods.detach(method)

    with pytest.raises(stripe.InvalidRequestError):
        _pay_off_session(client, customer, method)
    assert switches.settled()
    assert receiver.types[-1] == "payment_method.detached"


def test_a_payment_can_be_made_in_two_steps_or_given_up(client: stripe.StripeClient) -> None:
    first, second = (
        client.v1.payment_intents.create(params={"amount": 700, "currency": "eur"})
        for _ in range(2)
    )

    paid = client.v1.payment_intents.confirm(first.id, params={"payment_method": "pm_card_visa"})
    dropped = client.v1.payment_intents.cancel(second.id)

    assert (first.status, paid.status) == ("requires_payment_method", "succeeded")
    assert dropped.status == "canceled"
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payment_intents.cancel(first.id)


def test_refunds_add_up_to_the_charge_and_no_further(
    client: stripe.StripeClient, shopper: Shopper, receiver: Receiver, switches: Switches
) -> None:
    session = a_session(client)
    shopper.pay(address_of(session))
    intent = payment_of(client, session.id)

    part = client.v1.refunds.create(params={"payment_intent": intent.id, "amount": 2_000})
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded"):
        client.v1.refunds.create(params={"payment_intent": intent.id, "amount": 3_001})
    rest = client.v1.refunds.create(params={"payment_intent": intent.id})
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.refunds.create(params={"payment_intent": intent.id})

    charge = client.v1.charges.list().data[0]
    assert [part.amount, rest.amount] == [2_000, 3_000]
    assert (charge.amount_refunded, charge.refunded) == (5_000, True)
    assert refusal.value.code == "charge_already_refunded"
    assert client.v1.refunds.retrieve(part.id).status == "succeeded"
    assert switches.settled()
    told = [letter.event["data"]["object"] for letter in receiver.of_type("charge.refunded")]
    assert [one["amount_refunded"] for one in told] == [2_000, 5_000]


def test_an_unpaid_payment_cannot_be_refunded(client: stripe.StripeClient) -> None:
    intent = client.v1.payment_intents.create(params={"amount": 700, "currency": "eur"})

    with pytest.raises(stripe.InvalidRequestError, match="successful charge"):
        client.v1.refunds.create(params={"payment_intent": intent.id})

    assert client.v1.refunds.list().data == []


def _kept_card(client: stripe.StripeClient, shopper: Shopper, number: str) -> tuple[str, str]:
    customer = client.v1.customers.create(params={"email": "erika@example.com"})
    session = a_session(
        client,
        customer=customer.id,
        payment_intent_data={"setup_future_usage": "off_session"},
    )
    page = shopper.pay(address_of(session), number)
    if "/c/authenticate/" in page.location:
        shopper.submit(page.location, action="authorise")
    method = payment_of(client, session.id).payment_method
    assert isinstance(method, str)
    return customer.id, method


def _pay_off_session(
    client: stripe.StripeClient, customer: str, method: str
) -> stripe.PaymentIntent:
    return client.v1.payment_intents.create(
        params={
            "amount": 2_500,
            "currency": "eur",
            "customer": customer,
            "payment_method": method,
            "off_session": True,
            "confirm": True,
            "error_on_requires_action": True,
        }
    )
