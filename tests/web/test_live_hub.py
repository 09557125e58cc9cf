import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.embedded import RedisServer, start_redis
from app.integrations.redis_live import LIVE_PREFIX, RedisLive, connect_redis
from app.web.live_hub import Listener, LiveHub


@pytest.fixture
def hub(redis_server: RedisServer) -> Iterator[LiveHub]:
    made = LiveHub(connect_redis(redis_server.url), prefix=LIVE_PREFIX)
    made.start()
    until(lambda: made.connected)
    yield made
    made.close()


@pytest.fixture
def live(redis_server: RedisServer) -> RedisLive:
    return RedisLive(connect_redis(redis_server.url))


def until(is_so: Callable[[], bool], *, timeout: float = 10.0) -> None:
    deadline = time.monotonic() + timeout
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.01)


def publish(live: RedisLive, channel: str, version: int) -> None:
    live.publish(channel, event_id=str(version), kind="balance", data={"version": version})


def heard(listener: Listener, *, timeout: float = 2.0) -> str | None:
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        listener.wait(0.1)
        if told := listener.take():
            return str(told.id)
    return None


def test_a_listener_hears_its_own_channel_and_no_other(hub: LiveHub, live: RedisLive) -> None:
    mine, other = hub.listen("wallet.a"), hub.listen("wallet.b")

    publish(live, "wallet.a", 1)

    assert heard(mine) == "1"
    assert heard(other, timeout=0.2) is None


def test_a_slow_listener_keeps_the_latest_message_only(hub: LiveHub, live: RedisLive) -> None:
    slow, quick = hub.listen("wallet.slow"), hub.listen("wallet.end")
    for version in range(1, 101):
        publish(live, "wallet.slow", version)
    publish(live, "wallet.end", 1)

    assert heard(quick) == "1"

    assert heard(slow) == "100"
    assert slow.take() is None


def test_of_two_messages_of_one_version_the_later_one_holds(hub: LiveHub, live: RedisLive) -> None:
    listener, end = hub.listen("wallet.bonus"), hub.listen("wallet.over")
    for bonus in (500, 300):
        live.publish(
            "wallet.bonus", event_id="4", kind="balance", data={"version": 4, "bonus": bonus}
        )
    publish(live, "wallet.over", 1)

    assert heard(end) == "1"

    listener.wait(1)
    latest = listener.take()
    assert latest is not None
    assert latest.data["bonus"] == 300


def test_an_older_message_never_replaces_a_newer_one(hub: LiveHub, live: RedisLive) -> None:
    listener, end = hub.listen("wallet.order"), hub.listen("wallet.done")
    publish(live, "wallet.order", 10)
    publish(live, "wallet.order", 9)
    publish(live, "wallet.done", 1)

    assert heard(end) == "1"

    assert heard(listener) == "10"


def test_a_message_that_is_none_does_not_end_the_hearing(hub: LiveHub, live: RedisLive) -> None:
    listener = hub.listen("wallet.odd")
    for nonsense in ("{", json.dumps({"wrong": 1}), json.dumps({"data": 1, "id": "x"}), "[]"):
        hub.client.publish(LIVE_PREFIX + "wallet.odd", nonsense)
    publish(live, "wallet.odd", 7)

    until(lambda: (told := listener.take()) is not None and told.id == "7")

    assert hub.connected


def test_a_closed_listener_is_forgotten(hub: LiveHub) -> None:
    listeners = [hub.listen("wallet.gone") for _ in range(3)]

    for listener in listeners:
        listener.close()
        listener.close()

    assert len(hub) == 0


def test_after_a_restart_of_redis_every_listener_is_alarmed_and_hears_again(
    tmp_path: Path,
) -> None:
    with start_redis(tmp_path / "redis") as server:
        hub = LiveHub(connect_redis(server.url), prefix=LIVE_PREFIX)
        listener = hub.listen("wallet.a")
        until(lambda: hub.connected)
        until(listener.take_alarm)

        server.stop()
        until(lambda: not hub.connected)
        start_redis(tmp_path / "redis")
        until(lambda: hub.connected)
        publish(RedisLive(connect_redis(server.url)), "wallet.a", 5)

        assert listener.take_alarm()
        assert heard(listener) == "5"
        hub.close()


def test_a_hub_waits_for_a_redis_that_is_not_there_yet(tmp_path: Path) -> None:
    with start_redis(tmp_path / "redis") as server:
        server.stop()
        hub = LiveHub(connect_redis(server.url), prefix=LIVE_PREFIX)
        listener = hub.listen("wallet.a")
        time.sleep(0.2)
        was_connected = hub.connected

        start_redis(tmp_path / "redis")
        until(lambda: hub.connected)

        assert not was_connected
        assert listener.take_alarm()
        hub.close()


def test_when_redis_stays_away_streams_hang_up_and_pages_poll(tmp_path: Path) -> None:
    with start_redis(tmp_path / "redis") as server:
        hub = LiveHub(connect_redis(server.url), prefix=LIVE_PREFIX, patience=0.2)
        listener = hub.listen("wallet.a")
        until(lambda: hub.connected)
        was_deaf = hub.is_deaf

        server.stop()
        until(lambda: listener.has_hung_up)

        assert (was_deaf, hub.is_deaf) == (False, True)
        start_redis(tmp_path / "redis")
        until(lambda: not hub.is_deaf)
        hub.close()
