import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from uuid import UUID

import psycopg

from app.worker.handlers import Handlers
from app.worker.leadership import Leadership
from app.worker.relay import Pace, Relay
from tests.conftest import Database


@dataclass
class FakeLive:
    """Remembers what it was told; says it is away while `is_away`."""

    told: list[tuple[str, int]] = field(default_factory=list)
    data: dict[str, dict[str, object]] = field(default_factory=dict)
    kinds: set[str] = field(default_factory=set)
    is_away: bool = False
    refused: int = 0

    def publish(self, channel: str, *, event_id: str, kind: str, data: dict[str, object]) -> None:
        if self.is_away:
            self.refused += 1
            raise ConnectionError
        self.kinds.add(kind)
        self.data[channel] = data
        self.told.append((channel, int(event_id)))

    def of(self, channel: str) -> list[int]:
        return [version for told, version in self.told if told == channel]


class FakeBell:
    """A bell that never rings: the relay polls."""

    def wait(self, timeout: float) -> None:
        time.sleep(timeout)


@dataclass
class Relays:
    """Makes relays on the test's database and stops those that run."""

    database: Database
    stack: ExitStack

    def make(
        self,
        live: FakeLive,
        handlers: dict[str, Handlers],
        *,
        name: str = "test",
        batch: int = 500,
        rest_after_bug: float = 5.0,
    ) -> Relay:
        return Relay(
            live=live,
            handlers=handlers,
            wakeup=FakeBell(),
            leadership=Leadership(self.database.platform_url, name),
            pace=Pace(batch=batch, standby_wait=0.05, rest_after_bug=rest_after_bug),
        )

    def run(self, relay: Relay) -> threading.Event:
        return self.stack.enter_context(running(relay))


@contextmanager
def running(relay: Relay) -> Iterator[threading.Event]:
    stop = threading.Event()
    thread = threading.Thread(target=relay.run, args=[stop])
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join()


def wait_until(is_so: Callable[[], bool], *, timeout: float = 10.0) -> None:
    deadline = time.monotonic() + timeout
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.01)


def waiting_events(database: Database, reseller_id: UUID) -> int:
    with psycopg.connect(database.owner_url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM outbox WHERE reseller_id = %s", [reseller_id]
        ).fetchone()
    return int(row[0]) if row else 0
