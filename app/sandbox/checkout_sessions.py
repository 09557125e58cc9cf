"""Checkout Sessions: one offer to pay on the hosted page."""

from app.sandbox import (
    branding,
    currencies,
    customers,
    events,
    line_items,
    listing,
    payment_intents,
    payments,
)
from app.sandbox.errors import InvalidParameterError, InvalidRequestError
from app.sandbox.ids import new_session_id
from app.sandbox.json_types import Json
from app.sandbox.parameters import Params, merged_metadata
from app.sandbox.store import Transaction

_KNOWN = (
    "adaptive_pricing",
    "allowed_payment_method_types",
    "billing_address_collection",
    "branding_settings",
    "cancel_url",
    "client_reference_id",
    "currency",
    "customer",
    "customer_creation",
    "customer_email",
    "customer_update",
    "expires_at",
    "line_items",
    "locale",
    "metadata",
    "mode",
    "payment_intent_data",
    "payment_method_types",
    "submit_type",
    "success_url",
    "ui_mode",
)
_INTENT_DATA = (
    "capture_method",
    "description",
    "metadata",
    "receipt_email",
    "setup_future_usage",
    "statement_descriptor",
    "statement_descriptor_suffix",
)
_LOCALES = [
    "auto",
    "bg",
    "cs",
    "da",
    "de",
    "el",
    "en",
    "en-GB",
    "es",
    "es-419",
    "et",
    "fi",
    "fil",
    "fr",
    "fr-CA",
    "hr",
    "hu",
    "id",
    "it",
    "ja",
    "ko",
    "lt",
    "lv",
    "ms",
    "mt",
    "nb",
    "nl",
    "pl",
    "pt",
    "pt-BR",
    "ro",
    "ru",
    "sk",
    "sl",
    "sv",
    "th",
    "tr",
    "vi",
    "zh",
    "zh-HK",
    "zh-TW",
]
_SHORTEST, _LONGEST = 30 * 60, 24 * 60 * 60
_EMPTY = (
    "after_expiration",
    "allow_promotion_codes",
    "client_secret",
    "collected_information",
    "consent",
    "consent_collection",
    "currency_conversion",
    "customer_account",
    "customer_details",
    "integration_identifier",
    "invoice",
    "managed_payments",
    "origin_context",
    "payment_intent",
    "payment_link",
    "payment_method_configuration_details",
    "permissions",
    "recovered_from",
    "saved_payment_method_options",
    "setup_intent",
    "shipping_address_collection",
    "shipping_cost",
    "subscription",
    "wallet_options",
)


def create(tx: Transaction, params: Params) -> Json:
    """Create a session in payment mode."""
    _check(tx, params)
    items = line_items.parsed(tx, params)
    currency = items[0]["currency"]
    currencies.check_amount(
        line_items.total(items),
        currency,
        what="The Checkout Session's total amount due must add up to",
        param="line_items",
    )
    expires_at = _expires_at(tx, params)
    session = _blank(tx) | _wishes(params)
    session |= {"currency": currency, "expires_at": expires_at}
    session |= dict.fromkeys(("amount_subtotal", "amount_total"), line_items.total(items))
    session["url"] = f"{tx.public_url}/c/pay/{session['id']}"
    tx.save(session, {"line_items": items, "payment_intent_data": _intent_data(params)})
    tx.run("INSERT INTO timers VALUES (?, ?)", session["id"], expires_at)
    return session


def retrieve(tx: Transaction, params: Params, session_id: str) -> Json:
    """Return one session."""
    params.only()
    return tx.get("checkout.session", session_id)


def update(tx: Transaction, params: Params, session_id: str) -> Json:
    """Change the metadata."""
    params.only("metadata")
    session = tx.get("checkout.session", session_id)
    session["metadata"] = merged_metadata(session["metadata"], params)
    return tx.save(session)


def list_sessions(tx: Transaction, params: Params) -> Json:
    """Return sessions, also of one customer, payment, state or e-mail."""
    params.only(
        *listing.PAGING, "created", "customer", "customer_details", "payment_intent", "status"
    )
    equal = {name: params.text(name) for name in ("customer", "payment_intent", "status")}
    equal["customer_details.email"] = params.nested("customer_details").text("email")
    return listing.page(tx, params, "checkout.session", "/v1/checkout/sessions", equal=equal)


def list_line_items(tx: Transaction, params: Params, session_id: str) -> Json:
    """Return the line items of a session."""
    params.only(*listing.PAGING)
    tx.get("checkout.session", session_id)
    items = tx.private(session_id)["line_items"]
    return listing.whole(items, f"/v1/checkout/sessions/{session_id}/line_items")


def expire(tx: Transaction, params: Params, session_id: str) -> Json:
    """Close an open session at the merchant's request."""
    params.only()
    session = tx.get("checkout.session", session_id)
    if session["status"] != "open":
        raise InvalidRequestError(
            'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session'
            f" has a status of `{session['status']}`."
        )
    return expire_session(tx, session)


def expire_session(tx: Transaction, session: Json) -> Json:
    """Close an open session and give up its payment."""
    tx.run("DELETE FROM timers WHERE object_id = ?", session["id"])
    if session["status"] != "open":
        return session
    session |= {"status": "expired", "url": None}
    tx.save(session)
    if session["payment_intent"] is not None:
        intent = tx.get("payment_intent", session["payment_intent"])
        if intent["status"] in payments.PAYABLE:
            payment_intents.give_up(tx, intent, "expired")
    events.emit(tx, "checkout.session.expired", session)
    return session


def complete(tx: Transaction, session: Json) -> Json:
    """Close an open session whose payment succeeded."""
    tx.run("DELETE FROM timers WHERE object_id = ?", session["id"])
    session |= {"status": "complete", "payment_status": "paid", "url": None}
    tx.save(session)
    events.emit(tx, "checkout.session.completed", session)
    return session


def _check(tx: Transaction, params: Params) -> None:
    """Refuse what can be refused before anything is looked at."""
    params.only(*_KNOWN)
    if params.choice("mode", ("payment",)) is None:
        raise params.missing("mode")
    if params.address("success_url") is None:
        raise params.missing("success_url")
    params.address("cancel_url")
    params.choice("ui_mode", ("hosted_page", "hosted"))
    customers.check_email(params, "customer_email")
    if params.text("customer") is not None and params.text("customer_email") is not None:
        raise InvalidParameterError(
            "You may only specify one of these parameters: customer, customer_email.",
            param="customer",
        )
    for name in ("payment_method_types", "allowed_payment_method_types"):
        if set(params.texts(name)) - {"card"}:
            raise InvalidParameterError("The sandbox takes cards only.", param=name)
    customer = params.text("customer")
    if customer is not None:
        tx.referred("customer", customer, "customer")


def _expires_at(tx: Transaction, params: Params) -> int:
    expires_at = params.integer("expires_at")
    if expires_at is None:
        return tx.timestamp + _LONGEST
    if expires_at < tx.timestamp + _SHORTEST:
        raise InvalidParameterError(
            "The `expires_at` timestamp must be at least 30 minutes from Checkout Session"
            " creation.",
            param="expires_at",
        )
    if expires_at > tx.timestamp + _LONGEST:
        raise InvalidParameterError(
            "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.",
            param="expires_at",
        )
    return expires_at


def _wishes(params: Params) -> Json:
    """Return the fields that are kept as they were sent."""
    creation = params.choice("customer_creation", ("always", "if_required")) or "if_required"
    customer = params.text("customer")
    return {
        "billing_address_collection": params.text("billing_address_collection"),
        "branding_settings": branding.parsed(params),
        "cancel_url": params.text("cancel_url"),
        "client_reference_id": params.text("client_reference_id", 200),
        "customer": customer,
        "customer_creation": None if customer else creation,
        "customer_email": params.text("customer_email"),
        "locale": params.choice("locale", _LOCALES),
        "metadata": merged_metadata({}, params),
        "submit_type": params.choice("submit_type", ("auto", "book", "donate", "pay", "subscribe")),
        "success_url": params.text("success_url"),
        "ui_mode": params.text("ui_mode") or "hosted_page",
    }


def _intent_data(params: Params) -> Json:
    given = params.nested("payment_intent_data")
    given.only(*_INTENT_DATA)
    given.choice("capture_method", ("automatic", "automatic_async"))
    return {
        "description": given.text("description"),
        "metadata": merged_metadata({}, given),
        "receipt_email": given.text("receipt_email"),
        "setup_future_usage": given.choice("setup_future_usage", ("off_session", "on_session")),
        "statement_descriptor": given.text("statement_descriptor"),
        "statement_descriptor_suffix": given.text("statement_descriptor_suffix"),
    }


def _blank(tx: Transaction) -> Json:
    no_text = ("after_submit", "shipping_address", "submit", "terms_of_service_acceptance")
    no_invoice = ("account_tax_ids", "custom_fields", "description", "footer", "issuer")
    invoice: Json = dict.fromkeys((*no_invoice, "rendering_options")) | {"metadata": {}}
    tax = {"enabled": False, "liability": None, "provider": None, "status": None}
    return dict.fromkeys(_EMPTY) | {
        "id": new_session_id(),
        "object": "checkout.session",
        "adaptive_pricing": {"enabled": False},
        "automatic_tax": tax,
        "created": tx.timestamp,
        "custom_fields": [],
        "custom_text": dict.fromkeys(no_text),
        "discounts": [],
        "invoice_creation": {"enabled": False, "invoice_data": invoice},
        "livemode": False,
        "mode": "payment",
        "payment_method_collection": "if_required",
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": ["card"],
        "payment_status": "unpaid",
        "phone_number_collection": {"enabled": False},
        "shipping_options": [],
        "status": "open",
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
    }
