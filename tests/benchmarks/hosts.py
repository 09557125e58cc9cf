"""Which site a host stands for, once it is remembered."""

from __future__ import annotations

import statistics
import time

from app.edge.news import CacheNews
from app.edge.sites import SiteDirectory
from tests.benchmarks.counting import counted, queries
from tests.benchmarks.figures import (
    Benchmark,
    BrokenMeasurementError,
    Figure,
    at_most,
    required,
    stated,
)
from tests.benchmarks.loading import Reseller, product_wallets
from tests.benchmarks.stage import DOMAIN, Stage

CALLS, ROUNDS = 20_000, 5

HOW = f"""
`SiteDirectory.find`, which every request goes through, is asked for the host of a reseller that
it has looked up before: {ROUNDS} rounds of {CALLS:,} calls, the median of the rounds' means.
Statements are counted at the database driver, where nothing passes by.
"""


def measure(stage: Stage) -> list[Figure]:
    """Count the queries and take the time of a host that is remembered."""
    settings = stage.database("hosts")
    reseller = product_wallets(settings, wallets=1, resellers=1)[0].reseller
    news = CacheNews(stage.redis.url)
    directory = SiteDirectory(platform_domain=DOMAIN, news=news)
    with counted(settings) as statements:
        first = _first(directory, reseller)
        if not queries(statements):
            raise BrokenMeasurementError("the first look-up asked nobody: it was no first one")
        means = [_mean(directory, reseller.host) for _ in range(ROUNDS)]
        asked = len(queries(statements))
    news.close()
    return [
        required(
            f"queries of {ROUNDS * CALLS:,} look-ups of a remembered host",
            "0",
            str(asked),
            is_met=asked == 0,
        ),
        at_most("a look-up of a remembered host", statistics.median(means) * 1e6, 50, unit="µs"),
        stated("the first look-up", f"{first * 1e3:.1f} ms", "with its query and a new connection"),
    ]


def _first(directory: SiteDirectory, reseller: Reseller) -> float:
    started = time.perf_counter()
    site = directory.find(reseller.host)
    if site is None or site.tenant_id != reseller.id:
        raise BrokenMeasurementError(f"{reseller.host} is not {reseller.id}")
    return time.perf_counter() - started


def _mean(directory: SiteDirectory, host: str) -> float:
    started = time.perf_counter()
    for _ in range(CALLS):
        directory.find(host)
    return (time.perf_counter() - started) / CALLS


BENCHMARK = Benchmark("hosts", "From host to site", HOW, measure)
