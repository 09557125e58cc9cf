"""A thousand events at once through the use case, against the reference charge one by one."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from app.billing import Charge
from app.billing.careful_charges import charge_with_care
from app.kernel import now, transaction
from app.settings import Settings
from app.tenancy import TenantScope
from tests.benchmarks.books import proven_books
from tests.benchmarks.clients import CLIENTS, a_minute, charge_crew, run
from tests.benchmarks.crew import Crew
from tests.benchmarks.figures import Benchmark, BrokenMeasurementError, Figure, at_least, stated
from tests.benchmarks.loading import (
    ProductWallet,
    load_reference,
    product_wallets,
    reference_wallets,
)
from tests.benchmarks.samples import Sample
from tests.benchmarks.stage import Stage, connect_to

PAIRS = 5
WALLETS, RESELLERS = 2_000, 100
BATCH = 1_000

HOW = """
One client process with one connection charges batches of 1,000 events of one reseller's 2,000
customers, chosen at random, each batch a transaction of its own: rated, shared, locked, posted. The
yardstick is the reference function called by eight client processes one charge at a time, as in the
chapter about charges. The two are measured one right after the other, five times, and who goes
first alternates; each begins with half a second that does not count. The figure is the median of
the five ratios of events a second. In the end every law of `kontor ledger verify` is checked.
"""


@dataclass(frozen=True)
class _Order:
    """Charge batches of these wallets' minutes for so many seconds."""

    wallets: Sequence[ProductWallet]
    seconds: float


@dataclass(frozen=True)
class _Done:
    """How many events were charged in how long, and what the slowest batch took."""

    events: int
    elapsed: float
    slowest: float

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / self.elapsed


def measure(stage: Stage) -> list[Figure]:
    """Compare, then prove the books."""
    settings = stage.database("batches")
    reference_url = load_reference(settings)
    wallets = stage.count(WALLETS, quick=200)
    mine = product_wallets(settings, wallets=wallets, resellers=1)
    theirs = reference_wallets(settings, wallets=wallets, books=stage.count(RESELLERS, quick=10))
    seconds = stage.seconds(3.0)
    with (
        charge_crew(settings, reference_url) as many,
        Crew[_Order, _Done](1, _batcher, settings) as one,
    ):
        pairs = [
            _pair(number, partial(_run, one, mine, seconds), partial(run, many, theirs, seconds))
            for number in range(stage.count(PAIRS, quick=3))
        ]
    ratio = statistics.median(done.rate / rate for done, rate in pairs)
    middle = sorted(pairs, key=lambda pair: pair[0].rate / pair[1])[len(pairs) // 2]
    ratios = ", ".join(f"{done.rate / rate:.2f}" for done, rate in pairs)
    return [
        at_least(
            f"events of batches on one connection, as a share of {CLIENTS} reference clients",
            ratio,
            3.0,
            detail=f"pairs {ratios}; events {middle[0].rate:,.0f}/s; reference {middle[1]:,.0f}/s",
        ),
        stated(
            f"a batch of {BATCH:,}",
            f"{BATCH / middle[0].rate * 1000:.0f} ms",
            f"slowest {middle[0].slowest * 1000:.0f} ms",
        ),
        proven_books(),
    ]


def _pair(
    number: int, mine: Callable[[], _Done], yardstick: Callable[[], Sample]
) -> tuple[_Done, float]:
    if number % 2:
        done = mine()
        return done, yardstick().rate
    rate = yardstick().rate
    return mine(), rate


def _run(crew: Crew[_Order, _Done], wallets: Sequence[ProductWallet], seconds: float) -> _Done:
    return crew.work([_Order(wallets, seconds)])[0]


def _batcher(settings: Settings) -> Callable[[_Order], _Done]:
    connect_to(settings)

    def work(order: _Order) -> _Done:
        chooser = random.Random(time.monotonic_ns())
        _spend(order, chooser, seconds=0.5)
        began = time.perf_counter()
        spent = _spend(order, chooser, seconds=order.seconds)
        return _Done(BATCH * len(spent), time.perf_counter() - began, max(spent))

    return work


def _spend(order: _Order, chooser: random.Random, *, seconds: float) -> list[float]:
    scope = TenantScope(order.wallets[0].reseller.id)
    spent = []
    end = time.perf_counter() + seconds
    while (began := time.perf_counter()) < end:
        usages = [a_minute(chooser.choice(order.wallets)) for _ in range(BATCH)]
        with transaction(scope) as session:
            outcomes = charge_with_care(session, scope, usages=usages, now=now())
        spent.append(time.perf_counter() - began)
        if not all(isinstance(each, Charge) for each in outcomes):
            raise BrokenMeasurementError("an event was refused")
    return spent


BENCHMARK = Benchmark("batches", "Batches", HOW, measure)
