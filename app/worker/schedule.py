"""What runs when."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.kernel.jobs import Argument
from app.worker.configuration import WorkerConfiguration

RESCUE = "rescue_stalled_jobs"


@dataclass(frozen=True)
class Occasion:
    """A task and its times: cron in UTC, with seconds as an optional sixth field."""

    task: str
    cron: str
    arguments: dict[str, Argument] = field(default_factory=dict)
    priority: int = 0


def schedule(configuration: WorkerConfiguration) -> list[Occasion]:
    """Return every occasion; each time comes once, however many workers there are."""
    return [
        # Ahead of everything that waits: a rescue behind a full queue helps nobody.
        Occasion(RESCUE, "* * * * * */5", priority=100),
        Occasion("sweep_payments", "*/2 * * * *"),
        Occasion("expire_sessions", "17 * * * *"),
        Occasion("review_trials", "29 * * * *"),
        Occasion("forget_links", "33 2 * * *"),
        Occasion("retier", "* * * * *"),
        # On the 1st that is 2:05 or 3:05 in Berlin; on other days there is nothing left to close.
        Occasion("close_months", "5 1 * * *"),
        Occasion("grant_bonuses", "11 3 * * *"),
        Occasion("export_heads", "*/5 * * * *"),
        Occasion("verify_new_bookings", "11 * * * *"),
        Occasion("expire_holds", "* * * * *"),
        Occasion("expire_bonuses", "*/5 * * * *"),
        # Each hour what has become due, and once more what a wallet could not pay before.
        Occasion("charge_fees", "7 * * * *"),
        Occasion("verify_books", "41 1 * * *"),
        Occasion("sweep_messages", "* * * * *"),
        Occasion("forget_messages", "31 2 * * *", {"days": configuration.message_days}),
        Occasion("forget_counterparties", "23 2 * * *", {"days": configuration.call_record_days}),
    ]
