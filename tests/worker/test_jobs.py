import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

import psycopg
import pytest

from app.kernel import defer, new_id, transaction
from app.payments import PaymentGateway
from app.ports import Ports
from app.tenancy import TenantScope
from app.worker import WorkerConfiguration
from app.worker.jobs import make_jobs
from app.worker.registry import TaskNameTakenError, task
from tests.conftest import Database
from tests.fakes import fake_ports
from tests.worker.relays import FakeLive

NOW = datetime(2026, 3, 1, tzinfo=UTC)


class SilentBell:
    def ring(self) -> None: ...


PORTS = replace(
    fake_ports(clock=lambda: NOW),
    gateway=cast("PaymentGateway", None),
    live=FakeLive(),
    bell=SilentBell(),
)


def configuration(database: Database) -> WorkerConfiguration:
    return WorkerConfiguration(
        database_url=database.application_url, database_platform_url=database.platform_url
    )


@pytest.fixture
def a_task() -> tuple[str, list[dict[str, object]]]:
    """A task of this test's own and what it was called with; it fails where it is told to."""
    calls: list[dict[str, object]] = []
    name = f"test-{new_id()}"

    @task(name)
    def note(ports: Ports, *, number: int, fails: bool = False) -> None:
        calls.append({"number": number, "at": ports.clock()})
        if fails:
            raise ZeroDivisionError

    return name, calls


def run_jobs(database: Database) -> None:
    """Run what waits, then return."""

    async def run() -> None:
        jobs = make_jobs(configuration(database), PORTS)
        async with jobs.open_async():
            await jobs.run_worker_async(wait=False, install_signal_handlers=False)

    asyncio.run(run())


def jobs_of(database: Database, name: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(database.owner_url) as owner:
        return owner.execute(
            "SELECT status::text, attempts, lock, queueing_lock, scheduled_at IS NOT NULL"
            " FROM procrastinate.procrastinate_jobs WHERE task_name = %s ORDER BY id",
            [name],
        ).fetchall()


def defer_and_fail(name: str) -> None:
    with transaction(TenantScope(new_id())) as session:
        defer(session, name, number=5)
        raise ZeroDivisionError


ATask = tuple[str, list[dict[str, object]]]


def test_a_deferred_job_runs_with_its_arguments_and_the_ports(
    connected: Database, a_task: ATask
) -> None:
    name, calls = a_task
    with transaction(TenantScope(new_id())) as session:
        defer(session, name, number=5)

    run_jobs(connected)

    assert calls == [{"number": 5, "at": NOW}]


def test_a_job_of_a_transaction_that_failed_was_never_deferred(
    connected: Database, a_task: ATask
) -> None:
    name, _ = a_task

    with pytest.raises(ZeroDivisionError):
        defer_and_fail(name)

    assert jobs_of(connected, name) == []


def test_a_second_job_with_a_queueing_lock_that_waits_is_left_out(
    connected: Database, a_task: ATask
) -> None:
    name, _ = a_task
    lock = str(new_id())

    for number in range(2):
        with transaction(TenantScope(new_id())) as session:
            defer(session, name, lock="one-by-one", queueing_lock=lock, number=number)

    assert jobs_of(connected, name) == [("todo", 0, "one-by-one", lock, False)]


def test_a_job_that_fails_is_kept_and_tried_again_later(connected: Database, a_task: ATask) -> None:
    name, calls = a_task
    with transaction(TenantScope(new_id())) as session:
        defer(session, name, number=1, fails=True)

    run_jobs(connected)

    assert len(calls) == 1
    assert jobs_of(connected, name) == [("todo", 1, None, None, True)]


def test_a_job_whose_worker_is_dead_is_put_back(connected: Database, a_task: ATask) -> None:
    name, calls = a_task
    with transaction(TenantScope(new_id())) as session:
        defer(session, name, number=1)
    with psycopg.connect(connected.owner_url) as owner:
        owner.execute("SET search_path = public, procrastinate")
        row = owner.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat)"
            " VALUES (now() - interval '1 minute') RETURNING id"
        ).fetchone()
        assert row is not None
        owner.execute(
            "UPDATE procrastinate_jobs SET status = 'doing', worker_id = %s WHERE task_name = %s",
            [row[0], name],
        )
    with transaction(TenantScope(new_id())) as session:
        defer(session, "rescue_stalled_jobs", timestamp=0)

    run_jobs(connected)
    run_jobs(connected)

    assert calls == [{"number": 1, "at": NOW}]


def test_two_tasks_cannot_have_one_name(a_task: ATask) -> None:
    name, _ = a_task

    with pytest.raises(TaskNameTakenError):
        task(name)(cast("Callable[..., None]", print))
