"""What the payment processor told us, and the port it is reached through."""

from app.payments.errors import BadSignatureError, GatewayError, WebhookDisabledError
from app.payments.inbox import (
    HANDLE_EVENT_TASK,
    PaymentClaimedError,
    StoredEvent,
    claim_payment,
    mark_handled,
    read_event,
    store_event,
    unhandled_events,
)
from app.payments.models import PaymentClaim, ProcessorEvent
from app.payments.ports import (
    CheckoutOrder,
    CheckoutPage,
    CheckoutResult,
    CheckoutState,
    PaymentGateway,
    SignedEvent,
)

__all__ = [
    "HANDLE_EVENT_TASK",
    "BadSignatureError",
    "CheckoutOrder",
    "CheckoutPage",
    "CheckoutResult",
    "CheckoutState",
    "GatewayError",
    "PaymentClaim",
    "PaymentClaimedError",
    "PaymentGateway",
    "ProcessorEvent",
    "SignedEvent",
    "StoredEvent",
    "WebhookDisabledError",
    "claim_payment",
    "mark_handled",
    "read_event",
    "store_event",
    "unhandled_events",
]
