"""Builders of what the tests sell."""

from typing import cast

import stripe
from stripe import RequestOptions
from stripe.params.checkout import SessionCreateParams

from app.sandbox import RunningSandbox

SUCCESS_URL = "http://shop.localhost:8000/success?session={CHECKOUT_SESSION_ID}"
WEBHOOK_SECRET = "whsec_of_these_tests"
CANCEL_URL = "http://shop.localhost:8000/cancelled"


def an_offer(**changes: object) -> SessionCreateParams:
    offer: dict[str, object] = {
        "mode": "payment",
        "success_url": SUCCESS_URL,
        "cancel_url": CANCEL_URL,
        "line_items": [
            {
                "price_data": {
                    "currency": "eur",
                    "unit_amount": 5_000,
                    "product_data": {"name": "Prepaid credit"},
                },
                "quantity": 1,
            }
        ],
    }
    return cast("SessionCreateParams", {**offer, **changes})


def a_client(
    sandbox: RunningSandbox, key: str = "sk_test_anything", retries: int = 0
) -> stripe.StripeClient:
    return stripe.StripeClient(
        key, base_addresses={"api": sandbox.url}, max_network_retries=retries
    )


def with_key(key: str) -> RequestOptions:
    return {"idempotency_key": key}


def a_session(client: stripe.StripeClient, **changes: object) -> stripe.checkout.Session:
    return client.v1.checkout.sessions.create(params=an_offer(**changes))


def address_of(session: stripe.checkout.Session) -> str:
    assert session.url is not None
    return session.url


def payment_of(client: stripe.StripeClient, session_id: str) -> stripe.PaymentIntent:
    session = client.v1.checkout.sessions.retrieve(
        session_id, params={"expand": ["payment_intent.latest_charge"]}
    )
    assert isinstance(session.payment_intent, stripe.PaymentIntent)
    return session.payment_intent


def charge_of(intent: stripe.PaymentIntent) -> stripe.Charge:
    assert isinstance(intent.latest_charge, stripe.Charge)
    return intent.latest_charge


def metadata_of(
    thing: stripe.checkout.Session | stripe.PaymentIntent | stripe.Customer,
) -> dict[str, str]:
    assert thing.metadata is not None
    return {key: str(value) for key, value in thing.metadata.to_dict().items()}
