import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.pool import QueuePool
from werkzeug.test import TestResponse

from app.embedded import RedisServer, start_redis
from app.kernel import SignIn
from app.kernel.db import _process
from app.web.live import StockStreamError, bp
from app.web.live_stream import StreamTimes
from tests.apps import Browser
from tests.conftest import Database
from tests.factories import a_reseller
from tests.web.live_site import LiveSite, Visitor, a_live_site, a_visitor
from tests.worker.wallets import pay_in

EVENTS = "text/event-stream"
STREAM, BALANCE = "/portal/balance/stream", "/portal/balance"
LONG = StreamTimes(heartbeat=0.2, life=20.0, reread_spread=0.1)
QUICK = StreamTimes(heartbeat=0.2, life=1.0, life_spread=0.0, reread_spread=0.1)


@pytest.fixture(scope="module")
def site(connected: Database, redis_server: RedisServer) -> Iterator[LiveSite]:
    with a_live_site(connected, redis_server) as made:
        yield made


@pytest.fixture
def visitor(site: LiveSite) -> Visitor:
    return a_visitor(site)


def words(answer: TestResponse) -> Iterator[str]:
    for chunk in answer.response:
        yield chunk.decode() if isinstance(chunk, bytes) else chunk


def states(answer: TestResponse) -> Iterator[dict[str, object]]:
    """The balances a stream tells, without comments."""
    for word in words(answer):
        if word.startswith("event:balance"):
            yield json.loads(word.split("\ndata:")[1].split("\n")[0])


def checked_out() -> int:
    engine: Engine = _process.engines[SignIn.APPLICATION]
    assert isinstance(engine.pool, QueuePool)
    return engine.pool.checkedout()


def wait_for_hub(site: LiveSite) -> None:
    site.hub.start()
    deadline = time.monotonic() + 10
    while not site.hub.connected:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_stream_starts_with_the_present_balance(visitor: Visitor) -> None:
    pay_in(visitor.wallet, 1_234_50)

    answer = visitor.get(STREAM, Accept=EVENTS)

    assert answer.status_code == 200
    assert answer.mimetype == EVENTS
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Accel-Buffering"] == "no"
    assert next(states(answer)) == {
        "wallet_id": str(visitor.wallet.id),
        "version": 1,
        "posted": 123_450,
        "held": 0,
        "available": 123_450,
        "bonus": 0,
        "owed": 0,
        "mark": "1",
        "total": 123_450,
        "currency": "EUR",
        "text": "1.234,50\N{NO-BREAK SPACE}€",
        "is_low": False,
    }
    answer.close()


def test_a_stream_tells_what_the_worker_publishes(site: LiveSite, visitor: Visitor) -> None:
    wait_for_hub(site)
    answer = visitor.get(STREAM, Accept=EVENTS)
    told = states(answer)
    next(told)

    site.tell(visitor.wallet, 1, 500)

    state = next(told)
    assert (state["version"], state["posted"], state["is_low"]) == (1, 500, True)
    answer.close()


def test_a_stream_holds_no_database_connection(visitor: Visitor) -> None:
    before = checked_out()

    answer = visitor.get(STREAM, Accept=EVENTS)
    next(states(answer))

    assert checked_out() == before == 0
    answer.close()


def test_a_stream_tells_nothing_of_other_wallets(site: LiveSite, visitor: Visitor) -> None:
    reseller = a_reseller()
    other, third = a_visitor(site, reseller), a_visitor(site, reseller)
    wait_for_hub(site)
    answer = other.get(f"{STREAM}?channel={visitor.wallet.channel}", Accept=EVENTS)
    told = states(answer)
    next(told)

    site.tell(visitor.wallet, 8, 800)
    site.tell(third.wallet, 9, 900)
    site.tell(other.wallet, 1, 100)

    state = next(told)
    assert (state["wallet_id"], state["posted"]) == (str(other.wallet.id), 100)
    answer.close()


def test_a_client_that_has_the_present_version_is_sent_no_state(visitor: Visitor) -> None:
    version = pay_in(visitor.wallet, 100)

    answer = visitor.get(STREAM, Accept=EVENTS, Last_Event_ID=str(version))

    opening = words(answer)
    assert next(opening).startswith("retry:")
    assert next(opening).startswith(": ")
    answer.close()


@pytest.mark.parametrize("last", ["0", "nonsense", "", "-4"])
def test_a_client_that_lags_or_errs_is_sent_the_state(visitor: Visitor, last: str) -> None:
    pay_in(visitor.wallet, 100)

    answer = visitor.get(STREAM, Accept=EVENTS, Last_Event_ID=last)

    assert next(states(answer))["version"] == 1
    answer.close()


def test_a_stream_ends_at_the_end_of_its_life(
    connected: Database, redis_server: RedisServer
) -> None:
    with a_live_site(connected, redis_server, QUICK) as site:
        visitor = a_visitor(site)
        started = time.monotonic()

        told = list(words(visitor.get(STREAM, Accept=EVENTS)))

        assert told[-1].startswith("event:bye")
        assert ": alive\n\n" in told
        assert 0.9 < time.monotonic() - started < 3.0
        assert len(site.hub) == 0


def test_a_stream_that_its_client_left_is_forgotten(site: LiveSite, visitor: Visitor) -> None:
    answers = [visitor.get(STREAM, Accept=EVENTS) for _ in range(3)]
    open_streams = len(site.hub)

    for answer in answers:
        answer.close()

    assert open_streams == 3
    assert len(site.hub) == 0


def test_asking_for_the_head_of_a_stream_opens_none(site: LiveSite, visitor: Visitor) -> None:
    browser = visitor.browser
    answer = browser.client.head(STREAM, base_url=browser.base_url, headers={"Accept": EVENTS})
    answer.close()

    assert answer.status_code == 200
    assert len(site.hub) == 0


def test_a_restart_of_redis_costs_a_stream_no_update(connected: Database, tmp_path: Path) -> None:
    with start_redis(tmp_path / "redis") as server, a_live_site(connected, server, LONG) as site:
        visitor = a_visitor(site)
        wait_for_hub(site)
        answer = visitor.get(STREAM, Accept=EVENTS)
        told = states(answer)
        next(told)

        server.restart()
        pay_in(visitor.wallet, 700)  # and nobody publishes it

        assert next(told)["posted"] == 700
        wait_for_hub(site)
        site.tell(visitor.wallet, 2, 900)
        assert next(told)["posted"] == 900
        answer.close()


@pytest.mark.parametrize("path", [STREAM, BALANCE])
def test_a_stranger_is_refused(site: LiveSite, visitor: Visitor, path: str) -> None:
    stranger = Visitor(Browser(site.app, visitor.browser.host), visitor.wallet)

    as_script = stranger.get(path, Accept=EVENTS if path == STREAM else "application/json")
    as_person = stranger.get(path, Accept="text/html")

    assert as_script.status_code == 401
    assert as_person.status_code == 302
    assert as_person.headers["Location"].startswith("/login")
    assert len(site.hub) == 0


def test_a_session_of_another_site_opens_nothing(site: LiveSite, visitor: Visitor) -> None:
    neighbour = a_visitor(site)
    name = "__Host-session"
    value = visitor.browser.cookies()[name]
    at_home = Browser(site.app, visitor.browser.host)
    abroad = Browser(site.app, neighbour.browser.host)
    for browser in (at_home, abroad):
        browser.client.set_cookie(name, value, domain=browser.host)

    answers = [
        Visitor(browser, visitor.wallet).get(STREAM, Accept=EVENTS) for browser in (at_home, abroad)
    ]

    assert [answer.status_code for answer in answers] == [200, 401]
    for answer in answers:
        answer.close()


def test_the_balance_as_json_is_told_once_per_version(visitor: Visitor) -> None:
    first = visitor.get(BALANCE, Accept="application/json")
    known = {"Accept": "application/json", "If_None_Match": first.headers["ETag"]}

    second = visitor.get(BALANCE, **known)
    pay_in(visitor.wallet, 100)
    third = visitor.get(BALANCE, **known)

    assert [first.status_code, second.status_code, third.status_code] == [200, 304, 200]
    assert third.json is not None
    assert third.json["version"] == 1


def test_the_view_of_flask_sse_is_routed_nowhere(site: LiveSite) -> None:
    mine = {rule.endpoint for rule in site.app.url_map.iter_rules() if "live." in rule.endpoint}

    assert mine == {"live.balance", "live.stream"}
    with pytest.raises(StockStreamError):
        bp.stream()
    with pytest.raises(StockStreamError):
        bp.messages("wallet.a")
