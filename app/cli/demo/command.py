from pathlib import Path

import click
from pydantic import SecretStr
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from app.cli.children import Child, end_leftovers, require_alive
from app.cli.configuration import DEMO_DATA, HEAD_FILE, settings_or
from app.cli.demo import cast
from app.cli.demo.loading import Played, load_demo
from app.cli.demo.player import USUAL_SPEED, Player
from app.cli.demo.records import UsageRow, read_usage
from app.cli.demo.welcome import Tour, welcome
from app.cli.examples import examples
from app.cli.installation import Installation, Premises, opened, sandbox_url
from app.cli.lifetime import Stopped, StopRequest, forget, held, stop_on_signals
from app.cli.progress import Steps
from app.cli.secret_keeping import kept_secrets
from app.cli.servers import remove_servers, require_no_foreign_database
from app.embedded import EmbeddedServerError
from app.kernel import now
from app.settings import SANDBOX_STRIPE_KEY, Mode, Settings

_LOOK_SECONDS = 0.5


@click.command(epilog=examples("kontor demo", "kontor demo --fresh --port 8010"))
@click.option("--fresh", is_flag=True, help="Delete the demo's data first and start over.")
@click.option("--remove", is_flag=True, help="Delete the demo's data and start nothing.")
@click.option("--port", default=8000, show_default=True, help="Port of the sites.")
@click.option("--play/--no-play", default=True, help="Play a usage file so that balances move.")
@click.option(
    "--speed", default=USUAL_SPEED, show_default=True, help="Play so many times faster than life."
)
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False, resolve_path=True),
    default=DEMO_DATA,
    help="Where the demo keeps its data.  [default: var/demo]",
)
def demo(*, fresh: bool, remove: bool, port: int, play: bool, speed: int, data: Path) -> None:
    """Start everything with three branded resellers, history and live usage.

    Ctrl-C stops it all; the next start goes on with the same data.
    """
    steps = Steps(Console())
    with stop_on_signals() as stop:
        try:
            with held(data):
                if fresh:
                    require_no_foreign_database(settings_or(kontor_mode=Mode.DEMO))
                if fresh or remove:
                    _remove(data, steps)
                if not remove:
                    _run(Premises(data, port, "kontor demo"), stop, steps, speed if play else None)
        except Stopped:
            steps.console.print("Stopped before it was ready; nothing runs any more.")
        except EmbeddedServerError:
            # Ctrl-C reaches a PostgreSQL that is only being made, too.
            if not stop.event.is_set():
                raise
        if remove:
            forget(data)


def _remove(data: Path, steps: Steps) -> None:
    with steps.step(f"Delete {data}"):
        end_leftovers(data)
        remove_servers(data)


def _run(premises: Premises, stop: StopRequest, steps: Steps, speed: int | None) -> None:
    rows = read_usage()
    with opened(premises, _settings(premises), steps=steps, stop=stop) as installation:
        played = _load(installation, rows)
        children = installation.serve()
        tour = Tour(
            installation.settings,
            played,
            sandbox_url(installation.sandbox_port or premises.port),
            premises.directory,
        )
        welcome(steps.console, tour)
        if speed is None:
            _watch(children, stop)
            return
        player = Player(
            rows,
            played,
            port=premises.port,
            platform_domain=installation.settings.platform_domain,
            speed=speed,
        )
        player.start()
        try:
            _watch_playing(children, stop, player, steps.console)
        finally:
            player.end()


def _settings(premises: Premises) -> Settings:
    """Return what a demo runs with: servers may be the environment's, all else is the demo's."""
    secrets = kept_secrets(premises.directory)
    found = settings_or(kontor_mode=Mode.DEMO)
    return found.model_copy(
        update={
            "kontor_mode": Mode.DEMO,
            "public_port": premises.port,
            "secret_key": SecretStr(secrets.secret_key),
            "metrics_token": SecretStr(secrets.metrics_token),
            # Never a Stripe of one's own: invented customers pay with invented cards.
            "stripe_secret_key": SecretStr(SANDBOX_STRIPE_KEY),
            "stripe_api_base": "",
            # Nor a mail server: invented people have addresses that may be somebody's.
            "smtp_url": SecretStr(""),
            "log_json": False,
            "head_file": premises.directory / HEAD_FILE,
            "sign_up_plan": cast.SIGN_UP_PLAN,
            "sign_up_terms_url": cast.SIGN_UP_TEXTS["terms"],
            "sign_up_data_processing_url": cast.SIGN_UP_TEXTS["data_processing"],
        }
    )


def _load(installation: Installation, rows: list[UsageRow]) -> list[Played]:
    console = installation.steps.console
    bar = Progress(
        TextColumn("Load customers and their history"),
        BarColumn(),
        MofNCompleteColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with installation.steps.timed("Load customers and their history"), bar:
        task = bar.add_task("history", total=len(rows))
        return load_demo(
            rows,
            directory=installation.premises.directory,
            platform_domain=installation.settings.platform_domain,
            now=now(),
            advance=lambda done: bar.advance(task, done),
        )


def _watch(children: list[Child], stop: StopRequest) -> None:
    while not stop.wait(_LOOK_SECONDS):
        require_alive(children)


def _watch_playing(
    children: list[Child], stop: StopRequest, player: Player, console: Console
) -> None:
    with console.status("Playing usage …") as line:
        while not stop.wait(_LOOK_SECONDS):
            require_alive(children)
            line.update(f"Playing usage: {player.tally} · Ctrl-C stops everything")
    console.print(f"Played: {player.tally}")
