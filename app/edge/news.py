"""Tells all processes that something they remember has changed (guide rule R7)."""

import threading
from collections.abc import Callable
from typing import Any

import structlog
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

CHANNEL = "kontor:forget"
_SOCKET_SECONDS = 1.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0

log = structlog.get_logger(__name__)


def redis_client(url: str, *, seconds: float = _SOCKET_SECONDS) -> Redis:
    """Return a client that gives up soon: what it serves can do without Redis for a while."""
    return Redis.from_url(
        url,
        socket_timeout=seconds,
        socket_connect_timeout=seconds,
        retry=Retry(NoBackoff(), 1),
    )


class CacheNews:
    """Publishes and hears which key of which topic must be forgotten.

    The listener starts with the first `start()`, in the process that serves (never before a fork),
    and reconnects by itself; meanwhile the short life of every entry limits the damage.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = redis_client(url) if url else None
        self._hearers: dict[str, Callable[[str | None], None]] = {}
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self.is_listening = False

    def on(self, topic: str, forget: Callable[[str | None], None]) -> None:
        """Call `forget` with a key when it changed, with None when anything may have changed."""
        self._hearers[topic] = forget

    def tell(self, topic: str, key: str) -> None:
        """Forget here and in every other process; without Redis, here alone."""
        self._hearers[topic](key)
        if self._client is None:
            return
        try:
            self._client.publish(CHANNEL, f"{topic} {key}")
        except RedisError as error:
            log.warning("cache_news_not_sent", topic=topic, error=type(error).__name__)

    def is_reachable(self) -> bool:
        """True if Redis answers now; raises its error where it does not."""
        return self._client is not None and bool(self._client.ping())

    def start(self) -> None:
        """Listen in the background, once per process."""
        if self._client is None or self._thread is not None:
            return
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="cache-news", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Stop listening and close the connections."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        if self._client is not None:
            self._client.close()

    def _run(self) -> None:
        pause = _FIRST_PAUSE
        while not self._stop.is_set():
            try:
                self._listen()
                pause = _FIRST_PAUSE
            except RedisError as error:
                log.warning("cache_news_lost", error=type(error).__name__, retry_in=pause)
                self._stop.wait(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
            finally:
                self.is_listening = False

    def _listen(self) -> None:
        client = redis_client(self._url, seconds=_SOCKET_SECONDS)
        try:
            with client.pubsub(ignore_subscribe_messages=True) as subscription:  # type: ignore[no-untyped-call]
                subscription.subscribe(CHANNEL)
                for forget in self._hearers.values():
                    forget(None)  # whatever was told meanwhile was told to nobody
                self.is_listening = True
                while not self._stop.is_set():
                    self._hear(subscription.get_message(timeout=_SOCKET_SECONDS / 2))
        finally:
            client.close()

    def _hear(self, message: dict[str, Any] | None) -> None:
        if message is None or not isinstance(message["data"], bytes):
            return
        topic, _, key = message["data"].decode("utf-8", "replace").partition(" ")
        if forget := self._hearers.get(topic):
            forget(key)
