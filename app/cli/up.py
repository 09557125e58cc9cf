"""`kontor up`: an empty platform of one's own, with embedded parts for what has no address."""

from pathlib import Path

import click
from rich.console import Console

from app.cli.children import Child, require_alive
from app.cli.configuration import ENVIRONMENT_FILE, HEAD_FILE, UP_DATA, settings_or
from app.cli.examples import examples
from app.cli.installation import Premises, mailbox_url, opened, sandbox_url
from app.cli.lifetime import Stopped, StopRequest, held, stop_on_signals
from app.cli.progress import Steps
from app.cli.secret_keeping import kept_secrets
from app.embedded import EmbeddedServerError
from app.kernel import transaction
from app.settings import Settings
from app.tenancy import PlatformScope, found_platform

_LOOK_SECONDS = 0.5
# Nobody stands in front of a site that only this machine can name.
_LOCAL = ".localhost"


@click.command(
    epilog=examples(
        "kontor up", "PLATFORM_DOMAIN=billing.example.org TRUSTED_PROXIES=1 kontor up --port 8000"
    )
)
@click.option("--port", default=8000, show_default=True, help="Port to listen on.")
@click.option("--name", default="Kontor", show_default=True, help="Name of a new platform.")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False, resolve_path=True),
    default=UP_DATA,
    help="Where embedded parts keep their data.  [default: var/kontor]",
)
def up(port: int, name: str, data: Path) -> None:
    """Start a platform: the database and Redis of the settings, or embedded ones.

    Without DATABASE_URL and REDIS_URL both are embedded, without SECRET_KEY one is made and kept,
    without STRIPE_SECRET_KEY payments go to the sandbox. Ctrl-C stops what was started.
    """
    steps = Steps(Console())
    with stop_on_signals() as stop:
        try:
            with held(data):
                _run(Premises(data, port, "kontor up"), name, stop, steps)
        except Stopped:
            steps.console.print("Stopped before it was ready; nothing runs any more.")
        except EmbeddedServerError:
            if not stop.event.is_set():
                raise


def _run(premises: Premises, name: str, stop: StopRequest, steps: Steps) -> None:
    with opened(premises, _settings(premises), steps=steps, stop=stop) as installation:
        scope = PlatformScope()
        with transaction(scope) as session:
            found_platform(session, scope, name=name)
        children = installation.serve()
        settings = installation.settings
        file = premises.directory / ENVIRONMENT_FILE
        steps.console.print(f"\nReady on {settings.address(settings.platform_domain)}")
        sandbox = installation.sandbox_port
        if installation.mail_port is not None and sandbox is not None:
            steps.console.print(
                f"[yellow]E-mails are not sent: they are kept on {mailbox_url(sandbox)}. "
                "Set SMTP_URL before you invite anybody.[/]"
            )
        if sandbox is not None and settings.stripe_api_base == sandbox_url(sandbox):
            steps.console.print(
                "[yellow]Payments go to the sandbox: anybody can pay with a test card. "
                "Set STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET before you sell.[/]"
            )
        steps.console.print(
            f"First: kontor --env-file {file} admin add EMAIL --name NAME", soft_wrap=True
        )
        _watch(children, stop)


def _settings(premises: Premises) -> Settings:
    secrets = kept_secrets(premises.directory)
    found = settings_or(
        secret_key=secrets.secret_key,
        metrics_token=secrets.metrics_token,
        log_json=False,
        head_file=premises.directory / HEAD_FILE,
    )
    if found.public_port is None and found.platform_domain.endswith(_LOCAL):
        return found.model_copy(update={"public_port": premises.port})
    return found


def _watch(children: list[Child], stop: StopRequest) -> None:
    while not stop.wait(_LOOK_SECONDS):
        require_alive(children)
