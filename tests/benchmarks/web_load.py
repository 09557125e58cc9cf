"""Client processes that keep connections open and send the next request when the answer is in.

Raw sockets and prepared bytes: on a machine with few processors, what the client saves is the
server's.
"""

from __future__ import annotations

import itertools
import os
import random
import re
import selectors
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from app.kernel import now
from tests.benchmarks.crew import Crew
from tests.benchmarks.figures import BrokenMeasurementError
from tests.benchmarks.loading import METER
from tests.benchmarks.samples import Sample, Spell
from tests.benchmarks.stage import HOST

PROCESSES = 4
CONNECTIONS = 2
WARM_UP = 1.0
_ANSWER_SECONDS = 10.0
_PIECE = 65_536
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_numbers = itertools.count()


class Calls(Protocol):
    """Requests of one kind."""

    @property
    def status(self) -> bytes:
        """The status that every answer must have."""

    def __call__(self) -> bytes:
        """Return the next request."""


@dataclass(frozen=True)
class EmptyCalls:
    """Ask for nothing."""

    status: bytes = b"200"

    def __call__(self) -> bytes:
        return b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


@dataclass(frozen=True)
class UsageCalls:
    """Post usage events of one reseller's customers, each under an id of its own."""

    host: str
    key: str
    customers: Sequence[UUID]
    status: bytes = b"201"

    def __call__(self) -> bytes:
        event_id = f"{os.getpid():08d}-{next(_numbers):08d}"
        customer = random.choice(self.customers)
        at = now().isoformat(timespec="seconds")
        body = (
            f'{{"id":"{event_id}","customer_id":"{customer}","meter":"{METER}",'
            f'"quantity":"1","occurred_at":"{at}"}}'
        )
        return (
            f"POST /api/v2/usage HTTP/1.1\r\nHost: {self.host}\r\n"
            f"Authorization: Bearer {self.key}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode()


@dataclass(frozen=True)
class Load:
    """Send calls to a port for so many seconds, after a second that does not count."""

    port: int
    calls: Calls
    seconds: float


LoadCrew = Crew[Load, Spell]


def load_crew() -> LoadCrew:
    """Return the client processes."""
    return LoadCrew(PROCESSES, _client)


def run(crew: LoadCrew, port: int, calls: Calls, seconds: float) -> Sample:
    """Let every client send calls for a while."""
    return Sample.of(crew.work([Load(port, calls, seconds)] * len(crew)))


def _client() -> Callable[[Load], Spell]:
    return _drive


def _drive(load: Load) -> Spell:
    lines = [_Line(load) for _ in range(CONNECTIONS)]
    with selectors.DefaultSelector() as selector:
        for line in lines:
            selector.register(line.connection, selectors.EVENT_READ, line)
            line.send()
        _turn(selector, WARM_UP)
        for line in lines:
            line.latencies.clear()
        started = time.perf_counter()
        _turn(selector, load.seconds)
        elapsed = time.perf_counter() - started
    for line in lines:
        line.connection.close()
    return Spell([latency for line in lines for latency in line.latencies], elapsed)


def _turn(selector: selectors.BaseSelector, seconds: float) -> None:
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        ready = selector.select(_ANSWER_SECONDS)
        if not ready:
            raise BrokenMeasurementError(f"no answer in {_ANSWER_SECONDS:g} seconds")
        for key, _ in ready:
            line: _Line = key.data
            if line.has_answer():
                line.send()


@dataclass
class _Line:
    """One connection with one request under way."""

    load: Load
    latencies: list[float] = field(default_factory=list)
    connection: socket.socket = field(init=False)
    _received: bytes = b""
    _sent_at: float = 0.0

    def __post_init__(self) -> None:
        self.connection = socket.create_connection((HOST, self.load.port), _ANSWER_SECONDS)
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self) -> None:
        self._received = b""
        request = self.load.calls()
        self._sent_at = time.perf_counter()
        self.connection.sendall(request)

    def has_answer(self) -> bool:
        """True when the answer is in whole; refuses any other status than the one asked for."""
        piece = self.connection.recv(_PIECE)
        if not piece:
            raise BrokenMeasurementError("the server hung up")
        self._received += piece
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found:
            return False
        length = _LENGTH.search(head)
        if length is None or head.split(b" ", 2)[1] != self.load.calls.status:
            raise BrokenMeasurementError(self._received.decode(errors="replace"))
        if len(body) < int(length[1]):
            return False
        self.latencies.append(time.perf_counter() - self._sent_at)
        return True
