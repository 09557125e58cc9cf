"""Jobs: Procrastinate's application, made from our tables of tasks and occasions."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import procrastinate
import structlog
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Status

from app.ports import Ports
from app.worker.configuration import WorkerConfiguration
from app.worker.registry import Task, tasks
from app.worker.schedule import RESCUE, schedule

_log = structlog.get_logger(__name__)

# A job that was under way each time its worker died is likelier the cause than a victim.
_MOST_ATTEMPTS = 20


def make_jobs(configuration: WorkerConfiguration, ports: Ports) -> procrastinate.App:
    """Return the application with every task and every occasion; it connects when opened."""
    jobs = procrastinate.App(
        connector=procrastinate.PsycopgConnector(
            conninfo=configuration.database_url,
            name="kontor-jobs",
            min_size=2,
            max_size=configuration.concurrency + 2,
        )
    )
    registered: dict[str, Any] = {
        entry.name: jobs.task(
            name=entry.name,
            retry=procrastinate.RetryStrategy(max_attempts=entry.retries, exponential_wait=2),
        )(_bound(entry, ports))
        for entry in tasks().values()
    }
    registered[RESCUE] = jobs.task(name=RESCUE, pass_context=True)(_rescuer(configuration))
    for occasion in schedule(configuration):
        jobs.periodic(
            cron=occasion.cron,
            task_kwargs=dict(occasion.arguments),
            queueing_lock=occasion.task,
            priority=occasion.priority,
        )(registered[occasion.task])
    return jobs


def _bound(entry: Task, ports: Ports) -> Callable[..., None]:
    """Return the task as Procrastinate calls it: with the ports, and with a line in the log."""

    def run(**arguments: Any) -> None:  # noqa: ANN401 - whatever was deferred
        # Procrastinate adds the time that an occasion was due; no task of ours asks for it.
        arguments.pop("timestamp", None)
        started = time.monotonic()
        outcome = "job_failed"
        try:
            entry.function(ports, **arguments)
            outcome = "job_done"
        finally:
            _log.info(outcome, task=entry.name, seconds=round(time.monotonic() - started, 3))

    return run


def _rescuer(
    configuration: WorkerConfiguration,
) -> Callable[[procrastinate.JobContext, int], Any]:
    """Return the task that puts back the jobs of workers whose heart has stopped."""

    async def rescue(context: procrastinate.JobContext, timestamp: int) -> None:
        manager = context.app.job_manager
        stalled = await manager.get_stalled_jobs(
            seconds_since_heartbeat=configuration.stalled_after
        )
        for job in stalled:
            if job.id is None:
                continue
            try:
                if job.attempts < _MOST_ATTEMPTS:
                    await manager.retry_job(job)
                    _log.warning("job_rescued", task=job.task_name, job_id=job.id)
                else:
                    await manager.finish_job_by_id_async(job.id, Status.FAILED, delete_job=False)
                    _log.error("job_given_up", task=job.task_name, job_id=job.id)
            except ConnectorException as error:
                # Its worker was slow, not dead, and has just finished it.
                _log.info("job_not_rescued", job_id=job.id, error=str(error.__cause__))

    return rescue
