import time
import timeit
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy import update

from app.edge import edge_of
from app.edge.memory import ShortMemory
from app.edge.news import CacheNews
from app.edge.sites import SiteDirectory
from app.kernel import transaction
from app.tenancy import Host, HostState, PlatformScope
from tests.apps import PLATFORM_DOMAIN
from tests.factories import a_custom_host, a_reseller, unique


def detach(host: str) -> None:
    with transaction(PlatformScope()) as session:
        session.execute(
            update(Host).where(Host.host == host).values(state=HostState.DETACHED.value)
        )


def eventually(holds: Callable[[], bool], *, seconds: float = 5.0) -> bool:
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def test_a_host_that_was_asked_for_lately_costs_no_query_and_little_time(
    app: Flask, connections: Callable[[], int]
) -> None:
    sites, reseller = edge_of(app).sites, a_reseller()
    host = f"{reseller.slug}.{PLATFORM_DOMAIN}"
    sites.find(host)
    before = connections()

    best = min(timeit.repeat(lambda: sites.find(host), number=100, repeat=20)) / 100

    assert connections() == before
    assert best <= 50e-6


def test_an_unknown_host_is_remembered_too(app: Flask, connections: Callable[[], int]) -> None:
    sites, host = edge_of(app).sites, f"{unique('nobody')}.example"

    found = [sites.find(host) for _ in range(3)]

    assert found == [None] * 3
    assert connections() == 1


def test_a_crowd_that_asks_for_one_new_host_costs_one_query(
    app: Flask, connections: Callable[[], int]
) -> None:
    sites, host = edge_of(app).sites, f"{a_reseller().slug}.{PLATFORM_DOMAIN}"
    before = connections()

    with ThreadPoolExecutor(20) as crowd:
        found = list(crowd.map(sites.find, [host] * 20))

    assert len({site.tenant_id for site in found if site is not None}) == 1
    assert connections() == before + 1


def test_r7_a_removed_domain_is_forgotten_by_every_process(
    app: Flask, make_app: Callable[..., Flask]
) -> None:
    other = make_app()
    here, there = edge_of(app), edge_of(other)
    host = a_custom_host(a_reseller()).host
    for edge in (here, there):
        edge.news.start()
        assert eventually(lambda edge=edge: edge.news.is_listening)  # type: ignore[misc]
        assert edge.sites.find(host) is not None

    detach(host)
    here.sites.forget(host)

    assert here.sites.find(host) is None
    assert eventually(lambda: there.sites.find(host) is None)


@pytest.mark.usefixtures("connected")
def test_without_redis_a_process_still_finds_and_forgets() -> None:
    news = CacheNews("unix:///nowhere/redis.sock")
    sites = SiteDirectory(platform_domain=PLATFORM_DOMAIN, news=news)
    host = a_custom_host(a_reseller()).host
    news.start()
    known = sites.find(host)

    detach(host)
    sites.forget(host)
    news.close()

    assert known is not None
    assert sites.find(host) is None


def test_a_memory_forgets_what_is_old_and_what_came_first() -> None:
    at = [0.0]
    memory: ShortMemory[str, int] = ShortMemory(size=2, seconds=30, clock=lambda: at[0])
    memory.put("a", 1)
    memory.put("b", 2)
    memory.put("c", 3)

    kept = [memory.get(key) for key in "abc"]
    at[0] = 31.0

    assert kept == [None, 2, 3]
    assert [memory.get(key) for key in "abc"] == [None] * 3
    assert len(memory) == 2


def test_r7_what_was_read_before_the_news_is_not_kept_after_it() -> None:
    memory: ShortMemory[str, int] = ShortMemory(size=9, seconds=30)
    memory.put("other", 1)
    age = memory.age
    memory.forget("host")

    memory.put("host", 2, age=age)
    unkept = memory.get("host")
    memory.put("host", 3, age=memory.age)

    assert (unkept, memory.get("host"), memory.get("other")) == (None, 3, 1)
