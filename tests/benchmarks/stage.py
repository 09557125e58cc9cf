"""The servers that benchmarks run on: durable PostgreSQL, Redis, web and worker processes."""

from __future__ import annotations

import resource
import secrets
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

import psycopg
from pydantic import SecretStr

from app.cli.children import Child, Plan, end_children, start_children, wait_until_ready
from app.cli.configuration import child_environment
from app.cli.health import answers_well, last_beat
from app.cli.lifetime import StopRequest
from app.cli.schema_changes import APPLICATION_ROLE, PLATFORM_ROLE
from app.cli.servers import prepare_database
from app.cli.serving import GUNICORN_SETTINGS, web_command, worker_command
from app.embedded import (
    PostgresServer,
    RedisServer,
    delete_postgres,
    start_postgres,
    start_redis,
)
from app.kernel import SignIn, connect, driver_url, make_engine, now
from app.settings import Mode, Settings

HOST = "127.0.0.1"
DOMAIN = "kontor.localhost"
# What a commit says it kept must be kept: without this no figure means anything.
DURABLE: Mapping[str, str] = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
_NO_LIMIT = "100000000 per minute"
_READY_SECONDS = 60.0
_PASSWORD = "benchmark-password-of-a-database-that-is-deleted"


@dataclass(frozen=True)
class Stage:
    """What all benchmarks share, and how much of everything they do."""

    directory: Path
    postgres: PostgresServer
    redis: RedisServer
    is_quick: bool

    def count(self, usual: int, *, quick: int) -> int:
        """How many of something, in this run."""
        return quick if self.is_quick else usual

    def seconds(self, usual: float) -> float:
        """How long something lasts, in this run."""
        return min(1.0, usual) if self.is_quick else usual

    def database(self, name: str) -> Settings:
        """Settings with a new migrated database, which this process is connected to."""
        with psycopg.connect(self.postgres.superuser_url(), autocommit=True) as admin:
            admin.execute(f"CREATE DATABASE {name}".encode())
        settings = Settings(
            kontor_mode=Mode.DEMO,
            platform_domain=DOMAIN,
            public_port=free_port(),
            secret_key=SecretStr(secrets.token_urlsafe(48)),
            database_url=SecretStr(self.postgres.url(APPLICATION_ROLE, _PASSWORD, name)),
            database_platform_url=SecretStr(self.postgres.url(PLATFORM_ROLE, _PASSWORD, name)),
            database_owner_url=SecretStr(self.postgres.superuser_url(name)),
            redis_url=SecretStr(self.redis.url),
            rate_limit_api=_NO_LIMIT,
            rate_limit_sign_in=_NO_LIMIT,
        )  # type: ignore[call-arg] # mypy misses Field's positional defaults
        prepare_database(settings)
        connect_to(settings)
        return settings

    @contextmanager
    def serving(self, settings: Settings, *plans: Plan) -> Iterator[list[Child]]:
        """Run processes until the end, as `kontor` runs them; refuse one that does not come up."""
        children = start_children(
            plans, environment=child_environment(settings), directory=self.directory
        )
        try:
            wait_until_ready(children, StopRequest(), timeout=_READY_SECONDS)
            yield children
        finally:
            end_children(children)


@contextmanager
def opened_stage(*, is_quick: bool) -> Iterator[Stage]:
    """Start the servers in a directory of their own; stop and delete everything at the end."""
    _allow_many_files()
    signal.signal(signal.SIGTERM, _leave)
    with ExitStack() as stack:
        directory = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="kontor-benchmarks-"))
        )
        stack.callback(delete_postgres, directory)
        postgres = stack.enter_context(start_postgres(directory, options=DURABLE))
        redis = stack.enter_context(start_redis(directory))
        yield Stage(directory, postgres, redis, is_quick)


def connect_to(settings: Settings, *, after_emit: Callable[[], None] | None = None) -> None:
    """Give this process engines for the database of the settings."""
    engines = {
        SignIn.APPLICATION: make_engine(driver_url(settings.database_url.get_secret_value())),
        SignIn.PLATFORM: make_engine(driver_url(settings.database_platform_url.get_secret_value())),
    }
    if after_emit is None:
        connect(engines)
    else:
        connect(engines, after_emit=after_emit)


def web_plan(settings: Settings, *, name: str = "web") -> Plan:
    """One web process, as `kontor web` starts it."""
    port = public_port(settings)
    command = web_command(
        host=HOST, port=port, workers=1, forwarded_allow_ips=HOST, graceful_seconds=1
    )
    return Plan(name, command, lambda: answers_well(port, "/readyz"))


def view_plan(port: int, application: str) -> Plan:
    """Any other application on the same kind of web process."""
    command = [
        sys.executable, "-m", "gunicorn", "--config", str(GUNICORN_SETTINGS),
        "--bind", f"{HOST}:{port}", "--workers", "1", application,
    ]  # fmt: skip
    return Plan("view", command, lambda: answers_well(port, "/"))


def worker_plan() -> Plan:
    """One worker process, as `kontor worker` starts it."""
    started = now()

    def is_ready() -> bool:
        beat = last_beat()
        return beat is not None and beat > started

    return Plan("worker", worker_command(), is_ready)


def public_port(settings: Settings) -> int:
    """The port that the settings' sites listen on."""
    if settings.public_port is None:
        raise ValueError(settings.public_port)
    return settings.public_port


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _leave(number: int, _frame: FrameType | None) -> NoReturn:
    """Unwind, and so stop and delete everything, where `timeout` or `kill` would just end us."""
    raise SystemExit(128 + number)


def _allow_many_files() -> None:
    """Let this process and all it starts open as many files as the system lets us."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
