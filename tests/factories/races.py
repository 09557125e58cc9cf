"""Many at once: real threads, real connections, one starting shot."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

T = TypeVar("T")
STARTING_SECONDS = 30.0


def all_at_once(acts: Sequence[Callable[[], T]]) -> list[T | Exception]:
    """Start every act at the same moment in a thread of its own; return answers and refusals."""
    barrier = Barrier(len(acts))

    def run(act: Callable[[], T]) -> T | Exception:
        barrier.wait(STARTING_SECONDS)
        try:
            return act()
        except Exception as refused:  # noqa: BLE001 - the test says which refusals it wants
            return refused

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def answers(results: Sequence[T | Exception]) -> list[T]:
    """What succeeded."""
    return [result for result in results if not isinstance(result, Exception)]


def refusals(results: Sequence[T | Exception]) -> list[type[Exception]]:
    """The kinds of refusal."""
    return [type(result) for result in results if isinstance(result, Exception)]
