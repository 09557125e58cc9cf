"""Charges: each attempt to take money from a card, successful or not."""

from app.sandbox import balance_transactions, listing, search
from app.sandbox.cards import Decline, TestCard
from app.sandbox.ids import base62, new_id
from app.sandbox.json_types import Json
from app.sandbox.parameters import Params
from app.sandbox.store import Transaction

_EMPTY = (
    "application",
    "application_fee",
    "application_fee_amount",
    "balance_transaction",
    "failure_balance_transaction",
    "failure_code",
    "failure_message",
    "on_behalf_of",
    "receipt_number",
    "receipt_url",
    "review",
    "shipping",
    "source",
    "source_transfer",
    "transfer_data",
    "transfer_group",
)


def record_success(
    tx: Transaction, intent: Json, method: Json, card: TestCard, *, is_authenticated: bool
) -> Json:
    """Store a charge that went through, with its balance transaction."""
    charge = _new(tx, intent, method)
    charge["payment_method_details"] = _details(
        method, card, intent["amount"], is_authenticated=is_authenticated
    )
    charge["outcome"] = _outcome(
        network_status="approved_by_network",
        reason=None,
        message="Payment complete.",
        kind="authorized",
    )
    charge |= {"status": "succeeded", "paid": True, "captured": True}
    charge["amount_captured"] = intent["amount"]
    charge["receipt_url"] = f"{tx.public_url}/receipts/{charge['id']}"
    charge["balance_transaction"] = balance_transactions.for_charge(tx, charge)["id"]
    return tx.save(charge)


def record_decline(
    tx: Transaction, intent: Json, method: Json, card: TestCard, decline: Decline
) -> Json:
    """Store a charge that was declined."""
    charge = _new(tx, intent, method)
    charge["payment_method_details"] = _details(method, card, None, is_authenticated=False)
    charge["outcome"] = _outcome(
        network_status="not_sent_to_network" if decline.is_blocked else "declined_by_network",
        reason=decline.decline_code or decline.code,
        message="The bank declined this payment."
        if not decline.is_blocked
        else "Stripe blocked this payment as too risky.",
        kind="blocked" if decline.is_blocked else "issuer_declined",
    )
    charge |= {"status": "failed", "paid": False, "captured": False}
    charge |= {"failure_code": decline.code, "failure_message": decline.message}
    return tx.save(charge)


def retrieve(tx: Transaction, params: Params, charge_id: str) -> Json:
    """Return one charge."""
    params.only()
    return tx.get("charge", charge_id)


def list_charges(tx: Transaction, params: Params) -> Json:
    """Return charges, also of one customer or payment."""
    params.only(*listing.PAGING, "created", "customer", "payment_intent")
    equal = {name: params.text(name) for name in ("customer", "payment_intent")}
    return listing.page(tx, params, "charge", "/v1/charges", equal=equal)


def search_charges(tx: Transaction, params: Params) -> Json:
    """Search charges."""
    return search.search(tx, params, "charge", "/v1/charges/search")


def _new(tx: Transaction, intent: Json, method: Json) -> Json:
    charge_id = new_id("ch")
    return dict.fromkeys(_EMPTY) | {
        "id": charge_id,
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": 0,
        "amount_refunded": 0,
        "billing_details": method["billing_details"],
        "calculated_statement_descriptor": "KONTOR SANDBOX",
        "created": tx.timestamp,
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "fraud_details": {},
        "livemode": False,
        "metadata": dict(intent["metadata"]),
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "receipt_email": intent["receipt_email"],
        "refunded": False,
        "refunds": listing.whole([], f"/v1/charges/{charge_id}/refunds"),
        "statement_descriptor": intent["statement_descriptor"],
        "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
    }


def _outcome(*, network_status: str, reason: str | None, message: str, kind: str) -> Json:
    return {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": network_status,
        "reason": reason,
        "risk_level": "highest" if kind == "blocked" else "normal",
        "risk_score": 92 if kind == "blocked" else 12,
        "seller_message": message,
        "type": kind,
    }


def _details(method: Json, card: TestCard, amount: int | None, *, is_authenticated: bool) -> Json:
    three_d_secure = {
        "authentication_flow": "challenge",
        "electronic_commerce_indicator": "05",
        "exemption_indicator": None,
        "result": "authenticated",
        "result_reason": None,
        "transaction_id": "sandbox",
        "version": "2.2.0",
    }
    return {
        "card": {
            "amount_authorized": amount,
            "authorization_code": base62(6).upper() if amount is not None else None,
            "brand": card.brand,
            "checks": method["card"]["checks"],
            "country": card.country,
            "exp_month": method["card"]["exp_month"],
            "exp_year": method["card"]["exp_year"],
            "extended_authorization": {"status": "disabled"},
            "fingerprint": card.fingerprint,
            "funding": card.funding,
            "incremental_authorization": {"status": "unavailable"},
            "installments": None,
            "last4": card.last4,
            "mandate": None,
            "multicapture": {"status": "unavailable"},
            "network": card.brand,
            "network_token": {"used": False},
            "network_transaction_id": base62(15) if amount is not None else None,
            "overcapture": {"maximum_amount_capturable": amount, "status": "unavailable"},
            "regulated_status": "unregulated",
            "three_d_secure": three_d_secure if is_authenticated else None,
            "transaction_link_id": None,
            "wallet": None,
        },
        "type": "card",
    }
