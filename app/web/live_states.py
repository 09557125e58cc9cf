from __future__ import annotations

from dataclasses import dataclass

from babel import Locale
from flask_sse import Message

from app.billing import Credit
from app.kernel import Money
from app.web.formats import money


@dataclass(frozen=True, slots=True)
class LiveState:
    """A wallet's balance at one version; what is available holds its bonus, too."""

    version: int
    posted: Money
    held: Money
    available: Money

    @classmethod
    def from_credit(cls, credit: Credit) -> LiveState:
        """Return the state that the database holds."""
        return cls(credit.revision, credit.paid, credit.held, credit.available)

    @classmethod
    def from_message(cls, message: Message) -> LiveState:
        """Return the state that the worker published."""
        data = message.data
        currency = data["currency"]
        return cls(
            data["version"],
            *(Money(data[name], currency) for name in ("posted", "held", "available")),
        )


@dataclass(frozen=True, slots=True)
class Reading:
    """Whose balance it is, and how its reader expects to see it."""

    wallet_id: str
    low_balance: int
    locale: Locale

    def render(self, state: LiveState) -> dict[str, object]:
        """Return what live.js reads; `text` is the balance as the page shows it."""
        return {
            "wallet_id": self.wallet_id,
            "version": state.version,
            "posted": state.posted.minor,
            "held": state.held.minor,
            "available": state.available.minor,
            "currency": state.available.currency,
            "text": money(state.posted, self.locale),
            "is_low": state.available.minor < self.low_balance,
        }
