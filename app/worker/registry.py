"""The table of tasks: what a deferred job's name stands for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Concatenate, ParamSpec

from app.ports import Ports

P = ParamSpec("P")


class TaskNameTakenError(ValueError):
    """Two tasks were given one name."""


@dataclass(frozen=True)
class Task:
    """A function that a job calls, and how often it is tried before a person must look."""

    name: str
    function: Callable[..., None]
    retries: int


_tasks: dict[str, Task] = {}


def task(
    name: str, *, retries: int = 10
) -> Callable[
    [Callable[Concatenate[Ports, P], None]],
    Callable[Concatenate[Ports, P], None],
]:
    """Register a task: a function of the process's ports and the job's arguments (keywords).

    A job may run twice (its worker can die between the effect and the tick), so a task repeats
    safely. A task that raises is tried again after 2, 4, 8 … seconds, `retries` times; then the
    job stays as failed.
    """

    def register(
        function: Callable[Concatenate[Ports, P], None],
    ) -> Callable[Concatenate[Ports, P], None]:
        if name in _tasks:
            raise TaskNameTakenError(name)
        _tasks[name] = Task(name, function, retries)
        return function

    return register


def tasks() -> Mapping[str, Task]:
    """Return every registered task by name."""
    return dict(_tasks)
