from __future__ import annotations

from dataclasses import dataclass

from babel import Locale
from flask_sse import Message

from app.billing import Credit
from app.kernel import Money
from app.web.formats import money


@dataclass(frozen=True, slots=True)
class LiveState:
    """A wallet's credit at one version of its paid part; `available` holds its bonus, too.

    Bonus and debt move without a new version: of two states of one version the later one holds.
    """

    version: int
    posted: Money
    held: Money
    available: Money
    bonus: Money
    owed: Money

    @property
    def mark(self) -> str:
        """What tells this state from others: the version alone where that says it all."""
        beside = (self.bonus.minor, self.owed.minor)
        return f"{self.version}.{beside[0]}.{beside[1]}" if any(beside) else str(self.version)

    @classmethod
    def from_credit(cls, credit: Credit) -> LiveState:
        """Return the state that the database holds."""
        return cls(
            credit.revision,
            credit.paid,
            credit.held,
            credit.available,
            credit.bonus,
            credit.owed,
        )

    @classmethod
    def from_message(cls, message: Message) -> LiveState:
        """Return the state that the worker published."""
        data = message.data
        currency = data["currency"]
        return cls(
            data["version"],
            *(
                Money(data.get(name, 0), currency)
                for name in ("posted", "held", "available", "bonus", "owed")
            ),
        )


@dataclass(frozen=True, slots=True)
class Reading:
    """Whose balance it is, and how its reader expects to see it."""

    wallet_id: str
    low_balance: int
    locale: Locale

    def render(self, state: LiveState) -> dict[str, object]:
        """Return what live.js reads; `total` is paid and bonus credit, `text` the same in words."""
        return {
            "wallet_id": self.wallet_id,
            "version": state.version,
            "posted": state.posted.minor,
            "held": state.held.minor,
            "available": state.available.minor,
            "bonus": state.bonus.minor,
            "owed": state.owed.minor,
            "currency": state.available.currency,
            "mark": state.mark,
            "total": (state.posted + state.bonus).minor,
            "text": money(state.posted + state.bonus, self.locale),
            "is_low": state.available.minor < self.low_balance,
        }
