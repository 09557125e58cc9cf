"""The figures as a table for the terminal and as a page for the documentation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.markup import escape
from rich.table import Table

from tests.benchmarks.figures import Benchmark, Figure

_PREFACE = (
    "Written by a command, not by hand. Ratios compare two things measured in one run on one"
    " machine; the other figures hold for this machine alone."
)
_VERDICTS = {True: "met", False: "not met", None: ""}
_COLOURS = {True: "green", False: "bold red", None: ""}


@dataclass(frozen=True)
class Chapter:
    """One benchmark and what it said."""

    benchmark: Benchmark
    figures: Sequence[Figure]
    seconds: float

    @property
    def command(self) -> str:
        """How to measure this alone."""
        return f"python -m tests.benchmarks --only {self.benchmark.name}"


def table(chapters: Sequence[Chapter]) -> Table:
    """Return everything for the terminal."""
    found = Table("Figure", "Asked", "Measured", "", "Detail", show_lines=True)
    for chapter in chapters:
        for figure in chapter.figures:
            verdict, colour = _VERDICTS[figure.is_met], _COLOURS[figure.is_met]
            found.add_row(
                f"{chapter.benchmark.name}: {escape(figure.name)}",
                figure.asked,
                figure.measured,
                f"[{colour}]{verdict}[/]" if colour else verdict,
                escape(figure.detail),
            )
    return found


def page(chapters: Sequence[Chapter], facts: Mapping[str, str], *, command: str) -> str:
    """Return everything as Markdown."""
    parts = [
        f"# Benchmarks\n\n{_PREFACE}\n\n    {command}\n",
        "\n".join(["| Machine | |", "|---|---|", *_lines(facts)]),
        *(_chapter(chapter) for chapter in chapters),
    ]
    return "\n".join([*parts, ""])


def _lines(facts: Mapping[str, str]) -> list[str]:
    return [f"| {name} | {value} |" for name, value in facts.items()]


def _chapter(chapter: Chapter) -> str:
    rows = [
        f"| {figure.name} | {figure.asked} | {figure.measured} |"
        f" {_VERDICTS[figure.is_met]} | {figure.detail} |"
        for figure in chapter.figures
    ]
    return "\n".join(
        [
            f"\n## {chapter.benchmark.title}\n",
            f"    {chapter.command}\n",
            "| Figure | Asked | Measured | | Detail |",
            "|---|---|---|---|---|",
            *rows,
            "",
            " ".join(chapter.benchmark.how.split()),
        ]
    )
