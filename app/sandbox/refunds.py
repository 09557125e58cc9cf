"""Refunds of charges."""

from app.sandbox import balance_transactions, currencies, events, listing
from app.sandbox.errors import InvalidRequestError
from app.sandbox.ids import new_id
from app.sandbox.json_types import Json
from app.sandbox.parameters import Params, merged_metadata
from app.sandbox.store import Transaction

_ON_CARD = {
    "reference_status": "pending",
    "reference_type": "acquirer_reference_number",
    "type": "refund",
}
_REASONS = ("duplicate", "fraudulent", "requested_by_customer")


def create(tx: Transaction, params: Params) -> Json:
    """Give back all that is left of a charge, or a part; refuse more than that."""
    params.only("charge", "payment_intent", "amount", "reason", "metadata")
    charge = _charge(tx, params)
    remaining = charge["amount_captured"] - charge["amount_refunded"]
    amount = params.integer("amount")
    amount = remaining if amount is None else amount
    _check(charge, amount, remaining)
    refund = tx.save(
        {
            "id": new_id("re"),
            "object": "refund",
            "amount": amount,
            "balance_transaction": None,
            "charge": charge["id"],
            "created": tx.timestamp,
            "currency": charge["currency"],
            "customer": charge["customer"],
            "customer_account": None,
            "destination_details": {"card": dict(_ON_CARD), "type": "card"},
            "metadata": merged_metadata({}, params),
            "payment_intent": charge["payment_intent"],
            "payment_method": charge["payment_method"],
            "reason": params.choice("reason", _REASONS),
            "receipt_number": None,
            "source_transfer_reversal": None,
            "status": "succeeded",
            "transfer_reversal": None,
        }
    )
    refund["balance_transaction"] = balance_transactions.for_refund(tx, refund)["id"]
    tx.save(refund)
    _book(tx, charge, refund)
    return refund


def retrieve(tx: Transaction, params: Params, refund_id: str) -> Json:
    """Return one refund."""
    params.only()
    return tx.get("refund", refund_id)


def update(tx: Transaction, params: Params, refund_id: str) -> Json:
    """Change the metadata."""
    params.only("metadata")
    refund = tx.get("refund", refund_id)
    refund["metadata"] = merged_metadata(refund["metadata"], params)
    return tx.save(refund)


def list_refunds(tx: Transaction, params: Params) -> Json:
    """Return refunds, also of one charge or payment."""
    params.only(*listing.PAGING, "created", "charge", "payment_intent")
    equal = {name: params.text(name) for name in ("charge", "payment_intent")}
    return listing.page(tx, params, "refund", "/v1/refunds", equal=equal)


def _charge(tx: Transaction, params: Params) -> Json:
    if params.text("charge") is not None:
        return tx.referred("charge", params.need_text("charge"), "charge")
    if params.text("payment_intent") is None:
        raise InvalidRequestError(
            "One of the following params should be provided for this request: payment_intent or"
            " charge."
        )
    intent = tx.referred("payment_intent", params.need_text("payment_intent"), "payment_intent")
    if intent["status"] != "succeeded":
        raise InvalidRequestError(
            f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund."
        )
    return tx.get("charge", intent["latest_charge"])


def _check(charge: Json, amount: int, remaining: int) -> None:
    if charge["refunded"]:
        raise InvalidRequestError(
            f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded"
        )
    if amount < 1:
        raise InvalidRequestError(
            "Invalid positive integer", code="parameter_invalid_integer", param="amount"
        )
    if amount > remaining:
        asked = currencies.formatted(amount, charge["currency"])
        left = currencies.formatted(remaining, charge["currency"])
        raise InvalidRequestError(
            f"Refund amount ({asked}) is greater than unrefunded amount on charge ({left})",
            param="amount",
        )


def _book(tx: Transaction, charge: Json, refund: Json) -> None:
    before = {"amount_refunded": charge["amount_refunded"], "refunded": charge["refunded"]}
    charge["amount_refunded"] += refund["amount"]
    charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
    charge["refunds"]["data"].insert(0, refund)
    tx.save(charge)
    events.emit(tx, "refund.created", refund)
    events.emit(tx, "charge.refunded", charge, before)
