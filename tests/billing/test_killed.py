"""Killed at any statement: what was begun is done or not, never half (requirements C1 to C5).

On a cluster of its own. A client is killed before each of its statements in turn and after the
last one, before it hears the answer; then a backend of PostgreSQL is, in the middle of a statement.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from threading import Timer
from typing import TypeVar

import psycopg
import pytest
import sqlalchemy.exc

from app import billing, ledger
from app.cli import schema_changes
from app.embedded import PostgresServer, delete_postgres, start_postgres
from app.kernel import transaction
from app.tenancy import PlatformScope
from tests.billing.deeds import DEEDS, Ground, capturing_bonus
from tests.billing.victims import run_victim
from tests.conftest import Database, make_database
from tests.factories.databases import connected_to
from tests.factories.money import a_priced_reseller

# A commit that was answered survives the death of a process; the machine lives on.
SURVIVES_PROCESSES = {"fsync": "off", "synchronous_commit": "on", "full_page_writes": "off"}
LOST = (psycopg.OperationalError, sqlalchemy.exc.OperationalError)
PARK = 4711
T = TypeVar("T")
OF_THE_PLATFORM = {"rolling_up_and_sealing", "relaying"}
# Every table that a capture of a hold writes to, and how.
WRITTEN = (
    ("ledger_entries", "INSERT"),
    ("ledger_holds", "UPDATE"),
    ("ledger_balances", "UPDATE"),
    ("ledger_postings", "INSERT"),
    ("ledger_transfers", "INSERT"),
    ("ledger_tail", "INSERT"),
    ("usage_records", "INSERT"),
    ("bonus_lots", "UPDATE"),
    ("outbox", "INSERT"),
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    directory = tmp_path_factory.mktemp("killed")
    with start_postgres(directory, options=SURVIVES_PROCESSES) as started:
        yield started
    delete_postgres(directory)


@pytest.fixture(scope="module")
def ground(
    server: PostgresServer, connected: Database, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ground]:
    database = make_database(server, "killed")
    schema_changes.upgrade(database.owner_url)
    with connected_to(database):
        made = Ground(database, a_priced_reseller(), tmp_path_factory.mktemp("told"))
        yield made
        if made.owner is not None:
            made.owner.close()


def broken_laws() -> dict[str, list[str]]:
    scope = PlatformScope()
    with transaction(scope) as session:
        checks = [*ledger.verify(session, scope), *billing.verify(session, scope)]
    return {check.name: check.broken for check in checks if check.broken}


@pytest.mark.parametrize("name", DEEDS)
def test_a_client_killed_at_any_statement_leaves_nothing_half_done(
    ground: Ground, name: str
) -> None:
    make, victim = DEEDS[name], partial(run_victim, is_platform=name in OF_THE_PLATFORM)
    ground.analyze()
    whole = make(ground)
    before, statements = whole.look(), victim(ground.database, whole.act)
    assert statements is not None
    after, outcomes = whole.look(), []

    for number in range(statements + 1):
        deed = make(ground)
        assert deed.look() == before
        assert victim(ground.database, deed.act, statements=number) is None
        outcomes.append(deed.look())
        assert broken_laws() == {}
        for _ in range(2):
            deed.again()
            assert deed.look() == after

    assert before != after
    done = [seen == after for seen in outcomes]
    assert [seen for seen in outcomes if seen not in (before, after)] == []
    # The commit is one moment: all before it was for nothing, all after it is done.
    assert done == sorted(done)
    assert (done[0], done[-1]) == (False, True)
    assert broken_laws() == {}


def test_events_told_by_a_relay_that_was_killed_are_told_again_and_recorded_once(
    ground: Ground,
) -> None:
    deed = DEEDS["relaying"](ground)
    (log,) = (each for each in deed.act.args if hasattr(each, "read_text"))  # type: ignore[attr-defined]
    victim = partial(run_victim, ground.database, is_platform=True)
    statements = victim(DEEDS["relaying"](ground).act)
    assert statements is not None

    victim(deed.act, statements=statements - 1)
    told = log.read_text().splitlines()
    deed.again()

    assert len(told) == 3
    assert log.read_text().splitlines() == told * 2
    assert deed.look()[-2:] == (0, 3)


def park(database: Database, table: str, event: str) -> None:
    """Let whoever writes to the table wait for the advisory lock in the middle of it."""
    with psycopg.connect(database.owner_url) as owner:
        owner.execute(
            "CREATE OR REPLACE FUNCTION park() RETURNS trigger LANGUAGE plpgsql AS"
            f" 'BEGIN PERFORM pg_advisory_xact_lock({PARK}); RETURN NULL; END'"
        )
        owner.execute(
            f"CREATE TRIGGER park AFTER {event} ON {table} EXECUTE FUNCTION park()".encode()
        )


def watching(database: Database) -> psycopg.Connection:
    """A connection that sees what the others do as it is now."""
    return psycopg.connect(database.owner_url, autocommit=True)


def parked_backend(owner: psycopg.Connection) -> int:
    """The process that waits there."""
    end = time.monotonic() + 10
    while True:
        row = owner.execute(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        ).fetchone()
        if row is not None:
            return int(row[0])
        assert time.monotonic() < end
        time.sleep(0.01)


def until_it_answers(act: Callable[[], T]) -> T:
    """Do what a client does that gets no answer: send it again."""
    end = time.monotonic() + 30
    while True:
        try:
            return act()
        except LOST:
            assert time.monotonic() < end
            time.sleep(0.05)


@pytest.mark.parametrize(("table", "event"), WRITTEN)
def test_a_backend_killed_in_the_middle_leaves_nothing_half_done(
    ground: Ground, table: str, event: str
) -> None:
    deed = capturing_bonus(ground)
    before = deed.look()
    park(ground.database, table, event)

    with ThreadPoolExecutor(1) as pool, watching(ground.database) as owner:
        owner.execute("SELECT pg_advisory_lock(%s)", [PARK])
        client = pool.submit(deed.act)
        os.kill(parked_backend(owner), signal.SIGKILL)
        with pytest.raises(LOST):
            client.result(20)
        owner.close()
    until_it_answers(lambda: drop_parking(ground.database, table))

    assert until_it_answers(deed.look) == before
    assert until_it_answers(broken_laws) == {}
    done = until_it_answers(deed.again)
    again = deed.again()
    assert isinstance(done, billing.Charge)
    assert again == replace(done, replayed=True)
    assert broken_laws() == {}


def drop_parking(database: Database, table: str) -> None:
    with psycopg.connect(database.owner_url) as owner:
        owner.execute(f"DROP TRIGGER IF EXISTS park ON {table}".encode())


def test_a_client_killed_while_its_statement_runs_is_charged_once(ground: Ground) -> None:
    """The server goes on with what it was given: nobody is there to hear that it was done."""
    deed = DEEDS["charging_at_once"](ground)
    park(ground.database, "outbox", "INSERT")

    with ThreadPoolExecutor(1) as pool, watching(ground.database) as owner:
        owner.execute("SELECT pg_advisory_lock(%s)", [PARK])
        client = pool.submit(run_victim, ground.database, partial(die_during, deed.act))
        backend = parked_backend(owner)
        assert client.result(20) is None
        owner.execute("SELECT pg_advisory_unlock(%s)", [PARK])
        wait_for_the_end_of(owner, backend)
    drop_parking(ground.database, "outbox")
    done = deed.look()
    deed.again()
    assert done[2] == [300]
    assert deed.look() == done
    assert broken_laws() == {}


def die_during(act: Callable[[], object]) -> None:
    Timer(1.0, os.kill, [os.getpid(), signal.SIGKILL]).start()
    act()


def wait_for_the_end_of(owner: psycopg.Connection, backend: int) -> None:
    end = time.monotonic() + 10
    query = "SELECT FROM pg_stat_activity WHERE pid = %s"
    while owner.execute(query, [backend]).fetchone() is not None:
        assert time.monotonic() < end
        time.sleep(0.01)
