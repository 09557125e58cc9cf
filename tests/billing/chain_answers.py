"""What the product answered in a life of the chain machine, and how it must compare."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from app.billing import CapReachedError, Charge, InsufficientFundsError, UsageEvent
from tests.billing.chain_books import Payer
from tests.billing.chain_model import Booked, Capped, Paid, Refused
from tests.billing.chain_wallets import HoldModel

# What refuses usage and holds for want of money or of room under a cap.
REFUSALS = (InsufficientFundsError, CapReachedError)


@dataclass(frozen=True, eq=False)
class Known:
    """An event that was charged, and how."""

    payer: Payer
    event: UsageEvent
    charge: Charge
    booked: Booked


@dataclass(frozen=True, eq=False)
class ChargedFee:
    """A period of a contract that was charged."""

    payer: Payer
    entry_id: UUID
    booked: Booked


@dataclass(frozen=True, eq=False)
class Reserved:
    """A hold, its key and its model."""

    payer: Payer
    id: UUID
    key: str
    minor: int
    model: HoldModel


def require(made: Charge, expected: Paid) -> Booked:
    """Compare an answer with what the model expects; return what the model booked."""
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
        free=facts.free,
    )
    assert expected.booked is not None
    return expected.booked


def require_refusal(refusal: object, expected: Refused | Capped) -> None:
    """Compare a refusal and its figures with what the model expects."""
    if isinstance(expected, Capped):
        assert isinstance(refusal, CapReachedError)
        facts = refusal.facts
        assert (facts["limit"], facts["spent"], facts["held"]) == (
            expected.limit, expected.spent, expected.held,
        )  # fmt: skip
    else:
        assert isinstance(refusal, InsufficientFundsError)
        assert refusal.facts["required"] == expected.required
        assert refusal.facts["missing"] == expected.missing
