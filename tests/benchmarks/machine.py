"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path
from typing import cast

import psutil
import psycopg
from redis import Redis

from app.kernel import now
from tests.benchmarks.figures import BrokenMeasurementError
from tests.benchmarks.stage import DURABLE, Stage


def facts(stage: Stage) -> dict[str, str]:
    """Return what a reader must know to judge the figures; refuse a server that is not durable."""
    memory = psutil.virtual_memory().total / 2**30
    return {
        "Date": now().strftime("%Y-%m-%d %H:%M UTC"),
        "Processors": f"{len(os.sched_getaffinity(0))} of {_processor()}",
        "Memory": f"{memory:.0f} GiB",
        "System": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "PostgreSQL": _postgres(stage),
        "Redis": _redis(stage),
        "Load before": f"{os.getloadavg()[0]:.1f} (one-minute average; a quiet machine is near 0)",
    }


def _processor() -> str:
    names = re.findall(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return names[0] if names else platform.machine()


def _postgres(stage: Stage) -> str:
    with psycopg.connect(stage.postgres.superuser_url()) as connection:
        found = {name: _setting(connection, name) for name in DURABLE}
        version = _setting(connection, "server_version")
        buffers = _setting(connection, "shared_buffers")
    if found != DURABLE:
        raise BrokenMeasurementError(f"the server may lose commits: {found}")
    kept = ", ".join(f"{name} {value}" for name, value in found.items())
    return f"{version} ({kept}, shared_buffers {buffers})"


def _setting(connection: psycopg.Connection[tuple[object, ...]], name: str) -> str:
    row = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
    return str(row[0]) if row else ""


def _redis(stage: Stage) -> str:
    client = Redis.from_url(stage.redis.url)
    try:
        found = cast("dict[str, str]", client.info("server"))
        return found["redis_version"]
    finally:
        client.close()
