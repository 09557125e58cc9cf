"""What `kontor demo` and `kontor up` share: an installation on this machine, from start to end."""

import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from app.cli.children import (
    Child,
    Plan,
    end_children,
    end_leftovers,
    require_free_port,
    start_children,
    wait_until_ready,
)
from app.cli.configuration import child_environment, write_environment
from app.cli.connection import connected
from app.cli.health import answers_well, last_beat
from app.cli.lifetime import StopRequest
from app.cli.progress import Steps
from app.cli.secret_keeping import Secrets, kept_secrets
from app.cli.servers import prepare_database, start_servers
from app.cli.serving import web_command, worker_command
from app.kernel import now
from app.settings import SANDBOX_STRIPE_KEY, Settings

HOST = "127.0.0.1"
WEB_PROCESSES = 2
# An open stream would hold a stop up; a browser opens it again by itself.
_GRACEFUL_SECONDS = 1
_READY_SECONDS = 60.0


@dataclass(frozen=True)
class Premises:
    """Where an installation lives and listens, and the command that starts it."""

    directory: Path
    port: int
    command: str


@dataclass(frozen=True)
class Installation:
    """A prepared database that we are connected to, and what is needed to serve it."""

    premises: Premises
    settings: Settings
    secrets: Secrets
    sandbox_port: int | None
    mail_port: int | None
    stack: ExitStack
    steps: Steps
    stop: StopRequest

    def serve(self) -> list[Child]:
        """Start web, worker and, without a Stripe of one's own, the sandbox; wait for them."""
        plans = [_web(self.premises.port), _worker()]
        # It takes payments, e-mail, or both: whatever has no address of its own.
        if self.sandbox_port is not None:
            plans.insert(0, self._sandbox(self.sandbox_port))
        names = ", ".join(plan.name for plan in plans)
        with self.steps.step(f"Start {names}"):
            children = start_children(
                plans,
                environment=child_environment(self.settings),
                directory=self.premises.directory,
            )
            self.stack.callback(end_children, children)
            wait_until_ready(children, self.stop, timeout=_READY_SECONDS)
        return children

    def _sandbox(self, port: int) -> Plan:
        # A site's own host: the webhook is unknown elsewhere.
        webhook = f"{self.settings.address(self.settings.platform_domain)}/billing/webhook"
        command = [
            sys.executable, "-m", "app.sandbox", "--host", HOST, "--port", str(port),
            "--state", str(self.premises.directory / "sandbox.sqlite"),
            "--mail-port", str(self.mail_port or 0),
            "--public-url", sandbox_url(port),
            "--webhook-url", webhook,
            "--webhook-secret", self.secrets.webhook_secret,
        ]  # fmt: skip
        return Plan("sandbox", command, lambda: answers_well(port, "/_sandbox/health", host=HOST))


@contextmanager
def opened(
    premises: Premises, settings: Settings, *, steps: Steps, stop: StopRequest
) -> Iterator[Installation]:
    """Start the servers, prepare the database, connect to it; stop all we started at the end.

    Refuses a port that is taken. The caller holds the directory.
    """
    end_leftovers(premises.directory)
    require_free_port(HOST, premises.port, option=f"{premises.command} --port {premises.port + 10}")
    secrets = kept_secrets(premises.directory)
    sandbox_port, mail_port = _sandbox_ports(settings, premises.port)
    stack = ExitStack()
    try:
        running = start_servers(
            _with_mailbox(_with_sandbox(settings, secrets, sandbox_port), mail_port),
            secrets,
            directory=premises.directory,
            stack=stack,
            steps=steps,
        )
        stop.check()
        with steps.step("Prepare the database"):
            prepare_database(running)
        write_environment(premises.directory, running)
        stop.check()
        stack.enter_context(connected(running))
        yield Installation(premises, running, secrets, sandbox_port, mail_port, stack, steps, stop)
    finally:
        with steps.step("Stop what was started"):
            stack.close()


def sandbox_url(port: int) -> str:
    """Return where browsers and we reach the payment sandbox."""
    return f"http://{HOST}:{port}"


def mailbox_url(port: int) -> str:
    """Return where e-mail is shown that nobody sent on."""
    return f"{sandbox_url(port)}/_sandbox/mail/"


def _sandbox_ports(settings: Settings, port: int) -> tuple[int | None, int | None]:
    """Return where the sandbox takes pages and e-mail: behind the site's port, or free ones.

    None for what it does not take; without payments and e-mail there is no sandbox.
    """
    mail = None if settings.smtp_url.get_secret_value() else _free_port(port + 2)
    if mail is None and not _is_for_sandbox(settings):
        return None, None
    return _free_port(port + 1), mail


def _is_for_sandbox(settings: Settings) -> bool:
    key = settings.stripe_secret_key.get_secret_value()
    return key == SANDBOX_STRIPE_KEY and not settings.sandboxed


def _free_port(wanted: int) -> int | None:
    """Return the port if it is free, else any that is."""
    for candidate in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, candidate))
            except (OSError, OverflowError):
                continue
            return int(probe.getsockname()[1])
    return None


def _with_mailbox(settings: Settings, port: int | None) -> Settings:
    if port is None:
        return settings
    return settings.model_copy(update={"smtp_url": SecretStr(f"smtp://{HOST}:{port}")})


def _with_sandbox(settings: Settings, secrets: Secrets, port: int | None) -> Settings:
    if port is None or not _is_for_sandbox(settings):
        return settings
    return settings.model_copy(
        update={
            "stripe_api_base": sandbox_url(port),
            "stripe_webhook_secret": SecretStr(secrets.webhook_secret),
        }
    )


def _web(port: int) -> Plan:
    command = web_command(
        host=HOST,
        port=port,
        workers=WEB_PROCESSES,
        forwarded_allow_ips=HOST,
        graceful_seconds=_GRACEFUL_SECONDS,
    )
    return Plan("web", command, lambda: answers_well(port, "/readyz"))


def _worker() -> Plan:
    started = now()

    def is_ready() -> bool:
        beat = last_beat()
        return beat is not None and beat > started

    return Plan("worker", worker_command(), is_ready)
