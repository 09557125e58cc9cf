"""One subscription to Redis per process, however many streams are open.

Runs in a thread, which under gevent is a greenlet. A listener keeps the latest message and no
other, so a slow reader costs no memory.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import structlog
from flask_sse import Message
from redis import Redis
from redis.client import PubSub
from redis.exceptions import RedisError

_log = structlog.get_logger(__name__)

_LOOK_SECONDS = 0.25
_PING_AFTER_SECONDS = 5.0
_SILENCE_SECONDS = 15.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0
# A restart of Redis takes less; after this a page does better to poll than to wait.
_PATIENCE_SECONDS = 3.0


class Listener:
    """One stream's ear: the latest message of its channel, and whether some may be missing."""

    __slots__ = (
        "_hub", "_latest", "_news", "_version", "channel", "has_hung_up", "may_have_missed",
    )  # fmt: skip

    def __init__(self, hub: LiveHub, channel: str) -> None:
        self._hub = hub
        self._latest: Message | None = None
        self._version = -1
        self._news = threading.Event()
        self.channel = channel
        self.has_hung_up = False
        self.may_have_missed = False

    def wait(self, timeout: float) -> None:
        """Return when there is news, or after `timeout` seconds."""
        self._news.wait(timeout)
        self._news.clear()

    def take(self) -> Message | None:
        """Return the latest message if it was not taken yet."""
        latest, self._latest = self._latest, None
        return latest

    def take_alarm(self) -> bool:
        """True, once, if messages may have been missed: the state must be read again."""
        alarm, self.may_have_missed = self.may_have_missed, False
        return alarm

    def put(self, message: Message, version: int) -> None:
        """Replace the message that waits; one that is older than any before is left out.

        Bonus credit moves without a new version: of two messages of one the later one holds.
        """
        if version >= self._version:
            self._latest, self._version = message, version
            self._news.set()

    def alarm(self) -> None:
        """Say that messages may have been missed."""
        self.may_have_missed = True
        self._news.set()

    def hang_up(self) -> None:
        """Say that nothing will be heard for a while: the stream ends and its page polls."""
        self.has_hung_up = True
        self._news.set()

    def close(self) -> None:
        """Hear nothing more; safe to repeat."""
        self._hub.remove(self)


class LiveHub:
    """Hears every live message and hands it to the listeners of its channel."""

    def __init__(
        self,
        client: Redis,
        *,
        prefix: str,
        patience: float = _PATIENCE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._patience = patience
        self._deaf_since: float | None = None
        self._prefix = prefix.encode()
        self._clock = clock
        self._listeners: dict[str, set[Listener]] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._connected = False

    @property
    def client(self) -> Redis:
        """The pooled client whose connection this hub uses."""
        return self._client

    @property
    def connected(self) -> bool:
        """True while messages arrive; what was missed meanwhile is read again afterwards."""
        return self._connected

    @property
    def is_deaf(self) -> bool:
        """True once Redis has been away for longer than a restart takes."""
        since = self._deaf_since
        return since is not None and self._clock() - since > self._patience

    def __len__(self) -> int:
        """Return how many streams listen."""
        return sum(len(listeners) for listeners in self._listeners.values())

    def start(self) -> None:
        """Begin to hear, once per process: after the fork, never before."""
        with self._lock:
            if self._thread is None:
                self._deaf_since = self._clock()
                self._thread = threading.Thread(target=self._run, name="live-hub", daemon=True)
                self._thread.start()

    def listen(self, channel: str) -> Listener:
        """Return a listener for one channel; its owner closes it."""
        self.start()
        listener = Listener(self, channel)
        with self._lock:
            self._listeners.setdefault(channel, set()).add(listener)
        return listener

    def remove(self, listener: Listener) -> None:
        """Forget a listener."""
        with self._lock:
            listeners = self._listeners.get(listener.channel, set())
            listeners.discard(listener)
            if not listeners:
                self._listeners.pop(listener.channel, None)

    def close(self) -> None:
        """Stop hearing."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        pause = _FIRST_PAUSE
        while not self._stop.is_set():
            # redis-py leaves these two untyped.
            ears: PubSub = self._client.pubsub()  # type: ignore[no-untyped-call]
            try:
                ears.psubscribe(self._prefix + b"*")  # type: ignore[no-untyped-call]
                self._hear(ears)
            except RedisError as error:
                if self._connected:
                    pause = _FIRST_PAUSE
                _log.warning("live_hub_waits", error=type(error).__name__, seconds=pause)
            finally:
                if self._connected:
                    self._deaf_since = self._clock()
                self._connected = False
                ears.close()
            self._stop.wait(pause)
            if self.is_deaf:
                for listener in self._everybody():
                    listener.hang_up()
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _hear(self, ears: PubSub) -> None:
        """Hand messages on until the connection breaks or falls silent."""
        last_heard = self._clock()
        pinged = False
        while not self._stop.is_set():
            message = ears.get_message(timeout=_LOOK_SECONDS)
            silence = self._clock() - last_heard
            if message is not None:
                last_heard, pinged = self._clock(), False
                self._take(message)
            elif silence > _SILENCE_SECONDS:
                _log.warning("live_hub_silent", seconds=round(silence))
                return
            elif silence > _PING_AFTER_SECONDS and not pinged:
                ears.ping()
                pinged = True

    def _take(self, message: dict[str, Any]) -> None:
        if message["type"] == "psubscribe":
            self._connected = True
            self._deaf_since = None
            _log.info("live_hub_connected", streams=len(self))
            # Whatever was published while nobody heard is in the database.
            for listener in self._everybody():
                listener.alarm()
        elif message["type"] == "pmessage":
            channel = message["channel"].removeprefix(self._prefix).decode()
            listeners = self._listeners.get(channel)
            if listeners:
                self._hand_on(message["data"], list(listeners))

    def _hand_on(self, data: bytes, listeners: list[Listener]) -> None:
        try:
            told = Message(**json.loads(data))
            version = int(told.id)
            for listener in listeners:
                listener.put(told, version)
        except (ValueError, TypeError, AttributeError) as error:
            # Somebody else wrote to our channel; that must not end the hearing for everybody.
            _log.error("live_message_unreadable", error=type(error).__name__)

    def _everybody(self) -> list[Listener]:
        with self._lock:
            return [one for listeners in self._listeners.values() for one in listeners]
