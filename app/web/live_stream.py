"""The life of one open balance stream, from its first state to its last word.

Holds no database connection: state that must be read again goes through `read`, a few streams at
a time.
"""

from __future__ import annotations

import json
import random
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from flask_sse import Message

from app.web.live_hub import Listener
from app.web.live_states import LiveState

_HEARTBEAT = ": alive\n\n"
_BYE = str(Message("{}", type="bye"))
KIND = "balance"


@dataclass(frozen=True)
class StreamTimes:
    """In seconds; `retry` in milliseconds, as the client is told."""

    heartbeat: float = 15.0
    life: float = 900.0
    life_spread: float = 0.2
    reread_spread: float = 2.0
    retry: tuple[int, int] = (1_000, 5_000)


class BalanceStream(Iterator[str]):
    """What one client is sent; an iterator with `close`, so that it ends well even unread."""

    def __init__(
        self,
        listener: Listener,
        first: LiveState,
        *,
        read: Callable[[], LiveState],
        render: Callable[[LiveState], dict[str, object]],
        seen: str = "",
        times: StreamTimes,
        chance: random.Random,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._listener = listener
        self._read = read
        self._render = render
        self._times = times
        self._chance = chance
        self._clock = clock
        self._sent_version, self._sent = -1, seen
        self._ends_at = clock() + times.life * self._spread(times.life_spread)
        self._reread_at: float | None = None
        self._is_over = False
        self._ready: deque[str] = deque(self._opening(first))

    def __next__(self) -> str:
        while not self._ready:
            if self._is_over:
                self.close()
                raise StopIteration
            self._ready.extend(self._next_words())
        return self._ready.popleft()

    def close(self) -> None:
        """Stop listening; safe to repeat."""
        self._is_over = True
        self._ready.clear()
        self._listener.close()

    def _opening(self, first: LiveState) -> Iterator[str]:
        low, high = self._times.retry
        yield f"retry:{self._chance.randint(low, high)}\n\n"
        news = list(self._state(first))
        yield from news or [": you are up to date\n\n"]

    def _next_words(self) -> Iterator[str]:
        """Wait for the next thing to happen; yield what the client is to be told of it."""
        deadlines = [self._clock() + self._times.heartbeat, self._ends_at]
        if self._reread_at is not None:
            deadlines.append(self._reread_at)
        self._listener.wait(max(0.0, min(deadlines) - self._clock()))
        now = self._clock()
        if self._is_over:
            return
        if self._listener.has_hung_up:
            self._is_over = True
            yield _BYE
            return
        if self._listener.take_alarm() and self._reread_at is None:
            self._reread_at = now + self._times.reread_spread * self._chance.random()
        told = self._listener.take()
        if told is not None:
            yield from self._state(LiveState.from_message(told))
        elif self._reread_at is not None and now >= self._reread_at:
            self._reread_at = None
            yield from self._state(self._read())
        elif now >= self._ends_at:
            self._is_over = True
            yield _BYE
        elif now >= deadlines[0]:
            yield _HEARTBEAT

    def _state(self, state: LiveState) -> Iterator[str]:
        """Yield the state if it is not older than what the client has, and not the same."""
        if state.version < self._sent_version or state.mark == self._sent:
            return
        self._sent_version, self._sent = state.version, state.mark
        data = json.dumps(self._render(state), separators=(",", ":"))
        yield str(Message(data, type=KIND, id=state.mark))

    def _spread(self, share: float) -> float:
        return 1 + self._chance.uniform(-share, share)
