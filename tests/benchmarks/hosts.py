"""Which site a host stands for: once it is remembered, before that, and after it has changed."""

from __future__ import annotations

import http.client
import json
import random
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import psycopg

from app.edge.news import CacheNews
from app.edge.sites import SiteDirectory
from app.kernel import cursor, transaction
from app.settings import Settings
from app.tenancy import PLATFORM_ID, PublicScope
from tests.benchmarks.counting import counted, given, queries
from tests.benchmarks.figures import (
    Benchmark,
    BrokenMeasurementError,
    Figure,
    at_most,
    required,
    stated,
)
from tests.benchmarks.loading import product_wallets, settle
from tests.benchmarks.stage import DOMAIN, HOST, Stage, free_port, public_port, web_plan

DOMAINS = 100_000
# As many as a process remembers, and fewer than there are.
REMEMBERED = 5_000
CALLS, ROUNDS, FIRST, CHANGES = 20_000, 5, 500, 10
PROCESSES = 2
_PATIENCE = 10.0

HOW = f"""
{DOMAINS:,} resellers with a domain each. `SiteDirectory.find`, which every request goes through, is
asked for {REMEMBERED:,} of the domains, in any order, that it has looked up before: {ROUNDS} rounds
of {CALLS:,} calls, the median of the rounds' means. Statements are counted at the database driver,
where nothing passes by; the plan is that of the very statement, explained under the application's
own role with its row-level security. A change is committed and told as the product tells it, from
a process of its own, while {PROCESSES} web processes that remember the domain are asked over and
over: the time until the last of them answers anew, the worst of {CHANGES} changes.
"""


def measure(stage: Stage) -> list[Figure]:
    """Look up remembered and new hosts, and see a change arrive."""
    settings = stage.database("hosts")
    # The platform, and a reseller that somebody made through the product.
    product_wallets(settings, wallets=1, resellers=1)
    domains = stage.count(DOMAINS, quick=2_000)
    _load(settings, domains)
    return [
        *_look_ups(stage, settings, domains),
        _change(stage, settings),
    ]


def _load(settings: Settings, domains: int) -> None:
    with psycopg.connect(settings.database_owner_url.get_secret_value()) as owner:
        owner.execute(
            "WITH made AS (INSERT INTO tenants (id, parent_id, kind, slug, name, path)"
            " SELECT own, %s, 'reseller', 'crowd-' || number, 'Crowd ' || number, ARRAY[own]"
            " FROM (SELECT gen_random_uuid() AS own, number FROM generate_series(1, %s) number)"
            " AS crowd RETURNING id, slug)"
            " INSERT INTO hosts (host, tenant_id, state)"
            " SELECT slug || '.example', id, 'active' FROM made",
            [PLATFORM_ID, domains],
        )
    settle(settings)


def _look_ups(stage: Stage, settings: Settings, domains: int) -> Iterator[Figure]:
    chance = random.Random(7)
    numbers = chance.sample(range(1, domains + 1), min(REMEMBERED, domains))
    hosts = [f"crowd-{number}.example" for number in numbers]
    news = CacheNews(stage.redis.url)
    directory = SiteDirectory(platform_domain=DOMAIN, news=news)
    with counted(settings) as statements:
        directory.find(DOMAIN)  # a new connection asks questions of its own
        queries(statements)
        firsts = [_time(directory, host) for host in hosts]
        asked = queries(statements)
        yield required(
            f"queries of {len(hosts):,} first look-ups among {domains:,} domains",
            "one each, by index",
            f"{len(asked) / len(hosts):g} each, {', '.join(_plan(asked[-1]))}",
            is_met=len(asked) == len(hosts) and not any("Seq" in node for node in _plan(asked[-1])),
        )
        queries(statements)
        means = [_mean(directory, chance.choices(hosts, k=CALLS)) for _ in range(ROUNDS)]
        again = len(queries(statements))
    news.close()
    yield required(
        f"queries of {ROUNDS * CALLS:,} look-ups of remembered hosts",
        "0",
        str(again),
        is_met=again == 0,
    )
    yield at_most("a look-up of a remembered host", statistics.median(means) * 1e6, 50, unit="µs")
    yield stated("a first look-up", f"{statistics.median(firsts) * 1e3:.2f} ms", "median")


def _time(directory: SiteDirectory, host: str) -> float:
    started = time.perf_counter()
    if directory.find(host) is None:
        raise BrokenMeasurementError(f"nobody is at {host}")
    return time.perf_counter() - started


def _mean(directory: SiteDirectory, hosts: list[str]) -> float:
    started = time.perf_counter()
    for host in hosts:
        directory.find(host)
    return (time.perf_counter() - started) / len(hosts)


def _plan(statement: str) -> list[str]:
    """The nodes of a statement's plan, for the application's role."""
    with transaction(PublicScope()) as session:
        explained = b"EXPLAIN (FORMAT JSON) " + statement.encode()
        row = cursor(session).execute(explained, given(statement)).fetchone()
    if row is None:
        raise BrokenMeasurementError("no plan")
    found = row[0] if isinstance(row[0], list) else json.loads(row[0])
    return [node for node in _nodes(found[0]["Plan"]) if node != "Nested Loop"]


def _nodes(plan: dict[str, Any]) -> Iterator[str]:
    yield plan["Node Type"]
    for below in plan.get("Plans", []):
        yield from _nodes(below)


def _change(stage: Stage, settings: Settings) -> Figure:
    news = CacheNews(stage.redis.url)
    directory = SiteDirectory(platform_domain=DOMAIN, news=news)
    host, seconds = "crowd-1.example", []
    each = [settings.model_copy(update={"public_port": free_port()}) for _ in range(PROCESSES)]
    with ExitStack() as running:
        for number, one in enumerate(each):
            running.enter_context(stage.serving(one, web_plan(one, name=f"web-{number}")))
        ports = [public_port(one) for one in each]
        for port in ports:
            _wait(port, host, 200)
        # A process forgets everything when it begins to listen; a change is told to listeners.
        time.sleep(1.0)
        for number in range(stage.count(CHANGES, quick=2)):
            state, status = ("active", 200) if number % 2 else ("detached", 404)
            for port in ports:
                _wait(port, host, 404 if number % 2 else 200)
            _save(settings, host, state)
            directory.forget(host)
            told = time.perf_counter()
            for port in ports:
                _wait(port, host, status)
            seconds.append(time.perf_counter() - told)
    news.close()
    return at_most(
        f"a change, until {PROCESSES} processes answer by it", max(seconds), 1, unit="s",
        detail=f"median {statistics.median(seconds) * 1e3:.1f} ms",
    )  # fmt: skip


def _save(settings: Settings, host: str, state: str) -> None:
    with psycopg.connect(settings.database_owner_url.get_secret_value()) as owner:
        owner.execute("UPDATE hosts SET state = %s WHERE host = %s", [state, host])


def _wait(port: int, host: str, status: int) -> None:
    end = time.monotonic() + _PATIENCE
    while _status(port, host) != status:
        if time.monotonic() > end:
            raise BrokenMeasurementError(f"{host} never answered {status}")


def _status(port: int, host: str) -> int:
    connection = http.client.HTTPConnection(HOST, port, timeout=_PATIENCE)
    try:
        connection.request("GET", "/brand.css", headers={"Host": host})
        return connection.getresponse().status
    finally:
        connection.close()


BENCHMARK = Benchmark("hosts", "From host to site", HOW, measure)
