"""`python -m tests.benchmarks`: measure, print a table, write docs/benchmarks.md."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console

from tests.benchmarks import (
    batches,
    charges,
    dashboard,
    history,
    hosts,
    http_usage,
    messages,
    streams,
    themes,
)
from tests.benchmarks.figures import Benchmark
from tests.benchmarks.machine import facts
from tests.benchmarks.report import Chapter, page, table
from tests.benchmarks.stage import Stage, opened_stage

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"
BENCHMARKS = {
    module.BENCHMARK.name: module.BENCHMARK
    for module in (
        charges,
        batches,
        history,
        http_usage,
        hosts,
        themes,
        streams,
        dashboard,
        messages,
    )
}


@click.command()
@click.option("--quick", is_flag=True, help="Small and short: does it run? The figures say little.")
@click.option(
    "--only", multiple=True, type=click.Choice(list(BENCHMARKS)), help="Measure this; repeatable."
)
def main(*, quick: bool, only: Sequence[str]) -> None:
    """Measure, print a table and, after a whole run, write docs/benchmarks.md.

    Exits with 1 where a figure is not met.
    """
    console = Console()
    with opened_stage(is_quick=quick) as stage:
        machine = facts(stage)
        chosen = [BENCHMARKS[name] for name in BENCHMARKS if not only or name in only]
        chapters = [_measured(benchmark, stage, console) for benchmark in chosen]
    console.print(table(chapters))
    if quick or only:
        console.print(f"Not written to {PAGE.name}: that takes a whole run.")
    else:
        PAGE.write_text(page(chapters, machine, command="make bench"), encoding="utf-8")
        console.print(f"Written to {PAGE}.")
    figures = [figure for chapter in chapters for figure in chapter.figures]
    if any(figure.is_met is False for figure in figures):
        raise click.exceptions.Exit(1)


def _measured(benchmark: Benchmark, stage: Stage, console: Console) -> Chapter:
    console.print(f"{benchmark.title} …")
    started = time.monotonic()
    figures = benchmark.measure(stage)
    seconds = time.monotonic() - started
    for figure in figures:
        console.print(f"  {figure.name}: {figure.measured}", highlight=False)
    console.print(f"  {seconds:.0f} s", style="dim")
    return Chapter(benchmark, figures, seconds)


if __name__ == "__main__":
    main()
