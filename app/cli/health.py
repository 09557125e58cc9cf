"""`kontor health`, and the same questions for whoever waits for a process to be ready."""

import http.client
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import click
from redis import Redis
from redis.exceptions import RedisError
from rich.console import Console
from rich.table import Table
from sqlalchemy.exc import SQLAlchemyError

from app.cli.connection import command_settings, connected
from app.cli.examples import examples
from app.kernel import cursor, now, transaction
from app.settings import Settings
from app.tenancy import PlatformScope

OK = 200
_ASK_SECONDS = 2.0
# A worker beats every two seconds and counts as dead after ten (`WorkerConfiguration`).
STALLED_AFTER = timedelta(seconds=10)


@dataclass(frozen=True)
class Finding:
    """What one part of the installation answered."""

    part: str
    is_well: bool
    detail: str


@click.command(epilog=examples("kontor health && echo 'fit to serve'", "kontor --demo health"))
def health() -> None:
    """Ask database, Redis and worker how they are; exit with 1 unless all are well."""
    settings = command_settings()
    with connected(settings):
        findings = [
            _ask("database", _database),
            _ask("redis", lambda: _redis(settings)),
            _ask("worker", _worker),
        ]
    table = Table("Part", "State", "Detail")
    for finding in findings:
        state = "[green]well[/]" if finding.is_well else "[bold red]not well[/]"
        table.add_row(finding.part, state, finding.detail)
    Console().print(table)
    if not all(finding.is_well for finding in findings):
        raise click.exceptions.Exit(1)


def last_beat() -> datetime | None:
    """Return when a worker's heart last beat, by the database; None if none ever did."""
    with transaction(PlatformScope()) as session:
        row = (
            cursor(session)
            .execute(b"SELECT max(last_heartbeat) FROM procrastinate.procrastinate_workers")
            .fetchone()
        )
    beat = row[0] if row else None
    return beat if isinstance(beat, datetime) else None


def answers_well(port: int, path: str, *, host: str = "localhost") -> bool:
    """True if a web server on this machine answers a path with 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_ASK_SECONDS)
    try:
        connection.request("GET", path, headers={"Host": host})
        return connection.getresponse().status == OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _ask(part: str, question: Callable[[], str]) -> Finding:
    try:
        return Finding(part, is_well=True, detail=question())
    except (SQLAlchemyError, RedisError, TimeoutError) as failed:
        # The first line alone: the rest of a driver's text names addresses.
        lines = str(failed).splitlines() or [type(failed).__name__]
        return Finding(part, is_well=False, detail=lines[0])


def _database() -> str:
    with transaction(PlatformScope()) as session:
        row = cursor(session).execute(b"SHOW server_version").fetchone()
    return f"PostgreSQL {row[0]}" if row else ""


def _redis(settings: Settings) -> str:
    url = settings.redis_url.get_secret_value()
    client = Redis.from_url(url, socket_timeout=_ASK_SECONDS, socket_connect_timeout=_ASK_SECONDS)
    try:
        client.ping()
    finally:
        client.close()
    return "answers"


def _worker() -> str:
    beat = last_beat()
    if beat is None:
        raise TimeoutError("No worker runs: kontor worker")
    age = now() - beat
    if age > STALLED_AFTER:
        raise TimeoutError(f"No worker for {age.total_seconds():.0f} seconds: kontor worker")
    return f"beat {max(0.0, age.total_seconds()):.0f} s ago"
