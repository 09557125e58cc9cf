"""PaymentIntents, made by a Checkout Session or directly."""

from dataclasses import dataclass, field

from app.sandbox import currencies, events, listing, payment_methods, payments, search
from app.sandbox.errors import InvalidParameterError, InvalidRequestError
from app.sandbox.ids import base62, new_id
from app.sandbox.json_types import Json
from app.sandbox.parameters import Params, merged_metadata
from app.sandbox.store import Transaction

_CONFIRMING = (
    "payment_method",
    "off_session",
    "error_on_requires_action",
    "return_url",
    "setup_future_usage",
    "receipt_email",
    "mandate_data",
    "use_stripe_sdk",
)
_CREATING = (
    *_CONFIRMING,
    "amount",
    "currency",
    "automatic_payment_methods",
    "capture_method",
    "confirm",
    "confirmation_method",
    "customer",
    "description",
    "metadata",
    "payment_method_types",
    "statement_descriptor",
    "statement_descriptor_suffix",
)
_UPDATING = ("amount", "description", "metadata", "receipt_email", "setup_future_usage")
_USAGES = ("off_session", "on_session")
_EMPTY = (
    "application",
    "application_fee_amount",
    "canceled_at",
    "cancellation_reason",
    "customer_account",
    "excluded_payment_method_types",
    "last_payment_error",
    "latest_charge",
    "managed_payments",
    "next_action",
    "on_behalf_of",
    "payment_method",
    "payment_method_configuration_details",
    "processing",
    "review",
    "shipping",
    "source",
    "transfer_data",
    "transfer_group",
)


@dataclass(frozen=True)
class Order:
    """What is to be paid, by whom and why."""

    amount: int
    currency: str
    customer: str | None = None
    description: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    receipt_email: str | None = None
    setup_future_usage: str | None = None
    statement_descriptor: str | None = None
    statement_descriptor_suffix: str | None = None


def place(tx: Transaction, order: Order) -> Json:
    """Create an intent for the order."""
    intent_id = new_id("pi")
    intent = dict.fromkeys(_EMPTY) | {
        "id": intent_id,
        "object": "payment_intent",
        "amount": order.amount,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "automatic_payment_methods": None,
        "capture_method": "automatic",
        "client_secret": f"{intent_id}_secret_{base62(25)}",
        "confirmation_method": "automatic",
        "created": tx.timestamp,
        "currency": order.currency,
        "customer": order.customer,
        "description": order.description,
        "livemode": False,
        "metadata": dict(order.metadata),
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": ["card"],
        "receipt_email": order.receipt_email,
        "setup_future_usage": order.setup_future_usage,
        "statement_descriptor": order.statement_descriptor,
        "statement_descriptor_suffix": order.statement_descriptor_suffix,
        "status": "requires_payment_method",
    }
    tx.save(intent)
    events.emit(tx, "payment_intent.created", intent)
    return intent


def create(tx: Transaction, params: Params) -> Json:
    """Create an intent and, with `confirm`, pay it."""
    params.only(*_CREATING)
    params.choice("capture_method", ("automatic", "automatic_async"))
    params.choice("confirmation_method", ("automatic",))
    if set(params.texts("payment_method_types")) - {"card"}:
        raise InvalidParameterError("The sandbox takes cards only.", param="payment_method_types")
    order = _order(tx, params)
    intent = place(tx, order)
    if params.nested("automatic_payment_methods").flag("enabled"):
        intent["automatic_payment_methods"] = {"allow_redirects": "always", "enabled": True}
    if params.text("payment_method") is not None:
        method = payment_methods.referred(tx, params.need_text("payment_method"), "payment_method")
        intent |= {"payment_method": method["id"], "status": "requires_confirmation"}
    tx.save(intent)
    if params.flag("confirm"):
        return _confirm(tx, intent, params)
    if params.flag("off_session"):
        raise InvalidRequestError("off_session needs confirm=true.", param="off_session")
    return intent


def confirm(tx: Transaction, params: Params, intent_id: str) -> Json:
    """Pay an intent."""
    params.only(*_CONFIRMING)
    intent = tx.get("payment_intent", intent_id)
    if params.text("payment_method") is not None:
        method = payment_methods.referred(tx, params.need_text("payment_method"), "payment_method")
        intent["payment_method"] = method["id"]
    usage = params.choice("setup_future_usage", _USAGES)
    intent["setup_future_usage"] = usage or intent["setup_future_usage"]
    return _confirm(tx, intent, params)


def retrieve(tx: Transaction, params: Params, intent_id: str) -> Json:
    """Return one intent."""
    params.only("client_secret")
    return tx.get("payment_intent", intent_id)


def update(tx: Transaction, params: Params, intent_id: str) -> Json:
    """Change what was sent, leave the rest; the amount only before the payment."""
    params.only(*_UPDATING)
    intent = tx.get("payment_intent", intent_id)
    amount = params.integer("amount")
    if amount is not None:
        if intent["status"] not in payments.PAYABLE:
            raise InvalidRequestError(
                f"This PaymentIntent's amount could not be updated because it has a status of"
                f" {intent['status']}.",
                code="payment_intent_unexpected_state",
                param="amount",
            )
        currencies.check_amount(amount, intent["currency"], what="Amount must be", param="amount")
        intent["amount"] = amount
    for name in ("description", "receipt_email", "setup_future_usage"):
        if params.has(name):
            intent[name] = params.text(name)
    intent["metadata"] = merged_metadata(intent["metadata"], params)
    return tx.save(intent)


def cancel(tx: Transaction, params: Params, intent_id: str) -> Json:
    """Give up an intent that is not paid."""
    params.only("cancellation_reason")
    reasons = ("duplicate", "fraudulent", "requested_by_customer", "abandoned")
    reason = params.choice("cancellation_reason", reasons)
    intent = tx.get("payment_intent", intent_id)
    if tx.where("checkout.session", "payment_intent", intent_id):
        raise InvalidRequestError(
            "You cannot cancel this PaymentIntent because it was created by a Checkout Session."
            " Expire the Checkout Session instead.",
            code="payment_intent_unexpected_state",
        )
    if intent["status"] not in payments.PAYABLE:
        raise InvalidRequestError(
            f"You cannot cancel this PaymentIntent because it has a status of {intent['status']}.",
            code="payment_intent_unexpected_state",
        )
    return give_up(tx, intent, reason)


def give_up(tx: Transaction, intent: Json, reason: str | None) -> Json:
    """Cancel an intent, whoever asks."""
    intent |= {"status": "canceled", "canceled_at": tx.timestamp, "next_action": None}
    intent["cancellation_reason"] = reason
    tx.save(intent)
    events.emit(tx, "payment_intent.canceled", intent)
    return intent


def list_intents(tx: Transaction, params: Params) -> Json:
    """Return intents, also of one customer."""
    params.only(*listing.PAGING, "created", "customer")
    equal = {"customer": params.text("customer")}
    return listing.page(tx, params, "payment_intent", "/v1/payment_intents", equal=equal)


def search_intents(tx: Transaction, params: Params) -> Json:
    """Search intents."""
    return search.search(tx, params, "payment_intent", "/v1/payment_intents/search")


def _order(tx: Transaction, params: Params) -> Order:
    amount = params.integer("amount")
    if amount is None:
        raise params.missing("amount")
    currency = currencies.checked_currency(params.need_text("currency"), "currency")
    currencies.check_amount(amount, currency, what="Amount must be", param="amount")
    customer = params.text("customer")
    if customer is not None:
        tx.referred("customer", customer, "customer")
    return Order(
        amount=amount,
        currency=currency,
        customer=customer,
        description=params.text("description"),
        metadata=merged_metadata({}, params),
        receipt_email=params.text("receipt_email"),
        setup_future_usage=params.choice("setup_future_usage", _USAGES),
        statement_descriptor=params.text("statement_descriptor"),
        statement_descriptor_suffix=params.text("statement_descriptor_suffix"),
    )


def _confirm(tx: Transaction, intent: Json, params: Params) -> Json:
    if intent["payment_method"] is None:
        raise InvalidRequestError(
            "You cannot confirm this PaymentIntent because it's missing a payment method. Update"
            " the PaymentIntent with a payment method and then confirm it again.",
            code="payment_intent_unexpected_state",
        )
    method = tx.get("payment_method", intent["payment_method"])
    if method["customer"] not in {None, intent["customer"]}:
        raise InvalidRequestError(
            "The provided PaymentMethod belongs to another customer.", param="payment_method"
        )
    is_off_session = params.text("off_session") in {"true", "one_off", "recurring"}
    if is_off_session and method["customer"] is None:
        raise InvalidRequestError(
            "The provided PaymentMethod cannot be used off-session: it is not attached to a"
            " customer.",
            param="payment_method",
        )
    return payments.attempt(
        tx,
        intent,
        method,
        is_off_session=is_off_session,
        refuses_challenge=params.flag("error_on_requires_action"),
        return_url=params.address("return_url"),
    )
