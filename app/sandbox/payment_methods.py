"""Payment methods: cards, known by brand, last digits and fingerprint only."""

from app.sandbox import cards, events, listing
from app.sandbox.cards import TestCard
from app.sandbox.errors import InvalidParameterError, InvalidRequestError, ResourceMissingError
from app.sandbox.ids import new_id
from app.sandbox.json_types import Json
from app.sandbox.parameters import Params, merged_metadata
from app.sandbox.store import Transaction

NO_ADDRESS: Json = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))


def billing_details(name: str | None = None, email: str | None = None) -> Json:
    """Return what the payer said about herself."""
    return {
        "address": dict(NO_ADDRESS),
        "email": email,
        "name": name,
        "phone": None,
        "tax_id": None,
    }


def new_method(
    tx: Transaction, card: TestCard, *, expiry: tuple[int, int] | None = None, billing: Json
) -> Json:
    """Store the card, without its number; expiry is (month, year)."""
    month, year = expiry or (12, 2034)
    return tx.save(
        {
            "id": new_id("pm"),
            "object": "payment_method",
            "allow_redisplay": "unspecified",
            "billing_details": billing,
            "card": {
                "brand": card.brand,
                "checks": {
                    "address_line1_check": None,
                    "address_postal_code_check": None,
                    "cvc_check": card.cvc_check,
                },
                "country": card.country,
                "display_brand": "american_express" if card.brand == "amex" else card.brand,
                "exp_month": month,
                "exp_year": year,
                "fingerprint": card.fingerprint,
                "funding": card.funding,
                "generated_from": None,
                "last4": card.last4,
                "networks": {"available": [card.brand], "preferred": None},
                "regulated_status": "unregulated",
                "three_d_secure_usage": {"supported": True},
                "wallet": None,
            },
            "created": tx.timestamp,
            "customer": None,
            "customer_account": None,
            "livemode": False,
            "metadata": {},
            "type": "card",
        }
    )


def referred(tx: Transaction, method_id: str, param: str) -> Json:
    """Return the method a parameter names; `pm_card_visa` and its kin make a new one."""
    card = cards.by_token(method_id)
    if card is not None:
        return new_method(tx, card, billing=billing_details())
    return tx.referred("payment_method", method_id, param)


def attach_to(tx: Transaction, method: Json, customer_id: str) -> None:
    """Keep a method for a customer's later payments."""
    if method["customer"] == customer_id:
        return
    method["customer"] = customer_id
    tx.save(method)
    events.emit(tx, "payment_method.attached", method)


def create(tx: Transaction, params: Params) -> Json:
    """Create a card from a test number."""
    params.only("type", "card", "billing_details", "metadata")
    if params.choice("type", ("card",)) is None:
        raise params.missing("type")
    entry = params.nested("card")
    entry.only("number", "exp_month", "exp_year", "cvc")
    card = cards.by_number(entry.need_text("number").replace(" ", ""))
    if card is None:
        raise InvalidParameterError(
            "The sandbox takes test cards only.", code="incorrect_number", param="card[number]"
        )
    month, year = entry.integer("exp_month") or 12, entry.integer("exp_year") or 2034
    payer = params.nested("billing_details")
    billing = billing_details(payer.text("name"), payer.text("email"))
    method = new_method(tx, card, expiry=(month, year), billing=billing)
    method["metadata"] = merged_metadata({}, params)
    return tx.save(method)


def retrieve(tx: Transaction, params: Params, method_id: str) -> Json:
    """Return one payment method."""
    params.only()
    return tx.get("payment_method", method_id)


def list_methods(tx: Transaction, params: Params) -> Json:
    """Return the payment methods of a customer."""
    params.only(*listing.PAGING, "customer", "type")
    return _of_customer(tx, params, params.need_text("customer"), "/v1/payment_methods")


def list_of_customer(tx: Transaction, params: Params, customer_id: str) -> Json:
    """Return the payment methods of the customer in the path."""
    params.only(*listing.PAGING, "type")
    url = f"/v1/customers/{customer_id}/payment_methods"
    return _of_customer(tx, params, customer_id, url)


def retrieve_of_customer(tx: Transaction, params: Params, customer_id: str, method_id: str) -> Json:
    """Return one payment method of the customer in the path."""
    params.only()
    method = tx.get("payment_method", method_id)
    if method["customer"] != customer_id:
        raise ResourceMissingError(
            f"No such PaymentMethod: '{method_id}'", code="resource_missing", param="id"
        )
    return method


def attach(tx: Transaction, params: Params, method_id: str) -> Json:
    """Keep the method for the customer."""
    params.only("customer")
    method = referred(tx, method_id, "payment_method")
    customer = tx.referred("customer", params.need_text("customer"), "customer")
    if method["customer"] not in {None, customer["id"]}:
        raise InvalidRequestError(
            "The payment method you provided has already been attached to a customer."
        )
    attach_to(tx, method, customer["id"])
    return method


def detach(tx: Transaction, params: Params, method_id: str) -> Json:
    """Forget the method for its customer."""
    params.only()
    method = tx.get("payment_method", method_id)
    owner = method["customer"]
    if owner is None:
        raise InvalidRequestError(
            "The payment method you provided is not attached to a customer so detachment is"
            " impossible."
        )
    method["customer"] = None
    tx.save(method)
    events.emit(tx, "payment_method.detached", method, {"customer": owner})
    return method


def _of_customer(tx: Transaction, params: Params, customer_id: str, url: str) -> Json:
    tx.referred("customer", customer_id, "customer")
    equal = {"customer": customer_id, "type": params.text("type")}
    return listing.page(tx, params, "payment_method", url, equal=equal)
