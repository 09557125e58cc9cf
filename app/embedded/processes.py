"""Start programs as another user or in a session of their own, and watch them end."""

import os
import subprocess
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from signal import Signals

import psutil

from app.embedded.errors import EmbeddedServerError

_PAUSE_SECONDS = 0.02
_SPAWN_SECONDS = 30.0
_LOG_LINES = 20
_LOG_BYTES = 16_384

# What we start inherits nothing from us: no PG* variable, no language, no time zone.
_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}

# The shell exits at once, so the server becomes a child of init: it needs no reaping by us
# and no handle that warns when it is dropped. `$!` is the server's own process id.
_BACKGROUND = '"$@" >&2 & echo $!'


@dataclass(frozen=True)
class Account:
    """The unprivileged user that a server runs as when we are root."""

    uid: int
    gid: int


def run(
    command: Sequence[str | Path],
    *,
    account: Account | None,
    timeout: float,
    inherited: Collection[int] = (),
) -> str:
    """Run a program to its end, at most `timeout` seconds, and return what it printed.

    Refuses with what it printed when it cannot be run or fails.
    """
    try:
        finished = subprocess.run(
            command,
            check=False,
            cwd="/",
            env=_ENVIRONMENT,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout,
            pass_fds=tuple(inherited),
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise EmbeddedServerError(f"{command[0]} did not run: {error}") from error
    printed = finished.stdout.decode(errors="replace")
    if finished.returncode != 0:
        raise EmbeddedServerError(f"{command[0]} failed ({finished.returncode})", printed)
    return printed


def spawn(command: Sequence[str | Path], *, log: Path, account: Account | None) -> int:
    """Start a server in a process session of its own and return its process id.

    What it prints is appended to `log`; one that cannot be run ends at once and says so there.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
    try:
        sink = os.open(log, flags, 0o600)
    except OSError as error:
        raise EmbeddedServerError(f"The log cannot be written: {error}") from error
    try:
        finished = subprocess.run(
            ["/bin/sh", "-c", _BACKGROUND, "sh", *command],
            check=True,
            cwd="/",
            env=_ENVIRONMENT,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=sink,
            timeout=_SPAWN_SECONDS,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise EmbeddedServerError(f"{command[0]} was not started: {error}") from error
    finally:
        os.close(sink)
    return int(finished.stdout)


def living_process(pid: int) -> psutil.Process | None:
    """Return the process, or None when it is gone or only waits to be reaped."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
    except (psutil.NoSuchProcess, ValueError, OverflowError):
        return None
    return process


def has_process_in(folder: Path) -> bool:
    """True if a living process has `folder` as its working directory."""
    return any(
        process.info["cwd"] == str(folder) and process.info["status"] != psutil.STATUS_ZOMBIE
        for process in psutil.process_iter(["cwd", "status"])
    )


def end(process: psutil.Process, sign: Signals, *, timeout: float) -> bool:
    """Send the signal and return whether the process is gone within `timeout` seconds."""
    try:
        process.send_signal(sign)
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied as error:
        raise EmbeddedServerError(f"No right to stop process {process.pid}") from error
    return wait_until(lambda: not is_living(process), timeout=timeout)


def is_living(process: psutil.Process) -> bool:
    """True while the process runs; a recycled process id does not count."""
    try:
        return bool(process.is_running()) and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_until(condition: Callable[[], bool], *, timeout: float) -> bool:
    """Ask again and again, at most `timeout` seconds, and return the last answer."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_PAUSE_SECONDS)
    return True


def last_lines(log: Path) -> str:
    """Return the end of a log, at most 20 lines; nothing when there is no log."""
    try:
        with log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _LOG_BYTES))
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.splitlines()[-_LOG_LINES:])
