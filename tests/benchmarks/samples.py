"""Rates and latencies, and how two of them are compared."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tests.benchmarks.figures import BrokenMeasurementError

# With fewer, the 99th percentile is one lucky or unlucky moment.
_FEWEST = 100


@dataclass(frozen=True)
class Spread:
    """Percentiles in milliseconds."""

    p50: float
    p95: float
    p99: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Spread:
        """Percentiles of latencies; refuses too few to speak of."""
        if len(seconds) < _FEWEST:
            raise BrokenMeasurementError(f"only {len(seconds)} latencies")
        cuts = statistics.quantiles(seconds, n=100)
        return cls(cuts[49] * 1000, cuts[94] * 1000, cuts[98] * 1000)

    def __str__(self) -> str:
        return f"p50 {self.p50:.2f}, p95 {self.p95:.2f}, p99 {self.p99:.2f} ms"


@dataclass(frozen=True)
class Spell:
    """What one client did: how long each call took, and how long all of them."""

    latencies: Sequence[float]
    elapsed: float


@dataclass(frozen=True)
class Sample:
    """What all clients did in one run: calls a second, latencies, number of calls."""

    rate: float
    spread: Spread
    count: int

    @classmethod
    def of(cls, spells: Iterable[Spell]) -> Sample:
        """All clients' spells together."""
        latencies: list[float] = []
        rate = 0.0
        for spell in spells:
            latencies += spell.latencies
            rate += len(spell.latencies) / spell.elapsed
        return cls(rate, Spread.of(latencies), len(latencies))

    def __str__(self) -> str:
        return f"{self.rate:,.0f}/s ({self.spread})"


@dataclass(frozen=True)
class Pair:
    """Two samples taken one right after the other."""

    measured: Sample
    yardstick: Sample

    @property
    def ratio(self) -> float:
        """The measured rate as a share of the yardstick's."""
        return self.measured.rate / self.yardstick.rate


@dataclass(frozen=True)
class Comparison:
    """Pairs of one comparison, in the order in which they were taken."""

    pairs: Sequence[Pair]

    @classmethod
    def interleaved(
        cls, count: int, measured: Callable[[], Sample], yardstick: Callable[[], Sample]
    ) -> Comparison:
        """Take `count` pairs; who goes first alternates, so that a drift falls on both."""
        pairs = []
        for number in range(count):
            if number % 2:
                mine, other = measured(), yardstick()
            else:
                other, mine = yardstick(), measured()
            pairs.append(Pair(mine, other))
        return cls(pairs)

    @property
    def ratio(self) -> float:
        """The median of the pairs' ratios."""
        return statistics.median(pair.ratio for pair in self.pairs)

    @property
    def middle(self) -> Pair:
        """The pair in the middle, whose latencies stand for all."""
        return sorted(self.pairs, key=lambda pair: pair.ratio)[len(self.pairs) // 2]

    def detail(self, measured: str, yardstick: str) -> str:
        """The ratios of all pairs, and rates and latencies of the middle one."""
        ratios = ", ".join(f"{pair.ratio:.2f}" for pair in self.pairs)
        return (
            f"pairs {ratios}; {measured} {self.middle.measured};"
            f" {yardstick} {self.middle.yardstick}"
        )
