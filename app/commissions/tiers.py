"""A share that rises with the month's volume: agreements as step functions, exactly (pure).

Volumes and earnings are integers of minor units; rates have six places, so that products are
integers of millionths of a minor unit and nothing is rounded before the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from itertools import pairwise

from app.commissions.errors import StepsRefusedError
from app.commissions.rules import PLACES, require_rate

# A rate's denominator.
UNIT: int = 10**PLACES


class Basis(Enum):
    """What a step's rate is paid on: the volume above the step, or the whole month's."""

    MARGINAL = "marginal"
    WHOLE = "whole"


@dataclass(frozen=True, slots=True)
class Step:
    """From the first minor unit above `above_minor` of the month's volume on, the rate is this."""

    above_minor: int
    rate: Decimal


@dataclass(frozen=True, slots=True)
class Agreement:
    """The share of the net price of all charges below a reseller: base rate, steps, basis."""

    rate: Decimal
    steps: tuple[Step, ...] = ()
    basis: Basis = Basis.MARGINAL

    def rate_at(self, volume: int) -> Decimal:
        """Return the rate of the step that a month's volume has reached."""
        reached = [step.rate for step in self.steps if step.above_minor < volume]
        return reached[-1] if reached else self.rate

    def slices(self, since: int, until: int, total: int) -> list[Slice]:
        """Return by which rates the volume from `since` to `until` of a month of `total` is paid.

        Signed: what was taken back runs backwards. Volume below nothing has the base rate.
        """
        if since == until:
            return []
        if self.basis is Basis.WHOLE:
            return [Slice(self._above(total), self.rate_at(total), until - since)]
        low, high, sign = (since, until, 1) if since < until else (until, since, -1)
        return [
            Slice(above, rate, sign * (min(high, below) - max(low, start)))
            for start, below, above, rate in self._ranges(low, high)
            if min(high, below) > max(low, start)
        ]

    def _above(self, volume: int) -> int:
        return max(
            (step.above_minor for step in self.steps if step.above_minor < volume), default=0
        )

    def _ranges(self, low: int, high: int) -> Iterator[tuple[int, int, int, Decimal]]:
        starts = [(min(0, low), 0, self.rate)]
        starts += [(step.above_minor, step.above_minor, step.rate) for step in self.steps]
        ends = [start for start, _, _ in starts[1:]] + [max(high, starts[-1][0])]
        for (start, above, rate), end in zip(starts, ends, strict=True):
            yield start, end, above, rate


@dataclass(frozen=True, slots=True)
class Slice:
    """Volume (minor units) that is paid by one rate: that of the step above `above_minor`."""

    above_minor: int
    rate: Decimal
    volume: int

    @property
    def earned(self) -> int:
        """Return what it earns, in millionths of a minor unit, exactly."""
        return int(self.rate * UNIT) * self.volume


def require_agreement(agreement: Agreement) -> None:
    """Refuse rates out of reason, steps that do not rise, and rates that fall with the volume."""
    for rate in (agreement.rate, *(step.rate for step in agreement.steps)):
        require_rate(rate)
    thresholds = [0, *(step.above_minor for step in agreement.steps)]
    rates = [agreement.rate, *(step.rate for step in agreement.steps)]
    if any(high <= low for low, high in pairwise(thresholds)) or any(
        high < low for low, high in pairwise(rates)
    ):
        raise StepsRefusedError


def is_within(child: Agreement, parent: Agreement) -> bool:
    """Return whether a parent can pass a child's agreement on at every volume of theirs.

    A parent's volume is never less than its child's, so it is enough that no rate of the child is
    above the parent's at the same volume. Where the child is paid on the whole volume and the
    parent is not, the child's greatest rate must be within the parent's base rate: when a step is
    reached, it holds for volume that the parent was paid less for.
    """
    if child.basis is Basis.WHOLE and parent.basis is Basis.MARGINAL:
        return child.rate_at(_beyond(child)) <= parent.rate
    edges = {0, *(step.above_minor for step in (*child.steps, *parent.steps))}
    return all(child.rate_at(edge + 1) <= parent.rate_at(edge + 1) for edge in edges)


def capped(rates: Sequence[Decimal]) -> list[Decimal]:
    """Return the rates of a chain, the topmost first, none above the one before it."""
    allowed: list[Decimal] = []
    for rate in rates:
        allowed.append(min(rate, allowed[-1]) if allowed else rate)
    return allowed


def _beyond(agreement: Agreement) -> int:
    return agreement.steps[-1].above_minor + 1 if agreement.steps else 1
