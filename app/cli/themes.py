"""`kontor themes`: whether the installed themes are in order, before and after a start."""

from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from app.cli.configuration import settings_or
from app.cli.examples import examples
from app.edge import ThemeReport, edge_of
from app.factory import THEMES, close_app, create_app
from app.settings import Mode

# Nothing of it is asked: an app connects when it first has a request to answer.
_NO_DATABASE = "postgresql://nobody@127.0.0.1:1/none"
_NO_REDIS = "redis://127.0.0.1:1"


@click.group()
def themes() -> None:
    """Look after the installed themes."""


@themes.command(epilog=examples("kontor themes check", "kontor themes check --folder ~/my-themes"))
@click.option(
    "--folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=THEMES,
    help="Where the themes lie, a folder each.  [default: themes]",
)
def check(folder: Path) -> None:
    """Read every theme and compile its pages; exit with 1 where one is broken.

    Needs neither a database nor settings.
    """
    reports = _reports(folder)
    table = Table("Theme", "State", "What is wrong")
    for report in reports:
        state = "[bold red]broken[/]" if report.is_broken else "[green]in order[/]"
        table.add_row(report.name, state, escape("\n".join(report.problems)))
    Console().print(table)
    if any(report.is_broken for report in reports):
        raise click.exceptions.Exit(1)


def _reports(folder: Path) -> list[ThemeReport]:
    settings = settings_or(
        kontor_mode=Mode.DEMO,
        database_url=_NO_DATABASE,
        database_platform_url=_NO_DATABASE,
        redis_url=_NO_REDIS,
    )
    app = create_app(settings, themes=folder)
    try:
        return edge_of(app).themes.reports
    finally:
        close_app(app)
