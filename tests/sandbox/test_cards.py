"""What each test card does on the hosted page."""

import pytest
import stripe

from tests.sandbox.offers import a_session, address_of, charge_of, payment_of
from tests.sandbox.receiver import Receiver
from tests.sandbox.shopper import Page, Shopper
from tests.sandbox.switches import Switches


@pytest.mark.parametrize(
    ("number", "codes", "words"),
    [
        ("4000000000000002", ("card_declined", "generic_decline"), "Your card was declined."),
        ("4000000000009995", ("card_declined", "insufficient_funds"), "insufficient funds"),
        ("4000000000009987", ("card_declined", "lost_card"), "Your card was declined."),
        ("4000000000009979", ("card_declined", "stolen_card"), "Your card was declined."),
        ("4000000000000069", ("expired_card", None), "Your card has expired."),
        ("4000000000000127", ("incorrect_cvc", None), "security code is incorrect."),
        ("4000000000000119", ("processing_error", None), "An error occurred while processing"),
        ("4100000000000019", ("card_declined", "fraudulent"), "Your card was declined."),
    ],
)
def test_a_declined_card_says_so_and_leaves_the_session_open(
    client: stripe.StripeClient,
    shopper: Shopper,
    number: str,
    codes: tuple[str, str | None],
    words: str,
) -> None:
    session = a_session(client)

    page = shopper.pay(address_of(session), number)

    intent = payment_of(client, session.id)
    charge = charge_of(intent)
    error = intent.last_payment_error
    assert error is not None
    assert page.status == 402
    assert words in page.text.replace("&#39;", "'")
    assert (error.code, error.to_dict().get("decline_code")) == codes
    assert (charge.status, charge.paid, charge.failure_code) == ("failed", False, codes[0])
    assert intent.status == "requires_payment_method"
    assert client.v1.checkout.sessions.retrieve(session.id).status == "open"


def test_the_page_never_says_that_a_card_was_stolen(
    client: stripe.StripeClient, shopper: Shopper
) -> None:
    stolen, declined = a_session(client), a_session(client)

    told = _banner(shopper.pay(address_of(stolen), "4000000000009979"))

    assert told == _banner(shopper.pay(address_of(declined), "4000000000000002"))


def test_another_card_pays_after_a_decline(
    client: stripe.StripeClient, shopper: Shopper, receiver: Receiver, switches: Switches
) -> None:
    session = a_session(client)
    shopper.pay(address_of(session), "4000000000000002")

    page = shopper.pay(address_of(session))

    assert page.status == 303
    assert payment_of(client, session.id).status == "succeeded"
    assert switches.settled()
    assert receiver.types == [
        "payment_intent.created",
        "charge.failed",
        "payment_intent.payment_failed",
        "payment_intent.succeeded",
        "charge.succeeded",
        "checkout.session.completed",
    ]


@pytest.mark.parametrize("number", ["4000002500003155", "4000002760003184"])
def test_an_authorised_challenge_pays(
    client: stripe.StripeClient, shopper: Shopper, number: str
) -> None:
    session = a_session(client)

    challenge = shopper.pay(address_of(session), number)
    waiting = payment_of(client, session.id)
    shown = shopper.open(challenge.location)
    done = shopper.submit(challenge.location, action="authorise")

    intent = payment_of(client, session.id)
    assert waiting.status == "requires_action"
    assert "Authorise payment" in shown.text
    assert done.location == f"http://shop.localhost:8000/success?session={session.id}"
    assert intent.status == "succeeded"
    details = charge_of(intent).payment_method_details
    assert details is not None
    assert details.card is not None
    assert details.card.three_d_secure is not None
    assert details.card.three_d_secure.result == "authenticated"


def test_a_failed_challenge_leads_back_to_the_page(
    client: stripe.StripeClient, shopper: Shopper, receiver: Receiver, switches: Switches
) -> None:
    session = a_session(client)
    challenge = shopper.pay(address_of(session), "4000002760003184")

    done = shopper.submit(challenge.location, action="fail")
    page = shopper.open(done.location)

    intent = payment_of(client, session.id)
    assert page.status == 200
    assert "unable to authenticate" in page.text
    assert intent.status == "requires_payment_method"
    assert intent.last_payment_error is not None
    assert intent.last_payment_error.code == "payment_intent_authentication_failure"
    assert client.v1.checkout.sessions.retrieve(session.id).status == "open"
    assert switches.settled()
    assert receiver.types[-1] == "payment_intent.payment_failed"


def test_a_challenge_may_end_in_a_decline(client: stripe.StripeClient, shopper: Shopper) -> None:
    session = a_session(client)
    challenge = shopper.pay(address_of(session), "4000008260003178")

    done = shopper.submit(challenge.location, action="authorise")

    assert "insufficient funds" in shopper.open(done.location).text
    assert client.v1.checkout.sessions.retrieve(session.id).payment_status == "unpaid"


def test_an_answered_challenge_cannot_be_answered_again(
    client: stripe.StripeClient, shopper: Shopper
) -> None:
    session = a_session(client)
    challenge = shopper.pay(address_of(session), "4000002760003184")
    shopper.submit(challenge.location, action="authorise")

    page = shopper.submit(challenge.location, action="authorise")

    assert page.status == 200
    assert len(client.v1.charges.list().data) == 1


def test_a_card_that_is_no_test_card_is_refused_and_not_kept(
    client: stripe.StripeClient, shopper: Shopper
) -> None:
    session = a_session(client)

    page = shopper.pay(address_of(session), "4111111111111111")

    assert page.status == 402
    assert "not a test card" in page.text
    assert client.v1.charges.list().data == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("number", "4242424242424241"),
        ("number", "12"),
        ("expiry", "13 / 30"),
        ("expiry", "01 / 20"),
        ("cvc", "1"),
        ("name", ""),
        ("email", "nobody"),
    ],
)
def test_a_wrong_field_is_marked_and_nothing_is_tried(
    client: stripe.StripeClient, shopper: Shopper, field: str, value: str
) -> None:
    session = a_session(client)

    page = shopper.submit(
        address_of(session),
        **{
            "number": "4242424242424242",
            "expiry": "12/34",
            "cvc": "123",
            "name": "Erika",
            "email": "erika@example.com",
            field: value,
        },
    )

    assert page.status == 422
    assert f'id="{field}-error"' in page.text
    assert client.v1.payment_intents.list().data == []


def _banner(page: Page) -> str:
    return page.text.split('data-testid="problem"')[1].split("</div>")[0]
