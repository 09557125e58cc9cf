"""The virtual clock."""

import time

import stripe

from tests.sandbox.offers import a_session, address_of, payment_of
from tests.sandbox.receiver import Receiver
from tests.sandbox.shopper import Shopper
from tests.sandbox.switches import Switches


def test_a_session_expires_when_the_clock_passes_its_end(
    client: stripe.StripeClient, receiver: Receiver, switches: Switches
) -> None:
    session = a_session(client, expires_at=int(time.time()) + 1900)
    early = client.v1.checkout.sessions.retrieve(session.id).status

    switches.post("/clock", advance=1901)

    assert early == "open"
    assert client.v1.checkout.sessions.retrieve(session.id).status == "expired"
    assert switches.settled()
    assert receiver.types == ["checkout.session.expired"]


def test_a_payment_that_waits_for_authentication_ends_with_its_session(
    client: stripe.StripeClient, shopper: Shopper, switches: Switches
) -> None:
    session = a_session(client)
    challenge = shopper.pay(address_of(session), "4000002760003184")

    switches.post("/clock", advance=86_401)
    page = shopper.submit(challenge.location, action="authorise")

    assert page.status == 410
    assert payment_of(client, session.id).status == "canceled"
    assert client.v1.charges.list().data == []


def test_a_paid_session_does_not_expire(
    client: stripe.StripeClient, shopper: Shopper, switches: Switches
) -> None:
    session = a_session(client)
    shopper.pay(address_of(session))

    switches.post("/clock", advance=86_401)

    assert client.v1.checkout.sessions.retrieve(session.id).status == "complete"


def test_new_objects_carry_the_virtual_time_until_the_clock_is_reset(
    client: stripe.StripeClient, switches: Switches
) -> None:
    switches.post("/clock", advance=86_400)
    later = client.v1.customers.create(params={})

    switches.post("/clock", reset=True)

    assert later.created - client.v1.customers.create(params={}).created >= 86_399


def test_the_clock_does_not_go_back(switches: Switches) -> None:
    status, _ = switches.send("POST", "/clock", {"advance": -1})

    assert status == 400
    assert switches.get("/clock")["ahead"] == 0
