"""What the hosted page does when the customer pays: the way from a card to a completed session."""

from dataclasses import dataclass
from enum import StrEnum

from app.sandbox import (
    cards,
    checkout_sessions,
    customers,
    events,
    payment_intents,
    payment_methods,
    payments,
)
from app.sandbox.cards import TestCard
from app.sandbox.errors import CardError
from app.sandbox.json_types import Json
from app.sandbox.payment_intents import Order
from app.sandbox.store import Transaction

# Stands in for a number that is no test card; only its last digits are kept.
_LIVE_LOOKING = "test_mode_live_card"


class Step(StrEnum):
    """Where a payment stands after an attempt."""

    PAID = "paid"
    DECLINED = "declined"
    CHALLENGE = "challenge"
    CLOSED = "closed"


@dataclass(frozen=True)
class CardEntry:
    """A checked card form; `email` is None where the session already has one."""

    number: str
    expiry: tuple[int, int]
    name: str
    email: str | None


@dataclass(frozen=True)
class Result:
    """The step reached; `reason` is a decline code, `intent` the payment, where there are any."""

    step: Step
    reason: str | None = None
    intent: str | None = None


def pay(tx: Transaction, session: Json, entry: CardEntry) -> Result:
    """Try to pay an open session with a card."""
    if session["status"] != "open":
        return Result(Step.CLOSED)
    card = cards.by_number(entry.number)
    if card is None:
        return Result(Step.DECLINED, reason=_LIVE_LOOKING)
    email = entry.email or known_email(tx, session)
    session["customer_details"] = _payer(entry.name, email)
    intent = _intent(tx, session)
    _ensure_customer(tx, session, intent, entry.name, email)
    tx.save(session)
    method = _method(tx, card, entry, email)
    try:
        intent = payments.attempt(tx, intent, method)
    except CardError as declined:
        return Result(Step.DECLINED, declined.decline_code or declined.code, intent["id"])
    if intent["status"] == "requires_action":
        return Result(Step.CHALLENGE, intent=intent["id"])
    checkout_sessions.complete(tx, session)
    return Result(Step.PAID, intent=intent["id"])


def answer_challenge(tx: Transaction, intent: Json, *, is_authorised: bool) -> Result:
    """Carry on after 3-D Secure, with or without a session around the payment."""
    if intent["status"] != "requires_action":
        return Result(Step.CLOSED, intent=intent["id"])
    try:
        intent = payments.authenticate(tx, intent, is_authorised=is_authorised)
    except CardError as declined:
        return Result(Step.DECLINED, declined.decline_code or declined.code, intent["id"])
    if intent["status"] != "succeeded":
        return Result(Step.DECLINED, "authentication_failed", intent["id"])
    session = session_of(tx, intent)
    if session is not None:
        checkout_sessions.complete(tx, session)
    return Result(Step.PAID, intent=intent["id"])


def session_of(tx: Transaction, intent: Json) -> Json | None:
    """Return the session a payment belongs to."""
    found = tx.where("checkout.session", "payment_intent", intent["id"])
    return found[0] if found else None


def known_email(tx: Transaction, session: Json) -> str | None:
    """Return the e-mail address the page need not ask for."""
    if session["customer_email"] is not None:
        return str(session["customer_email"])
    if session["customer"] is None:
        return None
    customer = tx.find("customer", session["customer"]) or {}
    return customer.get("email")


def success_address(session: Json) -> str:
    """Return where the customer goes after paying."""
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])


def _payer(name: str, email: str | None) -> Json:
    return {
        "address": dict(payment_methods.NO_ADDRESS),
        "business_name": None,
        "email": email,
        "individual_name": None,
        "name": name,
        "phone": None,
        "tax_exempt": "none",
        "tax_ids": [],
    }


def _method(tx: Transaction, card: TestCard, entry: CardEntry, email: str | None) -> Json:
    billing = payment_methods.billing_details(entry.name, email)
    return payment_methods.new_method(tx, card, expiry=entry.expiry, billing=billing)


def _intent(tx: Transaction, session: Json) -> Json:
    """Return the session's payment, made at the first attempt as Stripe does."""
    if session["payment_intent"] is not None:
        return tx.get("payment_intent", session["payment_intent"])
    data = tx.private(session["id"])["payment_intent_data"]
    order = Order(
        amount=session["amount_total"],
        currency=session["currency"],
        customer=session["customer"],
        **data,
    )
    intent = payment_intents.place(tx, order)
    session["payment_intent"] = intent["id"]
    return intent


def _ensure_customer(
    tx: Transaction, session: Json, intent: Json, name: str, email: str | None
) -> None:
    wants_one = session["customer_creation"] == "always" or intent["setup_future_usage"]
    if session["customer"] is not None or not wants_one:
        return
    customer = tx.save(customers.blank(tx) | {"name": name, "email": email})
    events.emit(tx, "customer.created", customer)
    session["customer"] = intent["customer"] = customer["id"]
