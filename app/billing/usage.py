"""A usage event, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from app import ledger
from app.billing.errors import FutureUsageError
from app.billing.rules import usage_key
from app.billing.spending import NOTHING_SPECIAL, RatingFacts
from app.kernel import Money

# A meter's clock may run ahead of ours by this much.
CLOCK_TOLERANCE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class UsageEvent:
    """Something delivered: `quantity` in the meter's unit; `counterparty` a third party's number.

    `event_id` is the sender's: the same event has the same id for ever. `subject` is the
    customer's line, agent or calendar, where the sender named one.
    """

    event_id: str
    customer_id: UUID
    meter: str
    quantity: Decimal
    occurred_at: datetime
    counterparty: str | None = None
    subject: str | None = None

    @property
    def key(self) -> str:
        """Return the ledger's key of the event."""
        return usage_key(self.event_id)

    def fingerprint(self) -> bytes:
        """Return the hash of what makes two deliveries the same event; 1.50 and 1.5 minutes are.

        The other party's number and the line are left out: they cost nothing, and a hash of them
        that stays for ever could be guessed back to the number after it was forgotten
        (requirement M3).
        """
        return ledger.fingerprint(
            {
                "event_id": self.event_id,
                "customer_id": self.customer_id,
                "meter": self.meter,
                "quantity": format(self.quantity.normalize(), "f"),
                "occurred_at": self.occurred_at.timestamp(),
            }
        )

    def require_past(self, now: datetime) -> None:
        """Refuse usage in the future."""
        if self.occurred_at > now + CLOCK_TOLERANCE:
            raise FutureUsageError(occurred_at=self.occurred_at.isoformat())


@dataclass(frozen=True, slots=True)
class Charge:
    """What a usage event cost and what was left just after; `replayed` if it was charged before.

    `billed` is the quantity after increments; `facts` say what else was special.
    """

    id: UUID
    event_id: str
    customer_id: UUID
    meter: str
    quantity: Decimal
    billed: Decimal
    unit_price: Decimal
    gross: Money
    net: Money
    tax: Money
    balance: Money
    version: int
    replayed: bool
    facts: RatingFacts = NOTHING_SPECIAL

    def repeated(self) -> Charge:
        """Return the same as the answer to a repetition."""
        return replace(self, replayed=True)
