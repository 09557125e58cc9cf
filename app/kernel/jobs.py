"""Jobs written in the transaction that wants them; the worker runs them after the commit."""

from psycopg.types.json import Jsonb
from sqlalchemy.orm import Session

from app.kernel.db import append

Argument = str | int | bool | None

# What `procrastinate_defer_jobs_v1` of Procrastinate 3.10 does, with one difference: a job whose
# queueing lock is taken is left out instead of breaking the caller's transaction.
_DEFER = """
INSERT INTO procrastinate.procrastinate_jobs
    (queue_name, task_name, priority, lock, queueing_lock, args)
VALUES ('default', %(task)s, 0, %(lock)s, %(queueing_lock)s, %(arguments)s)
ON CONFLICT DO NOTHING
"""


def defer(
    session: Session,
    task_name: str,
    /,
    *,
    lock: str | None = None,
    queueing_lock: str | None = None,
    **arguments: Argument,
) -> None:
    """Write a job in the caller's transaction; it is sent before COMMIT and starts after it.

    Jobs of one `lock` run one after the other, in their order. While one with the same
    `queueing_lock` still waits, a second is not written. Arguments are ids: no personal data.
    """
    append(
        session,
        _DEFER,
        {
            "task": task_name,
            "lock": lock,
            "queueing_lock": queueing_lock,
            "arguments": Jsonb(arguments),
        },
    )
