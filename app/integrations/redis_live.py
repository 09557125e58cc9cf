"""Live messages and the bell of the outbox relay, over Redis."""

import json
import time
from collections.abc import Callable

from flask_sse import Message
from redis import Redis
from redis.backoff import NoBackoff
from redis.client import PubSub
from redis.exceptions import RedisError
from redis.retry import Retry

# A stream's channel `wallet.<id>` is `kontor.live.wallet.<id>` in Redis: one pattern finds all.
LIVE_PREFIX = "kontor.live."
BELL_CHANNEL = "kontor.outbox"

_PUBLISH_SECONDS = 2.0
_RING_SECONDS = 0.05
_RINGS_APART_SECONDS = 0.005
_REST_AFTER_FAILURE_SECONDS = 1.0
_QUEUED_RINGS = 1_000


class LiveUnavailableError(ConnectionError):
    """Redis did not take a live message; the caller keeps it and tries again."""


class MessageRefusedError(ValueError):
    """An id or a kind that would break out of its line of the stream."""


def connect_redis(url: str, *, timeout: float = _PUBLISH_SECONDS) -> Redis:
    """Return a pooled client that gives up after `timeout` and leaves trying again to us."""
    return Redis.from_url(
        url,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        retry=Retry(NoBackoff(), retries=0),
    )


class RedisLive:
    """Publishes to the streams of all web processes, in the wire format of flask-sse."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    def publish(self, channel: str, *, event_id: str, kind: str, data: dict[str, object]) -> None:
        """Send one message. Refuses line ends in `event_id` and `kind`; raises if Redis fails."""
        for field in (event_id, kind):
            if field.splitlines() != [field] or "\0" in field:
                raise MessageRefusedError(field)
        message = Message(data, type=kind, id=event_id)
        try:
            self._client.publish(LIVE_PREFIX + channel, json.dumps(message.to_dict()))
        except RedisError as error:
            raise LiveUnavailableError(channel) from error


class RedisBell:
    """Rings after a commit: at most once in 5 ms, at a cost of 50 ms once a second at worst.

    A ring that is left out costs nothing: for 250 ms after an event the relay looks by itself.
    """

    def __init__(self, url: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = connect_redis(url, timeout=_RING_SECONDS)
        self._clock = clock
        self._silent_until = 0.0

    def ring(self) -> None:
        """Ring, and never raise."""
        now = self._clock()
        if now < self._silent_until:
            return
        self._silent_until = now + _RINGS_APART_SECONDS
        try:
            self._client.publish(BELL_CHANNEL, "")
        except RedisError:
            # The relay polls meanwhile, so a request need not wait for Redis again and again.
            self._silent_until = self._clock() + _REST_AFTER_FAILURE_SECONDS


class RedisBellListener:
    """The relay's ear; while Redis is away it just waits, so that the relay polls."""

    def __init__(self, url: str, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = connect_redis(url)
        self._sleep = sleep
        self._ears: PubSub | None = None

    def wait(self, timeout: float) -> None:
        """Return at the next ring, or after `timeout` seconds; forget the rings before."""
        try:
            ears = self._listen()
            ears.get_message(timeout=timeout)
            for _ in range(_QUEUED_RINGS):
                if ears.get_message(timeout=0) is None:
                    return
        except RedisError:
            self.close()
            self._sleep(timeout)

    def close(self) -> None:
        """Hang up; the next `wait` listens again."""
        if self._ears is not None:
            self._ears.close()
            self._ears = None

    def _listen(self) -> PubSub:
        if self._ears is None:
            # redis-py leaves these two untyped.
            ears: PubSub = self._client.pubsub(  # type: ignore[no-untyped-call]
                ignore_subscribe_messages=True
            )
            ears.subscribe(BELL_CHANNEL)  # type: ignore[no-untyped-call]
            self._ears = ears
        return self._ears
