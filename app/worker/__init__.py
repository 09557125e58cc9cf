"""Everything that happens after a commit: outbox relay, jobs, schedule, roll-ups. No Flask."""

from app.worker.configuration import WorkerConfiguration
from app.worker.process import run_worker
from app.worker.relay import Wakeup

__all__ = ["Wakeup", "WorkerConfiguration", "run_worker"]
