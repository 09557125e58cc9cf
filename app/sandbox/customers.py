"""Customers."""

from app.sandbox import events, listing, search
from app.sandbox.errors import InvalidParameterError
from app.sandbox.ids import base62, new_id
from app.sandbox.json_types import Json
from app.sandbox.parameters import Params, merged_metadata
from app.sandbox.store import Transaction

_TEXTS = ("description", "email", "name", "phone")
_KNOWN = (*_TEXTS, "address", "metadata", "preferred_locales", "tax_exempt", "invoice_settings")
_ADDRESS = ("city", "country", "line1", "line2", "postal_code", "state")


def create(tx: Transaction, params: Params) -> Json:
    """Create a customer."""
    customer = blank(tx)
    _change(tx, customer, params)
    tx.save(customer)
    events.emit(tx, "customer.created", customer)
    return customer


def retrieve(tx: Transaction, params: Params, customer_id: str) -> Json:
    """Return one customer."""
    params.only()
    return tx.get("customer", customer_id)


def update(tx: Transaction, params: Params, customer_id: str) -> Json:
    """Change what was sent, leave the rest."""
    customer = tx.get("customer", customer_id)
    before = dict(customer)
    _change(tx, customer, params)
    previous = {name: before[name] for name in before if before[name] != customer[name]}
    tx.save(customer)
    if previous:
        events.emit(tx, "customer.updated", customer, previous)
    return customer


def list_customers(tx: Transaction, params: Params) -> Json:
    """Return customers, also by e-mail (case matters, as at Stripe)."""
    params.only(*listing.PAGING, "created", "email")
    equal = {"email": params.text("email")}
    return listing.page(tx, params, "customer", "/v1/customers", equal=equal)


def search_customers(tx: Transaction, params: Params) -> Json:
    """Search customers."""
    return search.search(tx, params, "customer", "/v1/customers/search")


def blank(tx: Transaction) -> Json:
    """Return a customer of whom nothing is known yet."""
    return {
        "id": new_id("cus"),
        "object": "customer",
        "address": None,
        "balance": 0,
        "created": tx.timestamp,
        "currency": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "discount": None,
        "email": None,
        "invoice_prefix": base62(8).upper(),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": {},
        "name": None,
        "next_invoice_sequence": 1,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
    }


def _change(tx: Transaction, customer: Json, params: Params) -> None:
    params.only(*_KNOWN)
    for name in _TEXTS:
        if params.has(name):
            customer[name] = params.text(name)
    check_email(params, "email")
    if params.has("address"):
        address = params.nested("address")
        address.only(*_ADDRESS)
        customer["address"] = {part: address.text(part) for part in _ADDRESS}
    if params.has("preferred_locales"):
        customer["preferred_locales"] = params.texts("preferred_locales")
    if params.has("tax_exempt"):
        customer["tax_exempt"] = (
            params.choice("tax_exempt", ("none", "exempt", "reverse")) or "none"
        )
    if params.has("invoice_settings"):
        settings = params.nested("invoice_settings")
        settings.only("default_payment_method")
        method = settings.text("default_payment_method")
        if method is not None:
            tx.referred("payment_method", method, settings.param("default_payment_method"))
        customer["invoice_settings"]["default_payment_method"] = method
    customer["metadata"] = merged_metadata(customer["metadata"], params)


def check_email(params: Params, name: str) -> None:
    """Refuse what is plainly no e-mail address."""
    value = params.text(name)
    if value is None:
        return
    local, _, domain = value.rpartition("@")
    if not local or not domain or " " in value:
        raise InvalidParameterError(
            f"Invalid email address: {value}", code="email_invalid", param=params.param(name)
        )
