"""What an operator sees while something takes longer than a second."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console


class Steps:
    """Names each step while it runs and ticks it off with its time."""

    def __init__(self, console: Console) -> None:
        self.console = console

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Show that a step runs, then that it is done."""
        with self.timed(title), self.console.status(f"{title} …"):
            yield

    @contextmanager
    def timed(self, title: str) -> Iterator[None]:
        """Tick a step off that shows itself what it does."""
        started = time.monotonic()
        yield
        seconds = time.monotonic() - started
        self.console.print(f"[green]✓[/] {title} [dim]{seconds:.1f} s[/]")
