"""Search for an order of calls in which every reply is the one a model gives (Wing and Gong).

A call that was answered before another one was sent comes before it. What was tried before is not
tried again: the same calls done, and the same world.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.api.serial_model import Call, Reply, World


@dataclass(frozen=True)
class Operation:
    """A call and its reply; the times are when it was sent and when it was answered."""

    sent: float
    answered: float
    call: Call
    reply: Reply


def explain(history: Sequence[Operation], start: World) -> list[Operation] | None:
    """Return an order that explains every reply, or None where there is none."""
    calls = sorted(history, key=lambda operation: operation.sent)
    everything = (1 << len(calls)) - 1
    tried: set[tuple[int, World]] = set()
    path: list[tuple[int, World, list[int]]] = [(0, start, _next(calls, 0))]
    order: list[Operation] = []
    while path:
        done, world, choices = path[-1]
        if done == everything:
            return order
        if not choices:
            path.pop()
            if order:
                order.pop()
            continue
        place = choices.pop()
        reply, after = world.answer(calls[place].call)
        now_done = done | (1 << place)
        if reply == calls[place].reply and (now_done, after) not in tried:
            tried.add((now_done, after))
            order.append(calls[place])
            path.append((now_done, after, _next(calls, now_done)))
    return None


def _next(calls: Sequence[Operation], done: int) -> list[int]:
    """Return which calls may come next: no other that is left was answered before they were sent.

    The last one is tried first: of those, the one that was answered first.
    """
    left = [place for place in range(len(calls)) if not done >> place & 1]
    first_answer = min((calls[place].answered for place in left), default=0.0)
    ready = [place for place in left if calls[place].sent <= first_answer]
    return sorted(ready, key=lambda place: -calls[place].answered)
