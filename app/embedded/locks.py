import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.embedded.errors import EmbeddedServerError

_PAUSE_SECONDS = 0.05


@contextmanager
def locked(path: Path, *, timeout: float = 300.0) -> Iterator[int]:
    """Hold the lock file and yield its descriptor; refuse after `timeout` seconds of waiting.

    A child that inherits the descriptor keeps the lock when its parent is killed.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise EmbeddedServerError(f"The lock file cannot be opened: {error}") from error
    try:
        _acquire(descriptor, path, time.monotonic() + timeout)
        yield descriptor
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, path: Path, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise EmbeddedServerError(f"Another process holds {path}") from None
            time.sleep(_PAUSE_SECONDS)
        else:
            return
