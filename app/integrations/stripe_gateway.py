"""Stripe, or the sandbox that speaks its API, behind `PaymentGateway`."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import stripe

from app.kernel import Money
from app.payments import (
    BadSignatureError,
    CheckoutOrder,
    CheckoutPage,
    CheckoutResult,
    CheckoutState,
    GatewayError,
    SignedEvent,
    WebhookDisabledError,
)

# Requirement D6: an outside service gets 5 seconds and 3 retries.
TIMEOUT_SECONDS = 5
RETRIES = 3
# The library checks that a delivery is not older than this; that it is not from the future by
# more is our own check (R4.2).
TOLERANCE_SECONDS = 300
# What is kept of an event's object. The rest names the payer: it is asked for when it is needed.
_KEPT = ("id", "object", "status", "payment_status", "payment_intent", "charge", "metadata")

T = TypeVar("T")


class StripeGateway:
    """The official library's client with our time-outs; `api_base` alone selects the sandbox."""

    def __init__(self, *, secret_key: str, webhook_secret: str, api_base: str = "") -> None:
        self._live = secret_key.startswith(("sk_live_", "rk_live_"))
        self._webhook_secret = webhook_secret
        self._client = stripe.StripeClient(
            secret_key,
            base_addresses={"api": api_base} if api_base else {},
            max_network_retries=RETRIES,
            http_client=stripe.RequestsClient(timeout=TIMEOUT_SECONDS),
        )

    @property
    def is_live(self) -> bool:
        """Whether the key is one for real money; the sandbox's and test keys are not."""
        return self._live

    def create_checkout(self, order: CheckoutOrder) -> CheckoutPage:
        """Make a hosted page for one payment by card; the same key gives the same page.

        Refuses with GatewayError. docs.stripe.com/api/checkout/sessions/create.
        """
        session = _asked(
            lambda: self._client.v1.checkout.sessions.create(
                _parameters(order), {"idempotency_key": order.key}
            )
        )
        if session.url is None:
            raise GatewayError(retryable=True)
        return CheckoutPage(session.id, session.url)

    def retrieve_checkout(self, session_id: str) -> CheckoutResult:
        """Return the present state of a hosted page.

        Refuses with GatewayError, also a page of the other mode (R1.3).
        """
        session = _asked(lambda: self._client.v1.checkout.sessions.retrieve(session_id))
        if session.livemode != self._live:
            raise GatewayError(retryable=False)
        payment = session.payment_intent
        return CheckoutResult(
            session_id=session.id,
            reference=session.client_reference_id or "",
            state=_state(session.status or "", session.payment_status),
            paid=Money(session.amount_total or 0, (session.currency or "eur").upper()),
            payment_id=payment if isinstance(payment, str) or payment is None else payment.id,
        )

    def verify_event(self, body: bytes, signature: str) -> SignedEvent:
        """Return the event in a signed delivery.

        Refuses a missing, wrong, old or future signature, a body that is no event, an event of
        the other mode, and everything while no secret is set (R4.1, R4.2, R4.8).
        """
        if not self._webhook_secret:
            raise WebhookDisabledError
        try:
            event = stripe.Webhook.construct_event(
                body, signature, self._webhook_secret, tolerance=TOLERANCE_SECONDS
            )
        except (ValueError, stripe.SignatureVerificationError) as refused:
            raise BadSignatureError from refused
        if _signed_at(signature) > time.time() + TOLERANCE_SECONDS or event.livemode != self._live:
            raise BadSignatureError
        return SignedEvent(event.id, event.type, _without_payer(event.to_dict()))


def _parameters(order: CheckoutOrder) -> Any:  # noqa: ANN401 - the library's nested TypedDict
    return {
        "mode": "payment",
        "payment_method_types": ["card"],
        "client_reference_id": order.reference,
        "customer_email": order.customer_email,
        "success_url": order.success_url,
        "cancel_url": order.cancel_url,
        "expires_at": int(order.expires_at.timestamp()),
        "locale": order.locale,
        "metadata": order.metadata,
        "payment_intent_data": _payment(order),
        "branding_settings": {
            "display_name": order.brand_name,
            "button_color": order.brand_accent,
        },
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": order.amount.currency.lower(),
                    "unit_amount": order.amount.minor,
                    "product_data": {"name": order.description},
                },
            }
        ],
    }


def _payment(order: CheckoutOrder) -> dict[str, Any]:
    """Return what the payment itself carries; the suffix is on the payer's card statement."""
    suffix = order.statement_suffix
    known = {"statement_descriptor_suffix": suffix} if suffix else {}
    return {"metadata": order.metadata, **known}


def _asked(call: Callable[[], T]) -> T:
    """Return the answer; an error of Stripe's becomes ours, classed retryable or final."""
    try:
        return call()
    except (stripe.APIConnectionError, stripe.RateLimitError) as lost:
        raise GatewayError(retryable=True) from lost
    except stripe.APIError as broken:
        raise GatewayError(retryable=True) from broken
    except stripe.StripeError as refused:
        raise GatewayError(retryable=False) from refused


def _state(status: str, payment_status: str) -> CheckoutState:
    if payment_status == "paid":
        return CheckoutState.PAID
    by_status: Mapping[str, CheckoutState] = {
        "open": CheckoutState.OPEN,
        "expired": CheckoutState.EXPIRED,
    }
    return by_status.get(status, CheckoutState.UNPAID)


def _without_payer(event: Mapping[str, Any]) -> dict[str, object]:
    """Return what an event says of itself, and of its object what names nobody."""
    found = event["data"]["object"]
    kept = {name: found[name] for name in _KEPT if name in found}
    whole = {name: event[name] for name in ("id", "type", "created", "livemode") if name in event}
    return {**whole, "data": {"object": kept}}


def _signed_at(signature: str) -> int:
    stamps = [part[2:] for part in signature.split(",") if part.startswith("t=")]
    return int(stamps[0]) if stamps and stamps[0].isdigit() else 0
