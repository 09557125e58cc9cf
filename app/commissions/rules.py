from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from uuid import UUID

from app.commissions.errors import RateRefusedError
from app.kernel import Money

PLACES = 6


@dataclass(frozen=True, slots=True)
class Term:
    """The part of the net price a beneficiary keeps, between 0 and 1."""

    beneficiary_id: UUID
    rate: Decimal


@dataclass(frozen=True, slots=True)
class Share:
    """What a beneficiary earns of one charge."""

    beneficiary_id: UUID
    amount: Money


@dataclass(frozen=True, slots=True)
class Shares:
    """A net price, divided: sum of commissions and revenue = net, to the cent."""

    commissions: Sequence[Share]
    revenue: Money


def share(net: Money, terms: Sequence[Term]) -> Shares:
    """Divide `net` along the chain; each share is rounded down, the remainder is the platform's.

    Refuses terms that together take more than the whole.
    """
    commissions, revenue = divide(net.minor, terms)
    shares = [
        Share(term.beneficiary_id, Money(minor, net.currency))
        for term, minor in zip(terms, commissions, strict=True)
    ]
    return Shares(shares, Money(revenue, net.currency))


def divide(net: int, terms: Sequence[Term]) -> tuple[list[int], int]:
    """Divide minor units as `share` does: what each term earns, in their order, and the rest."""
    if any(term.rate < 0 for term in terms) or sum(term.rate for term in terms) > 1:
        raise RateRefusedError
    earned = [int((net * term.rate).to_integral_value(ROUND_FLOOR)) for term in terms]
    return earned, net - sum(earned)


def require_rate(rate: Decimal) -> None:
    """Refuse a rate outside 0 to 1 or finer than the six places that are stored."""
    if not rate.is_finite() or not 0 <= rate <= 1 or rate != round(rate, PLACES):
        raise RateRefusedError(rate=str(rate)[:40])


def flatten(path: Sequence[UUID], rates: Sequence[Decimal]) -> list[Term]:
    """Return what each reseller of a chain keeps, the topmost first.

    `rates` are the agreements: the share of the net price for all charges below each reseller.
    A reseller keeps its own rate less the one it passes on. Refuses a child that gets more than
    its parent, and a rate outside 0 to 1.
    """
    for rate in rates:
        require_rate(rate)
    passed_on = [*rates[1:], Decimal(0)]
    kept = [own - below for own, below in zip(rates, passed_on, strict=True)]
    if any(part < 0 for part in kept):
        raise RateRefusedError
    return [Term(beneficiary, part) for beneficiary, part in zip(path, kept, strict=True)]
