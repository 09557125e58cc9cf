from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol

from app.kernel import Money


class CheckoutState(Enum):
    """What the processor says of a hosted payment page."""

    OPEN = "open"
    PAID = "paid"
    UNPAID = "unpaid"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class CheckoutOrder:
    """What to charge and whom to come back to.

    `reference` is our top-up id; `key` the idempotency key of this attempt (R2.1, R2.3).
    """

    reference: str
    key: str
    amount: Money
    description: str
    customer_email: str
    success_url: str
    cancel_url: str
    expires_at: datetime
    locale: str
    brand_name: str
    brand_accent: str
    metadata: dict[str, str]
    statement_suffix: str = ""


@dataclass(frozen=True, slots=True)
class CheckoutPage:
    """A hosted page that waits for the customer."""

    session_id: str
    url: str


@dataclass(frozen=True, slots=True)
class CheckoutResult:
    """The processor's present word on a hosted page: what was paid, by which payment."""

    session_id: str
    reference: str
    state: CheckoutState
    paid: Money
    payment_id: str | None


@dataclass(frozen=True, slots=True)
class SignedEvent:
    """An event whose signature was verified.

    `payload` has Stripe's shape and of its object what says where to look: ids, states and our own
    metadata, never the payer's name, address or e-mail (requirement M3).
    """

    event_id: str
    kind: str
    payload: dict[str, object]


class PaymentGateway(Protocol):
    """A payment processor with a hosted page; where it is live, what it takes is real money."""

    @property
    def is_live(self) -> bool:
        """Whether real money moves; not so in a sandbox and in a processor's test mode."""

    def create_checkout(self, order: CheckoutOrder) -> CheckoutPage:
        """Make a hosted page; the same key gives the same page. Refuses with GatewayError."""

    def retrieve_checkout(self, session_id: str) -> CheckoutResult:
        """Return the present state of a hosted page.

        Refuses with GatewayError, also a page of the other mode (live or test, R1.3).
        """

    def verify_event(self, body: bytes, signature: str) -> SignedEvent:
        """Return the event in a signed delivery; refuses with BadSignatureError."""
