"""One attempt to pay an intent with a card: declined, to be authenticated, or paid."""

from app.sandbox import cards, charges, events, faults, payment_methods
from app.sandbox.cards import Challenge, Decline, TestCard
from app.sandbox.errors import CardError, InvalidRequestError
from app.sandbox.json_types import Json
from app.sandbox.store import Transaction

_DOCS = "https://stripe.com/docs/error-codes/"
PAYABLE = frozenset({"requires_payment_method", "requires_confirmation", "requires_action"})


def attempt(
    tx: Transaction,
    intent: Json,
    method: Json,
    *,
    is_off_session: bool = False,
    refuses_challenge: bool = False,
    return_url: str | None = None,
) -> Json:
    """Try to pay; return the intent, succeeded or waiting for the customer.

    Raises CardError, and keeps the failed charge, if the card is declined.
    """
    if intent["status"] not in PAYABLE:
        raise InvalidRequestError(
            f"This PaymentIntent's status is {intent['status']}, so it cannot be confirmed.",
            code="payment_intent_unexpected_state",
        )
    card = cards.by_fingerprint(method["card"]["fingerprint"])
    fault = faults.strike_payment(tx)
    if fault is not None:
        raise _declined(tx, intent, method, card, cards.decline_for(fault.decline_code))
    if _needs_challenge(card, method):
        if is_off_session or refuses_challenge:
            decline = cards.DECLINES["authentication_required"]
            raise _declined(tx, intent, method, card, decline)
        return _challenge(tx, intent, method, return_url)
    return _charge(tx, intent, method, card, is_authenticated=False)


def authenticate(tx: Transaction, intent: Json, *, is_authorised: bool) -> Json:
    """Carry on after the customer's 3-D Secure challenge.

    Raises CardError if the bank then declines; a failed challenge only changes the intent.
    """
    if intent["status"] != "requires_action":
        raise InvalidRequestError(
            "This PaymentIntent does not wait for authentication.",
            code="payment_intent_unexpected_state",
        )
    method = tx.get("payment_method", intent["payment_method"])
    if is_authorised:
        card = cards.by_fingerprint(method["card"]["fingerprint"])
        return _charge(tx, intent, method, card, is_authenticated=True)
    code = "payment_intent_authentication_failure"
    error: Json = {
        "code": code,
        "doc_url": _DOCS + code.replace("_", "-"),
        "message": "We are unable to authenticate your payment method. Please choose a different"
        " payment method and try again.",
        "payment_method": method,
        "type": "invalid_request_error",
    }
    intent |= {"status": "requires_payment_method", "next_action": None}
    intent |= {"payment_method": None, "last_payment_error": error}
    tx.save(intent)
    events.emit(tx, "payment_intent.payment_failed", intent)
    return intent


def _needs_challenge(card: TestCard, method: Json) -> bool:
    if card.challenge is Challenge.UNLESS_SET_UP:
        return method["customer"] is None
    return card.challenge is Challenge.ALWAYS


def _challenge(tx: Transaction, intent: Json, method: Json, return_url: str | None) -> Json:
    address = f"{tx.public_url}/c/authenticate/{intent['id']}"
    intent |= {"status": "requires_action", "payment_method": method["id"]}
    intent["next_action"] = {
        "redirect_to_url": {"return_url": return_url, "url": address},
        "type": "redirect_to_url",
    }
    tx.save(intent)
    events.emit(tx, "payment_intent.requires_action", intent)
    return intent


def _charge(
    tx: Transaction, intent: Json, method: Json, card: TestCard, *, is_authenticated: bool
) -> Json:
    if card.decline is not None:
        raise _declined(tx, intent, method, card, cards.decline_for(card.decline))
    charge = charges.record_success(tx, intent, method, card, is_authenticated=is_authenticated)
    intent |= {"status": "succeeded", "amount_received": intent["amount"], "next_action": None}
    intent |= {"payment_method": method["id"], "latest_charge": charge["id"]}
    intent["last_payment_error"] = None
    tx.save(intent)
    if intent["setup_future_usage"] and intent["customer"]:
        payment_methods.attach_to(tx, method, intent["customer"])
    events.emit(tx, "payment_intent.succeeded", intent)
    events.emit(tx, "charge.succeeded", charge)
    return intent


def _declined(
    tx: Transaction, intent: Json, method: Json, card: TestCard, decline: Decline
) -> CardError:
    charge = charges.record_decline(tx, intent, method, card, decline)
    error: Json = {
        "charge": charge["id"],
        "code": decline.code,
        "doc_url": _DOCS + decline.code.replace("_", "-"),
        "message": decline.message,
        "payment_method": method,
        "type": "card_error",
    }
    if decline.decline_code is not None:
        error["decline_code"] = decline.decline_code
    intent |= {"status": "requires_payment_method", "payment_method": None, "next_action": None}
    intent |= {"latest_charge": charge["id"], "last_payment_error": error}
    tx.save(intent)
    events.emit(tx, "charge.failed", charge)
    events.emit(tx, "payment_intent.payment_failed", intent)
    refusal = CardError(
        decline.message, code=decline.code, decline_code=decline.decline_code, charge=charge["id"]
    )
    refusal.payment_intent = intent
    return refusal
