import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGINT, SIGQUIT
from types import MappingProxyType, TracebackType
from typing import Self
from urllib.parse import quote

from app.embedded import cluster, places, processes
from app.embedded.errors import EmbeddedServerError
from app.embedded.locks import locked

_NAME = "postgres"
_SOCKET_NAME = ".s.PGSQL.5432"
_ATTEMPTS = 3
_PAUSE_SECONDS = 0.5
_ORPHAN_SECONDS = 15.0
_QUIT_SECONDS = 15.0
_DEFAULTS = MappingProxyType(
    {
        "max_connections": "200",
        "shared_buffers": "128MB",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_line_prefix": "%m [%p] ",
    }
)
# What keeps the server findable and closed to the network is not the caller's to set.
_OURS = frozenset(
    {"data_directory", "hba_file", "listen_addresses", "port", "unix_socket_directories"}
)


@dataclass(frozen=True)
class PostgresServer:
    """A running PostgreSQL that only a Unix socket and a password reach."""

    directory: Path
    data_directory: Path
    socket_directory: Path
    binaries: Path
    version: int
    superuser_password: str = field(repr=False)

    def superuser_url(self, database: str = "postgres") -> str:
        """Return the libpq URL of the superuser for a database."""
        return self.url(cluster.SUPERUSER, self.superuser_password, database)

    def url(self, user: str, password: str, database: str) -> str:
        """Return the libpq URL of any role for a database."""
        sign_in = f"{quote(user, safe='')}:{quote(password, safe='')}"
        folder = quote(str(self.socket_directory))
        return f"postgresql://{sign_in}@/{quote(database, safe='')}?host={folder}"

    def process_id(self) -> int | None:
        """Return the process id of the server, or None when it does not run."""
        found = cluster.find_postmaster(self.data_directory)
        return int(found.process.pid) if found else None

    def is_running(self) -> bool:
        """True if the server accepts connections."""
        found = cluster.find_postmaster(self.data_directory)
        return found is not None and found.is_ready

    def stop(self, *, timeout: float = 30.0) -> None:
        """Stop the server, breaking connections off, and by force after `timeout` seconds.

        Does nothing when it does not run; refuses when even force does not end it.
        """
        with locked(_lock_file(self.directory)):
            _stop(self.data_directory, timeout=timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def start_postgres(
    directory: Path,
    *,
    binaries: Path | None = None,
    options: Mapping[str, str] = MappingProxyType({}),
    timeout: float = 60.0,
) -> PostgresServer:
    """Return the server of `directory`, found running, or started and ready in `timeout` seconds.

    The first start makes a cluster there: `postgres/` (data and socket), `postgres.password`,
    `postgres.log`, `postgres.lock`. `binaries` is the folder of `initdb` and `postgres`, by default
    the newest in the wheel. `options` are settings of the server; one found running keeps its own.

    When we are root the server runs as `nobody`. If `nobody` cannot enter `directory` (it lies in a
    closed home), `postgres` is a link to a folder below /var/lib/kontor, so a backup of `directory`
    alone is no backup, and `delete_postgres` removes both. Programs that `nobody` cannot run are
    copied to /var/lib/kontor/binaries. Refuses data of another major version or another user, a
    lost password or link target, settings that are ours, and a server that does not come up.
    """
    if refused := sorted(_OURS & options.keys()):
        raise EmbeddedServerError(f"Not the caller's to set: {', '.join(refused)}")
    directory = places.made_directory(directory)
    with locked(_lock_file(directory)) as lock:
        launch, password = _prepared(directory, binaries, {**_DEFAULTS, **options}, lock)
        found = _found_or_started(launch, timeout=timeout)
    return PostgresServer(
        directory=directory,
        data_directory=launch.data,
        socket_directory=found.socket_directory or launch.sockets,
        binaries=launch.binaries,
        version=cluster.cluster_version(launch.data),
        superuser_password=password,
    )


def delete_postgres(directory: Path) -> None:
    """Stop the server of `directory` and delete its data for good, wherever they lie.

    Does nothing when there is none.
    """
    directory = directory.resolve()
    link = directory / _NAME
    if not directory.is_dir():
        return
    with locked(_lock_file(directory)):
        home = link.resolve()
        _stop(home / "data", timeout=_QUIT_SECONDS)
        places.remove_home(link)
        for suffix in ("password", "log"):
            (directory / f"{_NAME}.{suffix}").unlink(missing_ok=True)


@dataclass(frozen=True)
class _Launch:
    directory: Path
    data: Path
    sockets: Path
    binaries: Path
    settings: Mapping[str, str]
    account: processes.Account | None

    @property
    def log(self) -> Path:
        return self.directory / f"{_NAME}.log"

    @property
    def command(self) -> list[str | Path]:
        ours = {"listen_addresses": "", "unix_socket_directories": str(self.sockets)}
        pairs = {**self.settings, **ours, "port": "5432"}
        flags = [part for name, value in pairs.items() for part in ("-c", f"{name}={value}")]
        return [self.binaries / "postgres", "-D", self.data, *flags]


def _lock_file(directory: Path) -> Path:
    return directory / f"{_NAME}.lock"


def _prepared(
    directory: Path, binaries: Path | None, settings: Mapping[str, str], lock: int
) -> tuple[_Launch, str]:
    account = places.server_account()
    home = places.server_home(directory, name=_NAME, account=account)
    data = home / "data"
    tools = places.reachable_binaries(binaries or cluster.wheel_binaries(), account)
    password = cluster.superuser_password(
        directory / f"{_NAME}.password", may_make=not data.exists()
    )
    cluster.ensure_cluster(
        data,
        binaries=tools,
        account=account,
        password=password,
        sync=settings.get("fsync", "on") != "off",
        lock=lock,
    )
    sockets = places.socket_folder(home, socket_name=_SOCKET_NAME, account=account)
    return _Launch(directory, data, sockets, tools, settings, account), password


def _found_or_started(launch: _Launch, *, timeout: float) -> cluster.Postmaster:
    # After `kill -9` a start may lose to what is left of the old server, and one whose starter was
    # killed before `postmaster.pid` was written is only found later: another try wins.
    for _ in range(_ATTEMPTS):
        if found := _one_attempt(launch, timeout=timeout):
            return found
        time.sleep(_PAUSE_SECONDS)
    raise EmbeddedServerError("PostgreSQL does not start", processes.last_lines(launch.log))


def _one_attempt(launch: _Launch, *, timeout: float) -> cluster.Postmaster | None:
    """Return the server, or None when it ended before it was ready."""
    found = cluster.find_postmaster(launch.data)
    if found is None:
        _clear_the_way(launch)
        pid = processes.spawn(launch.command, log=launch.log, account=launch.account)
    else:
        pid = found.process.pid
    is_decided = processes.wait_until(
        lambda: _is_ready(launch.data) or processes.living_process(pid) is None, timeout=timeout
    )
    if not is_decided:
        _stop(launch.data, timeout=_QUIT_SECONDS)
        log = processes.last_lines(launch.log)
        raise EmbeddedServerError(f"PostgreSQL was not ready in {timeout:g} seconds", log)
    found = cluster.find_postmaster(launch.data)
    return found if found and found.is_ready else None


def _is_ready(data: Path) -> bool:
    found = cluster.find_postmaster(data)
    return found is not None and found.is_ready


def _clear_the_way(launch: _Launch) -> None:
    # What is left of an earlier server would write to the same files; it has its working
    # directory there.
    if not processes.wait_until(
        lambda: not processes.has_process_in(launch.data), timeout=_ORPHAN_SECONDS
    ):
        raise EmbeddedServerError(f"Processes of an earlier server are still in {launch.data}")
    # PostgreSQL takes any process with a recorded number for the old server, even one that only
    # waits to be reaped (a container's first process may never reap, or reap late).
    for record in (cluster.pid_file(launch.data), launch.sockets / f"{_SOCKET_NAME}.lock"):
        if cluster.is_recorded_number_taken(record):
            record.unlink()


def _stop(data: Path, *, timeout: float) -> None:
    found = cluster.find_postmaster(data)
    if found is None or processes.end(found.process, SIGINT, timeout=timeout):
        return
    if not processes.end(found.process, SIGQUIT, timeout=_QUIT_SECONDS):
        raise EmbeddedServerError(f"PostgreSQL, process {found.process.pid}, does not stop")
