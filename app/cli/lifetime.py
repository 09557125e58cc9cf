"""From the first signal to stop until nothing of ours runs any more."""

import fcntl
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from app.cli.errors import AlreadyRunningError

_LOCK = "lock"
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(Exception):  # noqa: N818 - somebody asked for it: no error
    """Somebody asked us to stop before we were ready."""


class StopRequest:
    """Whether Ctrl-C, `kill` or a closed terminal asked us to stop.

    A flag and not an exception: nothing of ours is torn in the middle, so all of it can be
    stopped in order.
    """

    def __init__(self) -> None:
        self.event = threading.Event()

    def check(self) -> None:
        """Raise `Stopped` if somebody asked."""
        if self.event.is_set():
            raise Stopped

    def wait(self, seconds: float) -> bool:
        """Wait at most so long; return whether somebody asked."""
        return self.event.wait(seconds)


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """Turn the signals that end a program into a request, until the block ends."""
    request = StopRequest()

    def ask(_number: int, _frame: FrameType | None) -> None:
        request.event.set()

    before = {number: signal.signal(number, ask) for number in SIGNALS}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def held(directory: Path) -> Iterator[None]:
    """Keep every other `kontor demo` and `kontor up` out of a data directory; refuse if one is in.

    The lock dies with us, however we end.
    """
    directory.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(directory / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(descriptor, 20, 0).decode(errors="replace").strip()
            raise AlreadyRunningError(
                f"Something is already running on {directory} (process {owner or 'unknown'}). "
                "Stop it with Ctrl-C in its terminal, or choose another directory with --data."
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def forget(directory: Path) -> None:
    """Delete a data directory that holds nothing but our lock; leave one that holds more."""
    (directory / _LOCK).unlink(missing_ok=True)
    if not any(directory.iterdir()):
        directory.rmdir()
