"""One worker process: relay and roll-ups in threads of their own, jobs on the event loop."""

from __future__ import annotations

import asyncio
import functools
import logging
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import procrastinate
import structlog
from procrastinate.exceptions import ConnectorException

from app.kernel import require_cooperative_driver
from app.ports import Ports
from app.worker import message_tasks, tasks  # noqa: F401 - importing them registers them
from app.worker.configuration import WorkerConfiguration
from app.worker.handlers import HANDLERS
from app.worker.jobs import make_jobs
from app.worker.leadership import Leadership
from app.worker.relay import OUTAGES, Relay, Wakeup
from app.worker.roll_ups import keep_rolled_up

_log = structlog.get_logger(__name__)

RELAY_LEAD = "kontor.relay"
ROLL_UP_LEAD = "kontor.roll_ups"

_PAUSE_AFTER_OUTAGE = 1.0
_POLL_FOR_RETRIES = 1.0


def run_worker(configuration: WorkerConfiguration, ports: Ports, *, wakeup: Wakeup) -> None:
    """Work until SIGTERM or SIGINT; then finish the jobs under way and return.

    The engines must be connected (`kernel.connect`). A loop that ends by a bug ends the process
    with its error, for whoever started it to start it again.
    """
    require_cooperative_driver()
    logging.getLogger("procrastinate").setLevel(logging.WARNING)
    asyncio.run(_run(configuration, ports, wakeup))
    _log.info("worker_stopped")


async def _run(configuration: WorkerConfiguration, ports: Ports, wakeup: Wakeup) -> None:
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(configuration.concurrency, "job"))
    asked = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked.set)
    stop = threading.Event()
    with ThreadPoolExecutor(2, "loop") as threads:
        loops: list[asyncio.Future[Any]] = [
            loop.run_in_executor(threads, run, stop)
            for run in (
                _relay(configuration, ports, wakeup).run,
                functools.partial(
                    keep_rolled_up,
                    leadership=_leadership(configuration, ROLL_UP_LEAD),
                    every=configuration.roll_up_every,
                ),
            )
        ]
        jobs: asyncio.Future[Any] = asyncio.create_task(_keep_working(configuration, ports))
        waiting: asyncio.Future[Any] = asyncio.create_task(asked.wait())
        await asyncio.wait([*loops, jobs, waiting], return_when=asyncio.FIRST_COMPLETED)
        _log.info("worker_stopping", asked=asked.is_set())
        stop.set()
        jobs.cancel()
        waiting.cancel()
        ends = await asyncio.gather(*loops, jobs, return_exceptions=True)
    for end in ends:
        if isinstance(end, Exception):
            raise end


def _relay(configuration: WorkerConfiguration, ports: Ports, wakeup: Wakeup) -> Relay:
    return Relay(
        live=ports.live,
        handlers=HANDLERS,
        wakeup=wakeup,
        leadership=_leadership(configuration, RELAY_LEAD),
    )


def _leadership(configuration: WorkerConfiguration, name: str) -> Leadership:
    return Leadership(configuration.database_platform_url, name)


async def _keep_working(configuration: WorkerConfiguration, ports: Ports) -> None:
    """Run jobs; where the database goes away, begin anew when it is back."""
    jobs = make_jobs(configuration, ports)
    is_first = True
    while True:
        try:
            async with jobs.open_async():
                if is_first:
                    _log.info("worker_ready", concurrency=configuration.concurrency)
                    is_first = False
                await _work(jobs, configuration)
        except (ConnectorException, *OUTAGES) as error:
            _log.warning("jobs_wait", error=type(error).__name__)
        await asyncio.sleep(_PAUSE_AFTER_OUTAGE)


async def _work(jobs: procrastinate.App, configuration: WorkerConfiguration) -> None:
    await jobs.run_worker_async(
        concurrency=configuration.concurrency,
        fetch_job_polling_interval=_POLL_FOR_RETRIES,
        update_heartbeat_interval=configuration.heartbeat,
        stalled_worker_timeout=configuration.stalled_after,
        shutdown_graceful_timeout=configuration.shutdown_grace,
        # Failed jobs stay for people to look at; the others leave no trace.
        delete_jobs=procrastinate.jobs.DeleteJobCondition.SUCCESSFUL,
        install_signal_handlers=False,
    )
