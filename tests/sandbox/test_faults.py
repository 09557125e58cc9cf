"""Scripted faults: answers that go missing, deliveries in every order, a Stripe that is down."""

import time

import pytest
import stripe

from app.sandbox import RunningSandbox
from tests.sandbox.offers import (
    a_client,
    a_session,
    address_of,
    an_offer,
    payment_of,
    with_key,
)
from tests.sandbox.receiver import Receiver
from tests.sandbox.shopper import Shopper
from tests.sandbox.switches import Switches

SESSIONS = "/v1/checkout/sessions"


def test_a_lost_answer_and_the_same_key_give_the_same_session(
    client: stripe.StripeClient, switches: Switches
) -> None:
    switches.fault("api", "lose_answer", method="POST", path=SESSIONS)

    with pytest.raises(stripe.APIConnectionError):
        client.v1.checkout.sessions.create(params=an_offer(), options=with_key("top-up:1"))
    lost = client.v1.checkout.sessions.list().data
    session = client.v1.checkout.sessions.create(params=an_offer(), options=with_key("top-up:1"))

    assert [one.id for one in lost] == [session.id]
    assert len(client.v1.checkout.sessions.list().data) == 1


def test_the_library_itself_heals_a_lost_answer(
    sandbox: RunningSandbox, switches: Switches
) -> None:
    switches.fault("api", "lose_answer", method="POST", path=SESSIONS)
    client = a_client(sandbox, retries=2)

    session = a_session(client)

    assert [one.id for one in client.v1.checkout.sessions.list().data] == [session.id]


def test_an_error_that_was_not_executed_leaves_the_key_free(
    client: stripe.StripeClient, switches: Switches
) -> None:
    switches.fault("api", "error", path=SESSIONS, method="POST")

    with pytest.raises(stripe.APIError):
        client.v1.checkout.sessions.create(params=an_offer(), options=with_key("top-up:1"))
    nothing = client.v1.checkout.sessions.list().data
    session = client.v1.checkout.sessions.create(params=an_offer(), options=with_key("top-up:1"))

    assert nothing == []
    assert session.status == "open"


def test_an_error_that_was_executed_left_its_effect(
    client: stripe.StripeClient, switches: Switches
) -> None:
    switches.fault("api", "error_executed", path="/v1/customers")

    with pytest.raises(stripe.APIError):
        client.v1.customers.create(params={"email": "erika@example.com"})

    found = client.v1.customers.list(params={"email": "erika@example.com"}).data
    assert len(found) == 1


@pytest.mark.parametrize(("effect", "made"), [("timeout", 0), ("timeout_executed", 1)])
def test_a_timeout_ends_without_an_answer(
    client: stripe.StripeClient, switches: Switches, effect: str, made: int
) -> None:
    switches.fault("api", effect, method="POST", path="/v1/customers", seconds=0.3)
    started = time.monotonic()

    with pytest.raises(stripe.APIConnectionError):
        client.v1.customers.create(params={})

    assert time.monotonic() - started >= 0.3
    assert len(client.v1.customers.list().data) == made


def test_a_rate_limit_strikes_as_often_as_scripted(
    client: stripe.StripeClient, switches: Switches
) -> None:
    switches.fault("api", "rate_limit", times=2)

    for _ in range(2):
        with pytest.raises(stripe.RateLimitError):
            client.v1.customers.list()

    assert client.v1.customers.list().data == []


def test_a_fault_strikes_only_what_it_names(
    client: stripe.StripeClient, switches: Switches
) -> None:
    switches.fault("api", "error", method="POST", path="/v1/refunds*", times=None)

    session = a_session(client)

    assert session.status == "open"
    assert len(switches.get("/faults")["faults"]) == 1


def test_cleared_faults_do_not_strike(client: stripe.StripeClient, switches: Switches) -> None:
    switches.fault("api", "error", times=None)
    switches.fault("webhook", "never", times=None)

    cleared = switches.send("DELETE", "/faults")[1]

    assert cleared == {"cleared": 2}
    assert client.v1.customers.list().data == []


@pytest.mark.parametrize(
    "fault",
    [
        {"on": "api", "effect": "twice"},
        {"on": "moon", "effect": "error"},
        {"on": "api", "effect": "error", "pth": "/v1"},
        {"on": "api", "effect": "slow", "seconds": "many"},
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(
    switches: Switches, fault: dict[str, object]
) -> None:
    status, _ = switches.send("POST", "/faults", fault)

    assert status == 400
    assert switches.get("/faults") == {"faults": []}


def test_an_event_is_delivered_twice(
    client: stripe.StripeClient, receiver: Receiver, switches: Switches
) -> None:
    switches.fault("webhook", "twice", type="customer.created")

    client.v1.customers.create(params={})

    assert switches.settled()
    assert len(receiver.letters) == 2
    assert receiver.letters[0].event["id"] == receiver.letters[1].event["id"]


def test_an_event_is_delivered_late(
    client: stripe.StripeClient, receiver: Receiver, switches: Switches
) -> None:
    switches.fault("webhook", "late", type="customer.created", seconds=3600)

    late, early = (client.v1.customers.create(params={}) for _ in range(2))
    assert receiver.waits_for(1)
    switches.post("/clock", advance=3600)

    assert switches.settled()
    arrived = [letter.event["data"]["object"]["id"] for letter in receiver.letters]
    assert arrived == [early.id, late.id]


def test_an_event_that_is_never_delivered_is_listed_as_undelivered(
    client: stripe.StripeClient, receiver: Receiver, switches: Switches
) -> None:
    switches.fault("webhook", "never", type="customer.*")

    client.v1.customers.create(params={})

    assert switches.settled()
    undelivered = client.v1.events.list(params={"delivery_success": False}).data
    assert receiver.letters == []
    assert [event.type for event in undelivered] == ["customer.created"]


@pytest.fixture
def held_payment(
    client: stripe.StripeClient, shopper: Shopper, receiver: Receiver, switches: Switches
) -> Receiver:
    """A payment whose three last events wait to be released."""
    switches.fault("webhook", "never", type="payment_intent.created")
    switches.fault("webhook", "hold", times=None)
    shopper.pay(address_of(a_session(client)))
    return receiver


@pytest.mark.parametrize(
    ("order", "arrival"),
    [
        (
            "given",
            ["payment_intent.succeeded", "charge.succeeded", "checkout.session.completed"],
        ),
        (
            "reversed",
            ["checkout.session.completed", "charge.succeeded", "payment_intent.succeeded"],
        ),
        (
            ["charge.succeeded", "checkout.session.completed"],
            ["charge.succeeded", "checkout.session.completed", "payment_intent.succeeded"],
        ),
    ],
)
def test_held_events_are_released_in_the_order_asked_for(
    held_payment: Receiver, switches: Switches, order: object, arrival: list[str]
) -> None:
    assert held_payment.letters == []

    released = switches.post("/deliveries/release", order=order)

    assert switches.settled()
    assert released == {"released": 3}
    assert held_payment.types == arrival


def test_an_event_can_be_delivered_again(
    client: stripe.StripeClient, receiver: Receiver, switches: Switches
) -> None:
    switches.fault("webhook", "never")
    client.v1.customers.create(params={})
    event = client.v1.events.list().data[0]

    answer = switches.post(f"/events/{event.id}/deliver")

    assert answer == {"deliveries": 1}
    assert switches.settled()
    assert receiver.types == ["customer.created"]
    assert client.v1.events.list(params={"delivery_success": False}).data == []


def test_a_payment_is_declined_whatever_the_card(
    client: stripe.StripeClient, shopper: Shopper, switches: Switches
) -> None:
    switches.fault("payment", "decline", decline_code="insufficient_funds")
    session = a_session(client)

    refused = shopper.pay(address_of(session))
    paid = shopper.pay(address_of(session))

    assert (refused.status, paid.status) == (402, 303)
    assert payment_of(client, session.id).status == "succeeded"


def test_a_dead_sandbox_answers_nobody_until_it_lives_again(
    client: stripe.StripeClient, shopper: Shopper, switches: Switches
) -> None:
    session = a_session(client)

    switches.post("/dead", on=True)
    with pytest.raises(stripe.APIError) as unavailable:
        client.v1.customers.list()
    page = shopper.open(address_of(session))
    switches.post("/dead", on=True, mode="refuse")
    with pytest.raises(stripe.APIConnectionError):
        client.v1.customers.list()
    switches.post("/dead", on=False)

    assert unavailable.value.http_status == 503
    assert page.status == 503
    assert client.v1.customers.list().data == []


def test_a_dead_sandbox_delivers_when_it_lives_again(
    client: stripe.StripeClient, receiver: Receiver, switches: Switches
) -> None:
    switches.fault("webhook", "hold")
    client.v1.customers.create(params={})
    switches.post("/dead", on=True)

    switches.post("/deliveries/release")
    time.sleep(0.2)
    meanwhile = len(receiver.letters)
    switches.post("/dead", on=False)

    assert switches.settled()
    assert meanwhile == 0
    assert len(receiver.letters) == 1


def test_the_developers_page_shows_payments_and_events(
    client: stripe.StripeClient, shopper: Shopper, sandbox_url: str
) -> None:
    session = a_session(client, payment_intent_data={"metadata": {"top_up": "<7>"}})
    shopper.pay(address_of(session))

    page = shopper.open(f"{sandbox_url}/_sandbox/")

    assert page.status == 200
    assert session.id in page.text
    assert "checkout.session.completed" in page.text
    assert "Deliver again" in page.text
    assert "top_up: &lt;7&gt;" in page.text


def test_a_button_of_the_developers_page_leads_back_to_it(
    client: stripe.StripeClient, shopper: Shopper, sandbox_url: str, switches: Switches
) -> None:
    client.v1.customers.create(params={})

    page = shopper.submit(f"{sandbox_url}/_sandbox/clock", advance="1800")

    assert (page.status, page.location) == (303, f"{sandbox_url}/_sandbox/")
    assert switches.get("/clock")["ahead"] == 1800


def test_another_sites_page_cannot_press_the_buttons(
    shopper: Shopper, sandbox_url: str, switches: Switches
) -> None:
    page = shopper.submit_from_elsewhere(f"{sandbox_url}/_sandbox/dead", on="true")

    assert page.status == 403
    assert switches.get("/dead") == {"dead": None}
