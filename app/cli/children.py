"""Processes that we start: their logs, their end, and what is left of them after ours."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from app.cli.configuration import PROJECT, write_secretly
from app.cli.errors import ChildDiedError, NotReadyError, PortInUseError
from app.cli.lifetime import StopRequest

_RECORD = "processes.json"
_PAUSE_SECONDS = 0.1
_END_SECONDS = 12.0
_LOG_LINES = 20
_LOG_BYTES = 16_384


@dataclass(frozen=True)
class Plan:
    """A process to start: its command, and how to see that it is ready."""

    name: str
    command: Sequence[str]
    is_ready: Callable[[], bool]


@dataclass(frozen=True)
class Child:
    """A process that we started; `log_start` is where its own lines begin."""

    plan: Plan
    process: subprocess.Popen[bytes]
    log: Path
    log_start: int

    def last_lines(self) -> str:
        """Return the end of what it wrote since it was started."""
        with self.log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(self.log_start, size - _LOG_BYTES))
            text = file.read().decode(errors="replace")
        return "\n".join(text.splitlines()[-_LOG_LINES:])


def require_free_port(host: str, port: int, *, option: str) -> None:
    """Refuse a port that another program listens on, and say what to do about it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as refused:
            raise PortInUseError(
                f"Port {port} on {host} cannot be used: {refused.strerror}. Stop the program that "
                f"listens there (`ss -ltnp 'sport = :{port}'` names it), or choose another port: "
                f"{option}"
            ) from refused


def start_children(
    plans: Sequence[Plan], *, environment: Mapping[str, str], directory: Path
) -> list[Child]:
    """Start the processes, each in a session of its own, and record them in `directory`."""
    logs = directory / "log"
    logs.mkdir(exist_ok=True)
    children: list[Child] = []
    try:
        for plan in plans:
            children.append(_start(plan, environment, logs / f"{plan.name}.log"))
            _record(directory, children)
    except OSError:
        end_children(children)
        raise
    return children


def require_alive(children: Sequence[Child]) -> None:
    """Refuse to go on where a process ended by itself, with its last words."""
    for child in children:
        status = child.process.poll()
        if status is not None:
            raise ChildDiedError(
                f"{child.plan.name} ended by itself ({status}). "
                f"The end of {child.log}:\n\n{child.last_lines()}"
            )


def wait_until_ready(children: Sequence[Child], stop: StopRequest, *, timeout: float) -> None:
    """Wait for every process to be ready; refuse one that dies or takes longer."""
    deadline = time.monotonic() + timeout
    waiting = list(children)
    while waiting:
        stop.check()
        require_alive(children)
        waiting = [child for child in waiting if not child.plan.is_ready()]
        if waiting and time.monotonic() > deadline:
            late = waiting[0]
            raise NotReadyError(
                f"{late.plan.name} was not ready in {timeout:g} seconds. "
                f"The end of {late.log}:\n\n{late.last_lines()}"
            )
        if waiting:
            stop.wait(_PAUSE_SECONDS)


def end_children(children: Sequence[Child]) -> None:
    """Ask every process to end, wait for them, and end by force what does not."""
    for child in children:
        if child.process.poll() is None:
            child.process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + _END_SECONDS
    for child in children:
        try:
            child.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(child.process.pid, signal.SIGKILL)
            child.process.wait()


def end_leftovers(directory: Path) -> None:
    """End what a `kontor` that was killed has left behind, and nothing that only looks like it."""
    path = directory / _RECORD
    if not path.exists():
        return
    left = []
    for pid, created in json.loads(path.read_text(encoding="utf-8")):
        try:
            process = psutil.Process(pid)
            # Process ids are given out again: the time of birth tells ours from a stranger's.
            if process.create_time() == created:
                left += [process, *process.children(recursive=True)]
        except psutil.NoSuchProcess:
            continue
    for process in left:
        process.terminate()
    for process in psutil.wait_procs(left, timeout=_END_SECONDS)[1]:
        process.kill()
    path.unlink()


def _start(plan: Plan, environment: Mapping[str, str], log: Path) -> Child:
    with log.open("ab") as sink:
        start = sink.seek(0, os.SEEK_END)
        process = subprocess.Popen(
            list(plan.command),
            cwd=PROJECT,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            # Ctrl-C goes to us alone: we stop them, in order.
            start_new_session=True,
        )
    return Child(plan, process, log, start)


def _record(directory: Path, children: Sequence[Child]) -> None:
    living = [child.process.pid for child in children if child.process.poll() is None]
    record = [(pid, psutil.Process(pid).create_time()) for pid in living]
    write_secretly(directory / _RECORD, json.dumps(record))
