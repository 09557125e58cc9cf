"""Browsers that keep balance streams open: raw sockets on one event loop.

They do what EventSource does: remember the last event id and, when the stream ends, come back
after the time that the server said.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.benchmarks.figures import BrokenMeasurementError
from tests.benchmarks.loading import ProductWallet
from tests.benchmarks.stage import HOST

_ID = re.compile(rb"^id: ?(\d+)$", re.MULTILINE)
_RETRY = re.compile(rb"^retry: ?(\d+)$", re.MULTILINE)
_OK = b"HTTP/1.1 200 "


@dataclass(eq=False)
class Stream:
    """One open page: what arrived and when, by the machine's monotonic clock."""

    wallet: ProductWallet
    cookie: str
    port: int
    arrivals: list[tuple[int, float]] = field(default_factory=list)
    times_lost: int = 0
    refusal: str = ""
    _opened: asyncio.Event = field(default_factory=asyncio.Event)
    _retry: float = 1.0
    _transport: asyncio.BaseTransport | None = None
    _is_closed: bool = False

    async def open(self) -> None:
        """Connect, and return when the first state is here."""
        await self._connect()
        await self._opened.wait()

    def close(self) -> None:
        """Leave the page."""
        self._is_closed = True
        if self._transport is not None:
            self._transport.abort()  # type: ignore[attr-defined] # a socket's transport has it

    @property
    def version(self) -> int:
        """The newest balance on the page."""
        return self.arrivals[-1][0] if self.arrivals else -1

    def arrival_of(self, version: int) -> float | None:
        """Return when the page first showed a balance at least as new as this version."""
        return next((at for seen, at in self.arrivals if seen >= version), None)

    def request(self) -> bytes:
        """What the browser sends."""
        last = f"Last-Event-ID: {self.version}\r\n" if self.arrivals else ""
        return (
            f"GET /portal/balance/stream HTTP/1.1\r\nHost: {self.wallet.reseller.host}:{self.port}"
            f"\r\nCookie: {self.cookie}\r\nAccept: text/event-stream\r\n{last}\r\n"
        ).encode()

    def take(self, words: bytes, at: float) -> None:
        """Read one block of the stream; the first one carries the head of the answer."""
        if words.startswith(b"HTTP/") and not words.startswith(_OK):
            self.refusal = words.decode(errors="replace")
        if retry := _RETRY.search(words):
            self._retry = int(retry[1]) / 1000
        if version := _ID.search(words):
            self.arrivals.append((int(version[1]), at))
            self._opened.set()

    def lose(self) -> None:
        """Come back later, unless the page was left."""
        if self._is_closed:
            return
        self.times_lost += 1
        loop = asyncio.get_running_loop()
        loop.call_later(self._retry, lambda: loop.create_task(self._connect()))

    async def _connect(self) -> None:
        try:
            loop = asyncio.get_running_loop()
            self._transport, _ = await loop.create_connection(lambda: _Line(self), HOST, self.port)
        except OSError:
            self.lose()


class _Line(asyncio.Protocol):
    """One connection of a stream."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not isinstance(transport, asyncio.WriteTransport):
            raise TypeError(transport)
        transport.write(self._stream.request())

    def data_received(self, data: bytes) -> None:
        at = time.monotonic()
        *blocks, self._rest = (self._rest + data).split(b"\n\n")
        for block in blocks:
            self._stream.take(block, at)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's
        if self._rest.startswith(b"HTTP/"):
            self._stream.take(self._rest, 0.0)
        self._stream.lose()


async def open_all(streams: Sequence[Stream], *, at_once: int, within: float) -> float:
    """Open every stream, so many at once; return the seconds until the last had its first state.

    Refuses where one is turned away or comes too late.
    """
    gate = asyncio.Semaphore(at_once)

    async def enter(stream: Stream) -> None:
        async with gate:
            await stream.open()

    started = time.monotonic()
    try:
        async with asyncio.timeout(within):
            await asyncio.gather(*(enter(stream) for stream in streams))
    except TimeoutError:
        late = [stream for stream in streams if not stream.arrivals]
        refusals = {stream.refusal for stream in late if stream.refusal}
        raise BrokenMeasurementError(
            f"{len(late)} of {len(streams)} streams have not opened in {within:g} seconds;"
            f" turned away: {list(refusals)[:1]}"
        ) from None
    return time.monotonic() - started


def close_all(streams: Sequence[Stream]) -> None:
    """Leave every page."""
    for stream in streams:
        stream.close()
