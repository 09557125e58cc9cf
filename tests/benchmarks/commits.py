"""One process that charges at a pace, as a web process would, and notes when each was kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.integrations.redis_live import RedisBell
from app.settings import Settings
from tests.benchmarks.clients import a_minute, charge
from tests.benchmarks.crew import Crew
from tests.benchmarks.figures import BrokenMeasurementError
from tests.benchmarks.loading import ProductWallet
from tests.benchmarks.stage import connect_to


@dataclass(frozen=True)
class Charges:
    """Charge each of these once, in turn; `per_second` is None for as fast as it goes."""

    wallets: Sequence[ProductWallet]
    per_second: float | None = None


@dataclass(frozen=True, slots=True)
class Commit:
    """A charge that is kept: the balance's version, and when, by the machine's monotonic clock."""

    wallet: ProductWallet
    version: int
    at: float


Charger = Crew[Charges, list[Commit]]


def charger(settings: Settings) -> Charger:
    """Return a crew of one."""
    return Charger(1, _prepare, settings)


@dataclass
class _Watch:
    """Looks at the clock after the commit and before the bell."""

    bell: RedisBell
    at: float = 0.0

    def committed(self) -> None:
        self.at = time.monotonic()
        self.bell.ring()


def _prepare(settings: Settings) -> Callable[[Charges], list[Commit]]:
    watch = _Watch(RedisBell(settings.redis_url.get_secret_value()))
    connect_to(settings, after_emit=watch.committed)

    def work(order: Charges) -> list[Commit]:
        pause = 1 / order.per_second if order.per_second else 0.0
        started, commits = time.monotonic(), []
        for number, wallet in enumerate(order.wallets):
            time.sleep(max(0.0, started + number * pause - time.monotonic()))
            version = charge(wallet, a_minute(wallet)).version
            commits.append(Commit(wallet, version, watch.at))
        _require_pace(order, time.monotonic() - started)
        return commits

    return work


def _require_pace(order: Charges, elapsed: float) -> None:
    """Refuse a run that was slower than asked for: it measured something easier."""
    reached = len(order.wallets) / elapsed
    if order.per_second and reached < 0.95 * order.per_second:
        raise BrokenMeasurementError(f"{reached:.0f} charges a second, not {order.per_second:g}")
