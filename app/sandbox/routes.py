"""Which method and path of Stripe's API does what."""

from collections.abc import Callable
from dataclasses import dataclass

from app.sandbox import (
    balance_transactions,
    charges,
    checkout_sessions,
    customers,
    events,
    payment_intents,
    payment_methods,
    refunds,
    webhook_endpoints,
)
from app.sandbox.json_types import Json


@dataclass(frozen=True)
class Route:
    """One endpoint: `work(tx, params, *ids in the path)`."""

    method: str
    path: str
    work: Callable[..., Json]


ROUTES = (
    Route("POST", "/v1/customers", customers.create),
    Route("GET", "/v1/customers", customers.list_customers),
    Route("GET", "/v1/customers/search", customers.search_customers),
    Route("GET", "/v1/customers/<a>", customers.retrieve),
    Route("POST", "/v1/customers/<a>", customers.update),
    Route("GET", "/v1/customers/<a>/payment_methods", payment_methods.list_of_customer),
    Route("GET", "/v1/customers/<a>/payment_methods/<b>", payment_methods.retrieve_of_customer),
    Route("POST", "/v1/checkout/sessions", checkout_sessions.create),
    Route("GET", "/v1/checkout/sessions", checkout_sessions.list_sessions),
    Route("GET", "/v1/checkout/sessions/<a>", checkout_sessions.retrieve),
    Route("POST", "/v1/checkout/sessions/<a>", checkout_sessions.update),
    Route("POST", "/v1/checkout/sessions/<a>/expire", checkout_sessions.expire),
    Route("GET", "/v1/checkout/sessions/<a>/line_items", checkout_sessions.list_line_items),
    Route("POST", "/v1/payment_intents", payment_intents.create),
    Route("GET", "/v1/payment_intents", payment_intents.list_intents),
    Route("GET", "/v1/payment_intents/search", payment_intents.search_intents),
    Route("GET", "/v1/payment_intents/<a>", payment_intents.retrieve),
    Route("POST", "/v1/payment_intents/<a>", payment_intents.update),
    Route("POST", "/v1/payment_intents/<a>/confirm", payment_intents.confirm),
    Route("POST", "/v1/payment_intents/<a>/cancel", payment_intents.cancel),
    Route("GET", "/v1/charges", charges.list_charges),
    Route("GET", "/v1/charges/search", charges.search_charges),
    Route("GET", "/v1/charges/<a>", charges.retrieve),
    Route("POST", "/v1/payment_methods", payment_methods.create),
    Route("GET", "/v1/payment_methods", payment_methods.list_methods),
    Route("GET", "/v1/payment_methods/<a>", payment_methods.retrieve),
    Route("POST", "/v1/payment_methods/<a>/attach", payment_methods.attach),
    Route("POST", "/v1/payment_methods/<a>/detach", payment_methods.detach),
    Route("POST", "/v1/refunds", refunds.create),
    Route("GET", "/v1/refunds", refunds.list_refunds),
    Route("GET", "/v1/refunds/<a>", refunds.retrieve),
    Route("POST", "/v1/refunds/<a>", refunds.update),
    Route("GET", "/v1/balance_transactions", balance_transactions.list_transactions),
    Route("GET", "/v1/balance_transactions/<a>", balance_transactions.retrieve),
    Route("GET", "/v1/events", events.list_events),
    Route("GET", "/v1/events/<a>", events.retrieve),
    Route("POST", "/v1/webhook_endpoints", webhook_endpoints.create),
    Route("GET", "/v1/webhook_endpoints", webhook_endpoints.list_endpoints),
    Route("GET", "/v1/webhook_endpoints/<a>", webhook_endpoints.retrieve),
    Route("POST", "/v1/webhook_endpoints/<a>", webhook_endpoints.update),
    Route("DELETE", "/v1/webhook_endpoints/<a>", webhook_endpoints.delete),
)
