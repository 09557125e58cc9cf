"""`kontor web` and `kontor worker`: one process each, until SIGTERM."""

import os
import sys
from collections.abc import Sequence

import click

from app.cli.configuration import PROJECT, as_environment
from app.cli.connection import command_settings, with_database
from app.cli.errors import SettingMissingError
from app.cli.examples import examples
from app.edge import configure_logs
from app.factory import make_ports
from app.integrations.redis_live import RedisBellListener
from app.settings import Settings
from app.worker import WorkerConfiguration, run_worker

GUNICORN_SETTINGS = PROJECT / "deploy" / "gunicorn.conf.py"


@click.command(epilog=examples("kontor web --port 8000 --workers 4"))
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, help="Port to listen on.")
@click.option("--workers", default=2, show_default=True, help="Processes; one a processor.")
@click.option(
    "--forwarded-allow-ips",
    default="127.0.0.1,::1",
    show_default=True,
    help="Front ends whose X-Forwarded-Proto counts.",
)
def web(host: str, port: int, workers: int, forwarded_allow_ips: str) -> None:
    """Serve the sites and the API."""
    settings = command_settings()
    _require_servers(settings)
    command = web_command(
        host=host, port=port, workers=workers, forwarded_allow_ips=forwarded_allow_ips
    )
    for name, value in as_environment(settings).items():
        os.putenv(name, value)
    # gunicorn takes our place: signals reach it without a messenger.
    os.execv(command[0], list(command))  # noqa: S606


@click.command(epilog=examples("kontor worker"))
@with_database
def worker() -> None:
    """Relay events, run jobs and the schedule, keep the roll-ups."""
    settings = command_settings()
    _require_servers(settings)
    configure_logs(as_json=settings.log_json)
    ports = make_ports(settings)
    run_worker(
        _worker_configuration(settings),
        ports,
        wakeup=RedisBellListener(settings.redis_url.get_secret_value()),
    )


def web_command(
    *,
    host: str,
    port: int,
    workers: int,
    forwarded_allow_ips: str,
    graceful_seconds: int | None = None,
) -> Sequence[str]:
    """Return the command that serves the sites."""
    command = [
        sys.executable, "-m", "gunicorn", "--config", str(GUNICORN_SETTINGS),
        "--bind", f"{host}:{port}", "--workers", str(workers),
        "--forwarded-allow-ips", forwarded_allow_ips,
    ]  # fmt: skip
    if graceful_seconds is not None:
        command += ["--graceful-timeout", str(graceful_seconds)]
    return command


def worker_command() -> Sequence[str]:
    """Return the command that runs a worker."""
    return [sys.executable, "-m", "app.cli", "worker"]


def _require_servers(settings: Settings) -> None:
    if not (settings.database_url.get_secret_value() and settings.redis_url.get_secret_value()):
        raise SettingMissingError(
            "DATABASE_URL and REDIS_URL are not set. `kontor up` starts both by itself."
        )


def _worker_configuration(settings: Settings) -> WorkerConfiguration:
    return WorkerConfiguration(
        database_url=settings.database_url.get_secret_value(),
        database_platform_url=settings.database_platform_url.get_secret_value(),
        call_record_days=settings.call_record_days,
        message_days=settings.message_days,
    )
