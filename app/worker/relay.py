"""The outbox relay: takes events from the outbox to their handlers.

At least once, in order per tenant, tenants in turn. One relay works at a time; others stand by.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from threading import Event
from typing import Protocol
from uuid import UUID

import psycopg
import sqlalchemy.exc
import structlog

from app.kernel import transaction
from app.ports import LivePublisher
from app.tenancy import PlatformScope
from app.worker import outbox
from app.worker.handlers import Handlers
from app.worker.leadership import Leadership
from app.worker.messages import Envelope, LiveMessage

_log = structlog.get_logger(__name__)

# The database or Redis is away: nothing is wrong with the events, try again soon.
OUTAGES = (
    ConnectionError,
    psycopg.OperationalError,
    sqlalchemy.exc.OperationalError,
    sqlalchemy.exc.TimeoutError,
)
_PLATFORM = PlatformScope()


class Wakeup(Protocol):
    """The relay's ear for the bell."""

    def wait(self, timeout: float) -> None:
        """Return at the next ring, or after `timeout` seconds; never raise."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast the relay looks, in seconds, and how much it takes at once."""

    batch: int = 500
    busy_pause: float = 0.01
    busy_for: float = 0.25
    idle_wait: float = 0.1
    standby_wait: float = 0.5
    shortest_retry: float = 0.05
    longest_retry: float = 2.0
    rest_after_bug: float = 5.0
    stranger_check: float = 60.0


class Relay:
    """Hands events over until told to stop, while it has the lead."""

    def __init__(
        self,
        *,
        live: LivePublisher,
        handlers: Mapping[str, Handlers],
        wakeup: Wakeup,
        leadership: Leadership,
        pace: Pace | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._live = live
        self._handlers = handlers
        self._wakeup = wakeup
        self._leadership = leadership
        self._pace = pace or Pace()
        self._clock = clock
        self._position = outbox.Position()
        self._busy_until = 0.0
        self._resting: dict[UUID, float] = {}
        self._strangers_checked = 0.0

    def run(self, stop: Event) -> None:
        """Work until `stop` is set, then let another relay lead."""
        pause = self._pace.shortest_retry
        try:
            while not stop.is_set():
                if not self._leadership.is_held():
                    stop.wait(self._pace.standby_wait)
                    continue
                try:
                    self._work(stop)
                    pause = self._pace.shortest_retry
                except OUTAGES as error:
                    _log.warning("relay_waits", error=type(error).__name__, seconds=pause)
                    stop.wait(pause)
                    pause = min(pause * 2, self._pace.longest_retry)
        finally:
            self._leadership.give_up()

    def turn(self) -> int:
        """Hand over one batch; return how many events it had."""
        with transaction(_PLATFORM) as session:
            batch = outbox.read(
                session,
                self._position,
                kinds=self._handlers.keys(),
                without=self._resting_tenants(),
                size=self._pace.batch,
            )
        if batch:
            self._hand_over(batch)
        self._position = self._position.after(batch, size=self._pace.batch)
        return len(batch)

    def _work(self, stop: Event) -> None:
        """Hand over one batch, or wait for the next event."""
        at_start = self._position == outbox.Position()
        if self.turn():
            self._busy_until = self._clock() + self._pace.busy_for
        elif at_start:
            self._report_strangers()
            self._rest(stop)

    def _rest(self, stop: Event) -> None:
        if self._clock() < self._busy_until:
            # Half the pause is deaf: a bell that rings for every charge must not rush us.
            stop.wait(self._pace.busy_pause / 2)
            self._wakeup.wait(self._pace.busy_pause / 2)
        else:
            self._wakeup.wait(self._pace.idle_wait)

    def _hand_over(self, batch: Sequence[Envelope]) -> None:
        """Deliver a batch; a tenant whose events a handler cannot bear rests, the others go on."""
        try:
            self._deliver(batch)
        except OUTAGES:
            raise
        except Exception:  # noqa: BLE001 - one handler's bug must not stop every tenant
            tenants = [list(events) for _, events in groupby(batch, lambda e: e.reseller_id)]
            if len(tenants) > 1:
                for events in tenants:
                    self._hand_over(events)
                return
            tenant = batch[0].reseller_id
            _log.exception("event_handler_failed", reseller_id=str(tenant), event_id=batch[0].id)
            self._resting[tenant] = self._clock() + self._pace.rest_after_bug

    def _deliver(self, batch: Sequence[Envelope]) -> None:
        """Tell the streams, then record and delete; nothing outside happens in a transaction."""
        for message in self._announcements(batch):
            self._live.publish(
                message.channel,
                event_id=message.event_id,
                kind=message.kind,
                data=message.data,
            )
        with transaction(_PLATFORM) as session:
            # A relay that lost its lead unnoticed finds its events gone and records nothing.
            taken = outbox.take_out(session, batch)
            events = [event for event in batch if event.id in taken]
            for event in events:
                for record in self._handlers[event.kind].records:
                    record(session, event)
            for kind in sorted({event.kind for event in events}):
                for collect in self._handlers[kind].collects:
                    collect(session, [event for event in events if event.kind == kind])

    def _announcements(self, batch: Sequence[Envelope]) -> list[LiveMessage]:
        loud = {event.kind for event in batch if self._handlers[event.kind].announces}
        if not loud:
            return []
        with transaction(_PLATFORM) as session:
            return [
                message
                for kind in sorted(loud)
                for announce in self._handlers[kind].announces
                for message in announce(session, [event for event in batch if event.kind == kind])
            ]

    def _resting_tenants(self) -> list[UUID]:
        now = self._clock()
        self._resting = {tenant: until for tenant, until in self._resting.items() if until > now}
        return list(self._resting)

    def _report_strangers(self) -> None:
        """Say once a minute which events wait for a newer worker that knows their kind."""
        now = self._clock()
        if self._strangers_checked and now - self._strangers_checked < self._pace.stranger_check:
            return
        self._strangers_checked = now
        with transaction(_PLATFORM) as session:
            strangers = outbox.count_strangers(session, kinds=self._handlers.keys())
        if strangers:
            _log.error("event_kinds_unknown", kinds=strangers)
