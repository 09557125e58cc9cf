"""A thousand events at once through the use case, against the reference charge one by one."""

from __future__ import annotations

import json
import random
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from uuid import uuid4

import psutil

from app.billing import Charge, ReportedUsage, take_in
from app.identity import make_api_key
from app.kernel import now, transaction
from app.settings import Settings
from app.tenancy import TenantScope
from tests.benchmarks.books import proven_books
from tests.benchmarks.clients import CLIENTS, charge_crew, run
from tests.benchmarks.crew import Crew
from tests.benchmarks.figures import (
    Benchmark,
    BrokenMeasurementError,
    Figure,
    at_least,
    at_most,
    stated,
)
from tests.benchmarks.loading import (
    METER,
    ProductWallet,
    load_reference,
    product_wallets,
    reference_wallets,
)
from tests.benchmarks.samples import Sample
from tests.benchmarks.stage import HOST, Stage, connect_to, public_port, web_plan

PAIRS = 5
WALLETS, RESELLERS = 2_000, 100
BATCH = 1_000
MOST_EVENTS = 10_000

HOW = """
One client process with one connection charges batches of 1,000 events, read before, of one
reseller's 2,000 customers, chosen at random, each batch a transaction of its own: rated, shared,
locked, posted. The
yardstick is the reference function called by eight client processes one charge at a time, as in the
chapter about charges. The two are measured one right after the other, five times, and who goes
first alternates; each begins with half a second that does not count. The figure is the median of
the five ratios of events a second. Then a web process, as `kontor web` starts it, gets one batch of
10,000 events as NDJSON by HTTP after a small one: extra memory is how far its resident set rose at
its highest (`VmHWM`, reset before) above what it was just before the call. In the end every law of
`kontor ledger verify` is checked.
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
        _memory(stage, settings, mine),
        proven_books(),
    ]


def _memory(stage: Stage, settings: Settings, wallets: Sequence[ProductWallet]) -> Figure:
    """Send many events in one call to a web process of its own and see how far it grew."""
    reseller = wallets[0].reseller
    scope = TenantScope(reseller.id)
    with transaction(scope) as session:
        _, key = make_api_key(session, scope, name="Benchmark", scopes=["usage:write"])
    with stage.serving(settings, web_plan(settings)) as (web,):
        master = psutil.Process(web.process.pid)
        (worker,) = [each for each in master.children(recursive=True) if each.is_running()]
        _post(settings, reseller.host, key, _lines(wallets, 100))
        Path(f"/proc/{worker.pid}/clear_refs").write_text("5", encoding="ascii")
        before = worker.memory_info().rss
        _post(settings, reseller.host, key, _lines(wallets, MOST_EVENTS))
        grown = _highest(worker.pid) - before
    return at_most(
        f"extra memory of {MOST_EVENTS:,} events in one call", grown / 1e6, 64, unit="MB"
    )


def _post(settings: Settings, host: str, key: str, body: str) -> None:
    with closing(HTTPConnection(HOST, public_port(settings), timeout=120)) as connection:
        headers = {
            "Host": host,
            "Authorization": f"Bearer {key}",
            "Content-Type": "application/x-ndjson",
        }
        connection.request("POST", "/api/v2/usage/batch", body, headers)
        answer = connection.getresponse()
        told = answer.read().decode().splitlines()
    charged = sum('"charged"' in line for line in told)
    if answer.status != HTTPStatus.OK or charged != len(body.splitlines()):
        raise BrokenMeasurementError(f"{answer.status}: {charged} charged; {told[:2]}")


def _lines(wallets: Sequence[ProductWallet], count: int) -> str:
    return "".join(
        json.dumps(
            {
                "id": uuid4().hex,
                "customer_id": str(wallets[number % len(wallets)].customer),
                "meter": METER,
                "quantity": "1",
                "occurred_at": now().isoformat(),
            }
        )
        + "\n"
        for number in range(count)
    )


def _highest(pid: int) -> int:
    """The highest resident set of a process since it was reset, in bytes."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    (line,) = [each for each in status.splitlines() if each.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024


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
        spent = _spend(order, chooser, seconds=order.seconds)
        return _Done(BATCH * len(spent), sum(spent), max(spent))

    return work


def _spend(order: _Order, chooser: random.Random, *, seconds: float) -> list[float]:
    scope = TenantScope(order.wallets[0].reseller.id)
    spent = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        reported = [_a_minute(chooser.choice(order.wallets)) for _ in range(BATCH)]
        began = time.perf_counter()
        results = list(take_in(scope, reported, now=now()))
        spent.append(time.perf_counter() - began)
        if not all(isinstance(each.outcome, Charge) for each in results):
            raise BrokenMeasurementError("an event was refused")
    return spent


def _a_minute(wallet: ProductWallet) -> ReportedUsage:
    return ReportedUsage(
        id=uuid4().hex,
        customer_id=wallet.customer,
        meter=METER,
        quantity=Decimal(1),
        occurred_at=now(),
    )


BENCHMARK = Benchmark("batches", "Batches", HOW, measure)
