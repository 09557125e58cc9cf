"""Idempotency keys, as docs.stripe.com/api/idempotent_requests describes them."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import stripe

from app.sandbox import RunningSandbox
from tests.sandbox.offers import a_client, an_offer, with_key
from tests.sandbox.switches import Switches

_DAY = 24 * 60 * 60


def test_the_same_key_returns_the_first_session(client: stripe.StripeClient) -> None:
    first = client.v1.checkout.sessions.create(params=an_offer(), options=with_key("top-up:1"))

    again = client.v1.checkout.sessions.create(params=an_offer(), options=with_key("top-up:1"))

    assert again.id == first.id
    assert first.last_response is not None
    assert again.last_response is not None
    assert "Idempotent-Replayed" not in first.last_response.headers
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    assert again.last_response.headers["Original-Request"] == first.last_response.request_id
    assert len(client.v1.checkout.sessions.list().data) == 1


def test_another_key_makes_another_session(client: stripe.StripeClient) -> None:
    first = client.v1.checkout.sessions.create(params=an_offer(), options=with_key("top-up:1"))

    second = client.v1.checkout.sessions.create(params=an_offer(), options=with_key("top-up:2"))

    assert first.id != second.id


def test_a_key_with_other_parameters_is_refused(client: stripe.StripeClient) -> None:
    client.v1.checkout.sessions.create(params=an_offer(), options=with_key("top-up:1"))

    with pytest.raises(stripe.IdempotencyError, match="same parameters"):
        client.v1.checkout.sessions.create(
            params=an_offer(client_reference_id="other"), options=with_key("top-up:1")
        )

    assert len(client.v1.checkout.sessions.list().data) == 1


def test_a_key_used_at_another_address_is_refused(client: stripe.StripeClient) -> None:
    client.v1.customers.create(params={"name": "Erika"}, options=with_key("one"))

    with pytest.raises(stripe.IdempotencyError):
        client.v1.checkout.sessions.create(params=an_offer(), options=with_key("one"))


def test_parameters_that_fail_validation_leave_the_key_free(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.checkout.sessions.create(
            params=an_offer(success_url="nowhere"), options=with_key("top-up:1")
        )

    session = client.v1.checkout.sessions.create(params=an_offer(), options=with_key("top-up:1"))

    assert session.status == "open"


def test_a_refusal_after_execution_began_is_replayed(client: stripe.StripeClient) -> None:
    offer = an_offer(customer="cus_unknown")

    messages = []
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            client.v1.checkout.sessions.create(params=offer, options=with_key("top-up:1"))
        messages.append(refusal.value)

    assert messages[0].code == messages[1].code == "resource_missing"
    assert messages[1].headers is not None
    assert messages[1].headers["Idempotent-Replayed"] == "true"


def test_a_declined_payment_is_replayed_without_a_second_charge(
    client: stripe.StripeClient,
) -> None:
    declines = []
    for _ in range(2):
        with pytest.raises(stripe.CardError) as decline:
            client.v1.payment_intents.create(
                params={
                    "amount": 5_000,
                    "currency": "eur",
                    "payment_method": "pm_card_chargeDeclined",
                    "confirm": True,
                },
                options=with_key("attempt:1"),
            )
        declines.append(decline.value)

    assert declines[0].http_body == declines[1].http_body
    assert len(client.v1.charges.list().data) == 1


def test_a_saved_failure_of_the_server_is_replayed(
    client: stripe.StripeClient, switches: Switches
) -> None:
    switches.fault("api", "error_executed", path="/v1/checkout/sessions")

    for _ in range(2):
        with pytest.raises(stripe.APIError) as failure:
            client.v1.checkout.sessions.create(params=an_offer(), options=with_key("top-up:1"))
        assert failure.value.http_status == 500

    assert len(client.v1.checkout.sessions.list().data) == 1


def test_a_key_in_use_is_refused_meanwhile(client: stripe.StripeClient, switches: Switches) -> None:
    switches.fault("api", "slow", path="/v1/checkout/sessions", seconds=1)
    made: list[str] = []
    slow = threading.Thread(
        target=lambda: made.append(
            client.v1.checkout.sessions.create(params=an_offer(), options=with_key("top-up:1")).id
        )
    )
    slow.start()
    while switches.get("/faults")["faults"]:
        time.sleep(0.01)
    time.sleep(0.2)

    with pytest.raises(stripe.APIError) as conflict:
        client.v1.checkout.sessions.create(params=an_offer(), options=with_key("top-up:1"))
    slow.join()

    assert conflict.value.http_status == 409
    assert conflict.value.error is not None
    assert conflict.value.error.code == "idempotency_key_in_use"
    assert [one.id for one in client.v1.checkout.sessions.list().data] == made


def test_twenty_threads_with_one_key_make_one_session(sandbox: RunningSandbox) -> None:
    barrier = threading.Barrier(20)

    def create(_: int) -> str:
        client = a_client(sandbox, retries=8)
        barrier.wait()
        return client.v1.checkout.sessions.create(
            params=an_offer(), options=with_key("top-up:1")
        ).id

    with ThreadPoolExecutor(20) as pool:
        ids = set(pool.map(create, range(20)))

    assert len(ids) == 1
    assert {one.id for one in a_client(sandbox).v1.checkout.sessions.list().data} == ids


def test_a_key_is_forgotten_after_a_day(
    client: stripe.StripeClient, sandbox: RunningSandbox
) -> None:
    first = client.v1.customers.create(params={}, options=with_key("one"))
    sandbox.advance(_DAY + 1)

    second = client.v1.customers.create(params={}, options=with_key("one"))

    assert first.id != second.id


def test_reading_ignores_keys(client: stripe.StripeClient) -> None:
    first = client.v1.customers.create(params={})

    for _ in range(2):
        client.v1.customers.list(options=with_key("one"))

    assert client.v1.customers.retrieve(first.id, options=with_key("one")).id == first.id
