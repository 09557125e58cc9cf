import threading
import time
from pathlib import Path

import pytest
from redis import Redis
from redis.client import PubSub

from app.embedded import RedisServer, start_redis
from app.integrations.redis_live import (
    BELL_CHANNEL,
    LiveUnavailableError,
    MessageRefusedError,
    RedisBell,
    RedisBellListener,
    RedisLive,
    connect_redis,
)


@pytest.fixture
def away(tmp_path: Path) -> RedisServer:
    """A Redis that has stopped."""
    with start_redis(tmp_path / "redis") as server:
        return server


@pytest.mark.parametrize("bad", ["1\ndata:forged", "1\r2", "1\n", "", "1\0", "1\u2028"])
def test_an_id_or_a_kind_that_would_leave_its_line_is_refused(
    redis_server: RedisServer, bad: str
) -> None:
    live = RedisLive(connect_redis(redis_server.url))

    with pytest.raises(MessageRefusedError):
        live.publish("wallet.a", event_id=bad, kind="balance", data={})
    with pytest.raises(MessageRefusedError):
        live.publish("wallet.a", event_id="1", kind=bad, data={})


def test_a_message_that_redis_does_not_take_is_an_error_of_ours(away: RedisServer) -> None:
    live = RedisLive(connect_redis(away.url))

    with pytest.raises(LiveUnavailableError) as raised:
        live.publish("wallet.a", event_id="1", kind="balance", data={})

    assert isinstance(raised.value, ConnectionError)


def test_a_ring_wakes_the_listener(redis_server: RedisServer) -> None:
    bell, listener = RedisBell(redis_server.url), RedisBellListener(redis_server.url)
    listener.wait(0.05)
    threading.Timer(0.05, bell.ring).start()
    started = time.monotonic()

    listener.wait(5.0)

    assert time.monotonic() - started < 1.0
    listener.close()


def ears_of(server: RedisServer) -> PubSub:
    ears: PubSub = Redis.from_url(server.url).pubsub(  # type: ignore[no-untyped-call]
        ignore_subscribe_messages=True
    )
    ears.subscribe(BELL_CHANNEL)  # type: ignore[no-untyped-call]
    return ears


def test_rings_are_at_least_five_milliseconds_apart(redis_server: RedisServer) -> None:
    now = [100.0]
    bell = RedisBell(redis_server.url, clock=lambda: now[0])
    ears = ears_of(redis_server)
    ears.get_message(timeout=1)

    for moment in (100.0, 100.002, 100.004, 100.006, 100.007):
        now[0] = moment
        bell.ring()

    heard = [ears.get_message(timeout=0.2) for _ in range(3)]
    assert [message is not None for message in heard] == [True, True, False]
    ears.close()


def test_a_bell_without_redis_never_raises_and_then_rests(away: RedisServer) -> None:
    bell = RedisBell(away.url)

    started = time.monotonic()
    for _ in range(1_000):
        bell.ring()

    assert time.monotonic() - started < 0.5


def test_a_listener_without_redis_waits_so_that_the_relay_polls(away: RedisServer) -> None:
    listener = RedisBellListener(away.url)
    started = time.monotonic()

    listener.wait(0.1)

    assert 0.1 <= time.monotonic() - started < 0.5


def test_a_listener_hears_again_when_redis_is_back(tmp_path: Path) -> None:
    with start_redis(tmp_path / "redis") as server:
        listener = RedisBellListener(server.url)
        listener.wait(0.05)
        server.stop()
        listener.wait(0.05)
        start_redis(tmp_path / "redis")
        listener.wait(0.05)
        threading.Timer(0.05, RedisBell(server.url).ring).start()
        started = time.monotonic()

        listener.wait(5.0)

        assert time.monotonic() - started < 1.0
        listener.close()
