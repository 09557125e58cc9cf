"""Balances that move on a thousand open pages, and what happens when a server goes away."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

from app.cli.children import Child
from app.settings import Settings
from tests.benchmarks.books import proven_books
from tests.benchmarks.commits import Charger, Charges, Commit, charger
from tests.benchmarks.figures import (
    Benchmark,
    BrokenMeasurementError,
    Figure,
    at_most,
    required,
)
from tests.benchmarks.loading import ProductWallet, Users, product_wallets
from tests.benchmarks.open_streams import Stream, close_all, open_all
from tests.benchmarks.samples import Spread
from tests.benchmarks.signed_in import application, cookies
from tests.benchmarks.stage import Stage, public_port, web_plan, worker_plan

WALLETS, RESELLERS = 500, 50
STREAMS, CROWD = 1_000, 5_000
CHARGES_A_SECOND = 100
_WARMING = 10
_AT_ONCE = 50
_OPENING_SECONDS = 60.0
_DELIVERY_SECONDS = 30.0
_SETTLING_SECONDS = 1.0

HOW = f"""
One web process (gunicorn, one gevent worker) and one worker process run as `kontor web` and
`kontor worker` start them; {STREAMS:,} raw sockets hold `/portal/balance/stream` open for the
signed-in users of {WALLETS} customers of {RESELLERS} resellers. Another process charges
{CHARGES_A_SECOND} times a second through the use case, customers at random, and looks at the
machine's monotonic clock right after each commit; the client looks at it when bytes arrive that
hold this version of the balance or a newer one: every commit, on every stream of its customer.
Memory is what the web process's proportional set size (PSS) grew by, before the charges or after
them, whichever is more, divided by the streams; one kB is 1,000 bytes. Then Redis is stopped, every
customer is charged once, Redis is started again, empty; then every customer is charged once more:
counted are the streams that show each of these balances, though a stream may have had to come back
as EventSource does. Last, the web process is stopped, a new one is started, and {CROWD:,} streams
connect to it at once: the time until the last one has its first state. In the end every law of
`kontor ledger verify` is checked.
"""


@dataclass(frozen=True)
class _Scene:
    """Everything that plays a part while the streams are open."""

    stage: Stage
    settings: Settings
    wallets: Sequence[ProductWallet]
    cookies: Sequence[str]
    charger: Charger

    def streams(self, count: int) -> list[Stream]:
        """That many pages, spread over all customers."""
        people = itertools.cycle(zip(self.wallets, self.cookies, strict=True))
        port = public_port(self.settings)
        return [Stream(wallet, cookie, port) for wallet, cookie in itertools.islice(people, count)]

    async def charge(self, order: Charges) -> list[Commit]:
        """Let the other process charge, while the streams are read here."""
        (commits,) = await asyncio.to_thread(self.charger.work, [order])
        return commits


def measure(stage: Stage) -> list[Figure]:
    """Play the scenes one after the other, then prove the books."""
    settings = stage.database("streams")
    wallets = product_wallets(
        settings,
        wallets=stage.count(WALLETS, quick=20),
        resellers=stage.count(RESELLERS, quick=2),
        users=Users.EVERYBODY,
    )
    with application(settings) as app:
        signed_in = cookies(app, settings, wallets)
    figures = []
    with charger(settings) as charging, stage.serving(settings, worker_plan()):
        scene = _Scene(stage, settings, wallets, signed_in, charging)
        with stage.serving(settings, web_plan(settings)) as (web,):
            figures += asyncio.run(_play(scene, web))
        with stage.serving(settings, web_plan(settings)):
            figures.append(asyncio.run(_crowd(scene)))
    return [*figures, proven_books()]


async def _play(scene: _Scene, web: Child) -> list[Figure]:
    streams = scene.streams(scene.stage.count(STREAMS, quick=60))
    await _warm_up(scene)
    empty = _memory(web)
    await open_all(streams, at_once=_AT_ONCE, within=_OPENING_SECONDS)
    await asyncio.sleep(_SETTLING_SECONDS)
    full = _memory(web)
    try:
        lag = await _lag(scene, streams)
        full = max(full, _memory(web))
        restart = await _without_redis(scene, streams)
    finally:
        close_all(streams)
    share = (full - empty) / len(streams) / 1000
    return [lag, at_most("memory a stream", share, 40, unit="kB"), *restart]


async def _warm_up(scene: _Scene) -> None:
    """Let everything be imported and connected that the first streams would pay for."""
    streams = scene.streams(_WARMING)
    await open_all(streams, at_once=_WARMING, within=_OPENING_SECONDS)
    await _all_show(streams, await scene.charge(Charges(scene.wallets[:_WARMING])))
    close_all(streams)
    await asyncio.sleep(_SETTLING_SECONDS)


async def _lag(scene: _Scene, streams: Sequence[Stream]) -> Figure:
    count = int(CHARGES_A_SECOND * scene.stage.seconds(15.0))
    chosen = random.choices(scene.wallets, k=count)
    commits = await scene.charge(Charges(chosen, CHARGES_A_SECOND))
    await _all_show(streams, commits)
    lags = []
    by_wallet = _by_wallet(streams)
    for commit in commits:
        for stream in by_wallet[commit.wallet]:
            arrived = stream.arrival_of(commit.version)
            if arrived is None or arrived < commit.at:
                raise BrokenMeasurementError(f"{commit} arrived at {arrived}")
            lags.append(arrived - commit.at)
    spread = Spread.of(lags)
    return at_most(
        f"from commit to client, p99, {len(streams):,} streams open",
        spread.p99,
        50,
        unit="ms",
        detail=f"{spread}, most {max(lags) * 1000:.1f} ms; {len(lags):,} arrivals",
    )


async def _without_redis(scene: _Scene, streams: Sequence[Stream]) -> list[Figure]:
    lost_before = sum(stream.times_lost for stream in streams)
    redis = scene.stage.redis
    await asyncio.to_thread(redis.stop)
    unheard = await scene.charge(Charges(scene.wallets))
    await asyncio.to_thread(redis.restart)
    started = time.monotonic()
    showing = await _count_showing(streams, unheard)
    seconds = time.monotonic() - started
    heard = await scene.charge(Charges(scene.wallets))
    showing_next = await _count_showing(streams, heard)
    lost = sum(stream.times_lost for stream in streams) - lost_before
    everybody = len(streams)
    return [
        required(
            "streams that show what was charged while Redis was away",
            "100 %",
            f"{100 * showing / everybody:.1f} %",
            is_met=showing == everybody,
            detail=f"the last one {seconds:.1f} s after Redis was back; {lost} had to come back",
        ),
        required(
            "streams that show what was charged after that",
            "100 %",
            f"{100 * showing_next / everybody:.1f} %",
            is_met=showing_next == everybody,
        ),
    ]


async def _crowd(scene: _Scene) -> Figure:
    streams = scene.streams(scene.stage.count(CROWD, quick=200))
    try:
        seconds = await open_all(streams, at_once=len(streams), within=_OPENING_SECONDS)
    finally:
        close_all(streams)
    return at_most(
        f"{len(streams):,} streams at once on a new web process: all have their first state",
        seconds,
        15,
        unit="s",
        detail=f"{len(streams) / seconds:,.0f} a second",
    )


async def _all_show(streams: Sequence[Stream], commits: Sequence[Commit]) -> None:
    showing = await _count_showing(streams, commits)
    if showing != len(streams):
        raise BrokenMeasurementError(f"{len(streams) - showing} streams miss a balance")


async def _count_showing(streams: Sequence[Stream], commits: Sequence[Commit]) -> int:
    """Wait until every stream shows its customer's last commit; return how many do."""
    newest: dict[ProductWallet, int] = {}
    for commit in commits:
        newest[commit.wallet] = max(commit.version, newest.get(commit.wallet, 0))
    deadline = time.monotonic() + _DELIVERY_SECONDS
    while True:
        showing = sum(stream.version >= newest.get(stream.wallet, 0) for stream in streams)
        if showing == len(streams) or time.monotonic() > deadline:
            return showing
        await asyncio.sleep(0.02)


def _by_wallet(streams: Sequence[Stream]) -> dict[ProductWallet, list[Stream]]:
    found: dict[ProductWallet, list[Stream]] = {}
    for stream in streams:
        found.setdefault(stream.wallet, []).append(stream)
    return found


def _memory(web: Child) -> int:
    """The proportional set size of the one process that serves, in bytes."""
    (serving,) = psutil.Process(web.process.pid).children()
    return int(serving.memory_full_info().pss)


BENCHMARK = Benchmark("streams", "Balances that move", HOW, measure)
