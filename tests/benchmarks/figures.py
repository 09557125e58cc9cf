"""What a benchmark says: a figure each, with what is asked of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.benchmarks.stage import Stage


class BrokenMeasurementError(RuntimeError):
    """What was measured is not what the figure is about: better no figure than a wrong one."""


@dataclass(frozen=True)
class Figure:
    """One line of the report; `is_met` is None where nothing is asked."""

    name: str
    asked: str
    measured: str
    is_met: bool | None
    detail: str = ""


@dataclass(frozen=True)
class Benchmark:
    """Something to measure; `how` tells a reader what was done and what was not."""

    name: str
    title: str
    how: str
    measure: Callable[[Stage], list[Figure]] = field(repr=False)


def at_least(name: str, value: float, limit: float, *, unit: str = "", detail: str = "") -> Figure:
    """A figure that must reach its limit."""
    asked, measured = f"≥ {limit:g} {unit}".strip(), f"{shown(value)} {unit}".strip()
    return Figure(name, asked, measured, value >= limit, detail)


def at_most(name: str, value: float, limit: float, *, unit: str = "", detail: str = "") -> Figure:
    """A figure that must not exceed its limit."""
    asked, measured = f"≤ {limit:g} {unit}".strip(), f"{shown(value)} {unit}".strip()
    return Figure(name, asked, measured, value <= limit, detail)


def required(name: str, asked: str, measured: str, *, is_met: bool, detail: str = "") -> Figure:
    """A figure that is no number to compare."""
    return Figure(name, asked, measured, is_met, detail)


def stated(name: str, measured: str, detail: str = "") -> Figure:
    """A figure of which nothing is asked."""
    return Figure(name, "", measured, None, detail)


def shown(value: float) -> str:
    """A number with as many digits as it deserves."""
    if value >= 1_000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"
