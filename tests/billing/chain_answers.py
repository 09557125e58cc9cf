"""What the product answered in a life of the chain machine, and how it must compare."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from app.billing import Charge, InsufficientFundsError, UsageEvent
from tests.billing.chain_books import Payer
from tests.billing.chain_model import HoldModel, Paid, Refused


@dataclass(frozen=True, eq=False)
class Known:
    """An event that was charged, and how."""

    payer: Payer
    event: UsageEvent
    charge: Charge


@dataclass(frozen=True, eq=False)
class Reserved:
    """A hold, its key and its model."""

    payer: Payer
    id: UUID
    key: str
    minor: int
    model: HoldModel


def require(made: Charge, expected: Paid) -> None:
    """Compare an answer with what the model expects."""
    assert not made.replayed
    facts = made.facts
    assert expected == Paid(
        gross=made.gross.minor,
        net=made.net.minor,
        tax=made.tax.minor,
        balance=made.balance.minor,
        version=made.version,
        bonus=facts.bonus,
        owed=facts.owed,
        uncollected=facts.uncollected,
    )


def require_missing(refusal: object, expected: Refused) -> None:
    assert isinstance(refusal, InsufficientFundsError)
    assert refusal.facts["required"] == expected.required
    assert refusal.facts["missing"] == expected.missing
