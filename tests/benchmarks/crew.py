"""Client processes that take orders over pipes; what goes wrong in one of them is raised here."""

from __future__ import annotations

import gc
import multiprocessing
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Generic, Self, TypeVar, cast

from tests.benchmarks.figures import BrokenMeasurementError

Order = TypeVar("Order")
Answer = TypeVar("Answer")

_END_SECONDS = 10.0


class _Failed(str):
    """The traceback of an order that failed."""

    __slots__ = ()


class Crew(Generic[Order, Answer]):
    """A fixed number of processes; each calls `prepare` once and then its result for each order.

    A process whose order fails ends.

    Spawned, so that none inherits a connection.
    """

    def __init__(
        self, count: int, prepare: Callable[..., Callable[[Order], Answer]], *arguments: object
    ) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipes: list[Connection] = []
        self._processes = []
        for _ in range(count):
            ours, theirs = context.Pipe()
            process = context.Process(target=_work, args=(theirs, prepare, arguments), daemon=True)
            process.start()
            theirs.close()
            self._pipes.append(ours)
            self._processes.append(process)
        # All of them are ready before the first order: none measures while another still starts.
        for pipe in self._pipes:
            _answer(pipe)

    def __len__(self) -> int:
        return len(self._processes)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for pipe in self._pipes:
            pipe.close()
        for process in self._processes:
            process.join(_END_SECONDS)
            if process.is_alive():
                process.kill()

    def work(self, orders: Sequence[Order]) -> list[Answer]:
        """Give each process one order at the same time; wait for all of them."""
        if len(orders) != len(self._pipes):
            raise ValueError(len(orders))
        for pipe, order in zip(self._pipes, orders, strict=True):
            pipe.send(order)
        return [_answer(pipe) for pipe in self._pipes]

    def share(self, orders: Sequence[Order]) -> list[Answer]:
        """Work through any number of orders, a round of all processes at a time."""
        answers: list[Answer] = []
        for start in range(0, len(orders), len(self)):
            batch = orders[start : start + len(self)]
            pipes = self._pipes[: len(batch)]
            for pipe, order in zip(pipes, batch, strict=True):
                pipe.send(order)
            answers += [_answer(pipe) for pipe in pipes]
        return answers


def _answer(pipe: Connection) -> Answer:  # type: ignore[type-var] # what the process was made for
    try:
        answer = pipe.recv()
    except EOFError:
        raise BrokenMeasurementError("a client process died") from None
    if isinstance(answer, _Failed):
        raise BrokenMeasurementError(f"a client process failed\n{answer}")
    return cast("Answer", answer)


def _work(
    pipe: Connection, prepare: Callable[..., Callable[[Order], Answer]], arguments: Sequence[object]
) -> None:
    try:
        handle = prepare(*arguments)
        # As a web process does when it has started (deploy/gunicorn.conf.py).
        gc.collect()
        gc.freeze()
        pipe.send(None)
        while True:
            try:
                order = pipe.recv()
            except EOFError:
                return
            pipe.send(handle(order))
    except Exception:  # noqa: BLE001 - reported to whoever gave the order, who raises
        # Nobody listens any more where another process has failed before.
        with suppress(BrokenPipeError):
            pipe.send(_Failed(traceback.format_exc()))
