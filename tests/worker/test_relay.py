from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar
from uuid import UUID

import psycopg
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.kernel import Event, emit, new_id, transaction
from app.tenancy import TenantScope
from app.worker.handlers import HANDLERS, Handlers
from app.worker.messages import Envelope, LiveMessage
from app.worker.relay import Relay
from tests.conftest import Database
from tests.worker.relays import FakeLive, Relays, wait_until, waiting_events
from tests.worker.wallets import a_ledger_wallet, pay_in


@dataclass(frozen=True)
class Counted(Event):
    kind: ClassVar[str] = "counted"
    number: int


@dataclass
class Told:
    """A handler of a kind that no other test uses; it tells each event as it is."""

    kind: str = field(default_factory=lambda: f"counted-{new_id()}")
    broken_for: UUID | None = None

    def announce(self, _session: Session, events: Sequence[Envelope]) -> list[LiveMessage]:
        if any(event.reseller_id == self.broken_for for event in events):
            raise ZeroDivisionError
        return [
            LiveMessage(str(event.reseller_id), str(event.body["number"]), "counted", {})
            for event in events
        ]

    @property
    def handlers(self) -> dict[str, Handlers]:
        return {self.kind: Handlers(announces=[self.announce])}

    def count(self, tenant: UUID, numbers: Sequence[int]) -> None:
        event_class = type("Counted", (Counted,), {"kind": self.kind})
        with transaction(TenantScope(tenant)) as session:
            for number in numbers:
                emit(session, tenant, event_class(number))


def turns_until(relay: Relay, live: FakeLive, channel: str) -> int:
    for turn in range(1, 50):
        relay.turn()
        if live.of(channel):
            return turn
    raise AssertionError(channel)


def test_a_changed_balance_is_told_once_per_wallet_however_many_events_wait(
    relays: Relays,
) -> None:
    wallet = a_ledger_wallet()
    versions = [pay_in(wallet, 100) for _ in range(5)]
    live = FakeLive()

    relays.run(relays.make(live, dict(HANDLERS)))
    wait_until(lambda: bool(live.of(wallet.channel)))

    assert live.of(wallet.channel) == versions[-1:]
    wait_until(lambda: waiting_events(relays.database, wallet.reseller_id) == 0)


def test_the_message_carries_the_balance_in_minor_units(relays: Relays) -> None:
    wallet = a_ledger_wallet()
    pay_in(wallet, 1_250)
    live = FakeLive()

    relays.run(relays.make(live, dict(HANDLERS)))
    wait_until(lambda: wallet.channel in live.data)

    assert live.kinds == {"balance"}
    assert live.data[wallet.channel] == {
        "version": 1,
        "posted": 1_250,
        "bonus": 0,
        "owed": 0,
        "held": 0,
        "available": 1_250,
        "currency": "EUR",
    }


def test_events_of_a_tenant_arrive_in_their_order(relays: Relays) -> None:
    told, live = Told(), FakeLive()
    tenants = [new_id() for _ in range(3)]
    for first in range(0, 60, 3):
        for tenant in tenants:
            told.count(tenant, range(first, first + 3))

    relays.run(relays.make(live, told.handlers, batch=7))
    wait_until(lambda: len(live.told) >= 180)

    assert all(live.of(str(tenant)) == list(range(60)) for tenant in tenants)


def test_a_busy_tenant_does_not_starve_another(relays: Relays) -> None:
    told, live = Told(), FakeLive()
    busy, quiet = sorted([new_id(), new_id()])
    relay = relays.make(live, told.handlers, batch=10)
    told.count(busy, range(100))
    told.count(quiet, [0])

    turns = turns_until(relay, live, str(quiet))

    assert turns == 2
    assert live.of(str(busy)) == list(range(10))


def test_a_tenant_before_the_busy_one_is_heard_while_that_is_busy(relays: Relays) -> None:
    told, live = Told(), FakeLive()
    quiet, busy = sorted([new_id(), new_id()])
    relay = relays.make(live, told.handlers, batch=10)
    told.count(busy, range(100))
    relay.turn()
    told.count(quiet, [0])

    turns = turns_until(relay, live, str(quiet))

    assert turns <= 2


def test_while_redis_is_away_nothing_is_lost(relays: Relays) -> None:
    told, live, tenant = Told(), FakeLive(is_away=True), new_id()
    relays.run(relays.make(live, told.handlers))
    told.count(tenant, range(3))
    wait_until(lambda: live.refused >= 2)
    told.count(tenant, range(3, 6))
    kept = waiting_events(relays.database, tenant)

    live.is_away = False
    wait_until(lambda: len(live.told) >= 6)

    assert kept == 6
    assert live.of(str(tenant)) == list(range(6))
    wait_until(lambda: waiting_events(relays.database, tenant) == 0)


def test_of_two_relays_one_works_and_the_other_takes_over(relays: Relays) -> None:
    told, tenant, name = Told(), new_id(), str(new_id())
    first, second = FakeLive(), FakeLive()
    stop = relays.run(relays.make(first, told.handlers, name=name))
    wait_until(lambda: len(holders(relays.database, name)) == 1)
    leader = holders(relays.database, name)
    relays.run(relays.make(second, told.handlers, name=name))
    told.count(tenant, range(10))
    wait_until(lambda: waiting_events(relays.database, tenant) == 0)

    stop.set()
    wait_until(lambda: bool(holders(relays.database, name) - leader))
    told.count(tenant, [99])
    wait_until(lambda: waiting_events(relays.database, tenant) == 0)

    assert first.of(str(tenant)) == list(range(10))
    assert second.of(str(tenant)) == [99]


def holders(database: Database, name: str) -> set[int]:
    with psycopg.connect(database.owner_url) as owner:
        rows = owner.execute(
            "SELECT a.pid FROM pg_stat_activity a JOIN pg_locks l USING (pid)"
            " WHERE l.locktype = 'advisory' AND l.granted AND a.application_name = %s",
            [f"kontor {name}"[:63]],
        )
        return {row[0] for row in rows}


def test_a_relay_that_lost_its_connection_takes_the_lead_again(relays: Relays) -> None:
    told, live, tenant, name = Told(), FakeLive(), new_id(), str(new_id())
    relays.run(relays.make(live, told.handlers, name=name))
    wait_until(lambda: len(holders(relays.database, name)) == 1)
    with psycopg.connect(relays.database.owner_url, autocommit=True) as owner:
        owner.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE usename = 'kontor_platform' AND pid <> pg_backend_pid()"
        )

    told.count(tenant, [1])
    wait_until(lambda: live.of(str(tenant)) == [1])

    assert len(holders(relays.database, name)) == 1


def test_an_event_is_recorded_once_even_by_a_relay_that_lost_its_lead_unnoticed(
    relays: Relays,
) -> None:
    told, tenant = Told(), new_id()
    recorded: list[int] = []
    handlers = {told.kind: Handlers(records=[lambda _session, event: recorded.append(event.id)])}
    relay, late = (relays.make(FakeLive(), handlers) for _ in range(2))
    told.count(tenant, range(3))
    with transaction(TenantScope(tenant)) as session:
        seen = [Envelope(*row) for row in rows_of(session, tenant)]

    relay.turn()
    late._deliver(seen)

    assert recorded == [event.id for event in seen]


def rows_of(session: Session, tenant: UUID) -> list[tuple[UUID, int, str, dict[str, object]]]:
    found = session.execute(
        text("SELECT reseller_id, id, kind, body FROM outbox WHERE reseller_id = :t ORDER BY id"),
        {"t": tenant},
    )
    return [tuple(row) for row in found]


def test_a_handler_that_breaks_on_one_tenant_does_not_hold_up_the_others(relays: Relays) -> None:
    told, live = Told(), FakeLive()
    tenants = [new_id() for _ in range(3)]
    told.broken_for = tenants[1]
    for tenant in tenants:
        told.count(tenant, [1, 2])

    relays.run(relays.make(live, told.handlers, rest_after_bug=0.2))
    wait_until(lambda: len(live.told) >= 4)
    broken = live.of(str(tenants[1]))
    told.broken_for = None
    wait_until(lambda: len(live.told) >= 6)

    assert broken == []
    assert [live.of(str(tenant)) for tenant in tenants] == [[1, 2]] * 3


def test_an_event_of_an_unknown_kind_waits_for_a_worker_that_knows_it(relays: Relays) -> None:
    told, newer, live, tenant = Told(), Told(), FakeLive(), new_id()
    newer.count(tenant, [1])
    told.count(tenant, [2])
    relay = relays.make(live, told.handlers)

    relay.turn()
    kept = waiting_events(relays.database, tenant)
    relays.make(live, newer.handlers).turn()

    assert kept == 1
    assert live.of(str(tenant)) == [2, 1]


def test_without_a_bell_the_relay_looks_by_itself(relays: Relays) -> None:
    told, live, tenant = Told(), FakeLive(), new_id()
    relays.run(relays.make(live, told.handlers))

    told.count(tenant, [1])
    wait_until(lambda: bool(live.told), timeout=2.0)

    assert live.of(str(tenant)) == [1]
