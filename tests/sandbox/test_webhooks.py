"""Signed deliveries, retries, endpoints and the list of events."""

import time
from typing import Any

import pytest
import stripe

from app.sandbox import start_sandbox
from tests.sandbox.offers import WEBHOOK_SECRET, a_client, a_session, address_of
from tests.sandbox.receiver import Receiver
from tests.sandbox.shopper import Shopper
from tests.sandbox.switches import Switches


def test_a_delivery_is_signed_so_that_the_official_library_accepts_it(
    client: stripe.StripeClient, receiver: Receiver, switches: Switches
) -> None:
    client.v1.customers.create(params={"name": "Jürgen"})

    assert switches.settled()
    letter = receiver.letters[0]
    event = stripe.Webhook.construct_event(letter.payload, letter.signature, WEBHOOK_SECRET)
    assert event.type == "customer.created"
    assert event.data.object["name"] == "Jürgen"
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(letter.payload + b" ", letter.signature, WEBHOOK_SECRET)
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(letter.payload, letter.signature, "whsec_other")


def test_the_signature_is_fresh_whatever_the_virtual_clock_says(
    client: stripe.StripeClient, receiver: Receiver, switches: Switches
) -> None:
    switches.post("/clock", advance=86_400)

    client.v1.customers.create(params={})

    assert switches.settled()
    signed_at = int(receiver.letters[0].signature.split(",")[0].removeprefix("t="))
    assert abs(signed_at - time.time()) < 60
    assert receiver.letters[0].event["created"] > time.time() + 80_000


def test_the_event_names_the_request_that_caused_it(
    client: stripe.StripeClient, receiver: Receiver, switches: Switches
) -> None:
    customer = client.v1.customers.create(params={}, options={"idempotency_key": "one"})

    assert switches.settled()
    assert customer.last_response is not None
    assert receiver.letters[0].event["request"] == {
        "id": customer.last_response.request_id,
        "idempotency_key": "one",
    }


def test_a_failed_delivery_is_tried_again(
    client: stripe.StripeClient, receiver: Receiver, switches: Switches
) -> None:
    receiver.statuses = [500, 302]

    client.v1.customers.create(params={})

    assert switches.settled()
    assert receiver.types == ["customer.created"] * 3
    assert len({letter.event["id"] for letter in receiver.letters}) == 1
    delivery = switches.get("/deliveries")["deliveries"][0]
    assert [attempt["status"] for attempt in delivery["log"]] == [500, 302, 200]
    assert delivery["state"] == "succeeded"


def test_a_delivery_that_never_succeeds_is_given_up_and_listed(receiver: Receiver) -> None:
    receiver.statuses = [500, 500]
    with start_sandbox(webhook_url=receiver.url, retry_delays=(0.01,)) as sandbox:
        client = a_client(sandbox)
        client.v1.customers.create(params={"name": "lost"})
        assert sandbox.wait_until_delivered()
        client.v1.customers.create(params={"name": "told"})
        assert sandbox.wait_until_delivered()

        lost = client.v1.events.list(params={"delivery_success": False}).data
        told = client.v1.events.list(params={"delivery_success": True}).data

    assert [event.data.object["name"] for event in lost] == ["lost"]
    assert [event.data.object["name"] for event in told] == ["told"]
    assert [lost[0].pending_webhooks, told[0].pending_webhooks] == [1, 0]


def test_an_unreachable_endpoint_is_tried_again(
    client: stripe.StripeClient, switches: Switches
) -> None:
    client.v1.webhook_endpoints.create(
        params={"url": "http://127.0.0.1:9/nobody", "enabled_events": ["customer.created"]}
    )

    client.v1.customers.create(params={})

    delivery = _after_attempts(switches, 3)
    assert delivery["state"] == "pending"
    assert "refused" in delivery["log"][0]["answer"]


def test_an_endpoint_gets_only_what_it_asked_for_with_its_own_secret(
    client: stripe.StripeClient, shopper: Shopper, switches: Switches
) -> None:
    other = Receiver()
    endpoint = client.v1.webhook_endpoints.create(
        params={"url": other.url, "enabled_events": ["checkout.session.completed"]}
    )

    shopper.pay(address_of(a_session(client)))

    assert switches.settled()
    other.close()
    assert other.types == ["checkout.session.completed"]
    assert endpoint.secret is not None
    assert endpoint.secret.startswith("whsec_")
    letter = other.letters[0]
    stripe.Webhook.construct_event(letter.payload, letter.signature, endpoint.secret)


def test_a_secret_is_told_once(client: stripe.StripeClient) -> None:
    made = client.v1.webhook_endpoints.create(
        params={"url": "http://127.0.0.1:9/", "enabled_events": ["*"]}
    )

    listed = client.v1.webhook_endpoints.list().data
    again = client.v1.webhook_endpoints.retrieve(made.id)

    assert made.secret is not None
    assert ["secret" in one.to_dict() for one in (*listed, again)] == [False, False, False]


def test_a_deleted_endpoint_gets_nothing_more(
    client: stripe.StripeClient, receiver: Receiver, switches: Switches
) -> None:
    endpoint = client.v1.webhook_endpoints.list().data[0]

    deleted = client.v1.webhook_endpoints.delete(endpoint.id)
    client.v1.customers.create(params={})

    assert deleted.deleted
    assert switches.settled()
    assert receiver.letters == []


def test_a_name_under_localhost_is_reached_on_the_loopback(
    client: stripe.StripeClient, receiver: Receiver, switches: Switches
) -> None:
    endpoint = client.v1.webhook_endpoints.list().data[0]
    address = receiver.url.replace("127.0.0.1", "kontor.localhost")

    client.v1.webhook_endpoints.update(endpoint.id, params={"url": address})
    client.v1.customers.create(params={})

    assert switches.settled()
    assert receiver.types == ["customer.created"]


def test_events_are_listed_by_type_and_retrieved(
    client: stripe.StripeClient, shopper: Shopper
) -> None:
    client.v1.customers.create(params={})
    shopper.pay(address_of(a_session(client)))

    by_type = client.v1.events.list(params={"type": "charge.succeeded"}).data
    by_types = client.v1.events.list(
        params={"types": ["customer.created", "charge.succeeded"]}
    ).data
    by_pattern = client.v1.events.list(params={"type": "payment_intent.*"}).data

    assert [event.type for event in by_type] == ["charge.succeeded"]
    assert [event.type for event in by_types] == ["charge.succeeded", "customer.created"]
    assert {event.type for event in by_pattern} == {
        "payment_intent.created",
        "payment_intent.succeeded",
    }
    assert client.v1.events.retrieve(by_type[0].id).id == by_type[0].id


def test_an_event_keeps_the_object_as_it_was(client: stripe.StripeClient) -> None:
    customer = client.v1.customers.create(params={"name": "before"})

    client.v1.customers.update(customer.id, params={"name": "after"})

    updated, created = client.v1.events.list().data
    assert created.data.object["name"] == "before"
    assert updated.data.object["name"] == "after"
    assert updated.data.to_dict()["previous_attributes"] == {"name": "before"}


def _after_attempts(switches: Switches, count: int) -> dict[str, Any]:
    """Return the delivery that was tried `count` times."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        for delivery in switches.get("/deliveries?state=pending")["deliveries"]:
            if delivery["attempts"] == count:
                return dict(delivery)
        time.sleep(0.02)
    raise AssertionError(switches.get("/deliveries"))
