"""Where a server's files go, so that the user it runs as can reach them.

As ourselves everything stays in the caller's directory. When we are root, PostgreSQL runs as
`nobody`, who cannot enter a closed home such as /root: data then go below /var/lib/kontor and
binaries are copied there. No folder that is not ours changes its mode.
"""

import hashlib
import os
import pwd
import secrets
import shutil
import stat
from pathlib import Path

from app.embedded.errors import EmbeddedServerError
from app.embedded.locks import locked
from app.embedded.processes import Account, run

OPEN_ROOT = Path("/var/lib/kontor")
_SHORT_ROOT = Path("/tmp")  # noqa: S108 - owner and mode of what we make there are checked
_SOCKET_PATH_BYTES = 107
_PROBE_SECONDS = 30.0
_UNPRIVILEGED = "nobody"


def server_account() -> Account | None:
    """Return the user to run as: `nobody` when we are root, else None for ourselves."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(_UNPRIVILEGED)
    except KeyError as error:
        raise EmbeddedServerError(f"There is no user '{_UNPRIVILEGED}' to run as") from error
    return Account(uid=entry.pw_uid, gid=entry.pw_gid)


def made_directory(directory: Path) -> Path:
    """Return the caller's directory as an absolute path, made if need be."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EmbeddedServerError(f"{directory} cannot be made: {error}") from error
    return directory.resolve()


def server_home(directory: Path, *, name: str, account: Account | None) -> Path:
    """Return the folder of a server's own files, made on the first call.

    It is `directory/name`, or a folder below /var/lib/kontor that `directory/name` links to when
    the account cannot enter `directory`. Refuses a link whose target is gone: data were lost.
    """
    home = directory / name
    if home.is_symlink() and not home.exists():
        raise EmbeddedServerError(
            f"{home} points to {home.readlink()}, which is gone with its data; "
            f"remove {home} to start with an empty server"
        )
    if not home.exists():
        if account is None or can_enter(directory, account):
            make_folder(home, account)
        else:
            home.symlink_to(_home_elsewhere(directory, name, account))
    home = home.resolve()
    if account is not None and not can_enter(home, account):
        raise EmbeddedServerError(f"The user '{_UNPRIVILEGED}' can no longer enter {home}")
    return home


def can_enter(folder: Path, account: Account) -> bool:
    """True if the account can change into the folder; asked of the system, so lists count too."""
    try:
        run(["/bin/sh", "-c", 'cd -- "$0"', folder], account=account, timeout=_PROBE_SECONDS)
    except EmbeddedServerError:
        return False
    return True


def reachable_binaries(binaries: Path, account: Account | None) -> Path:
    """Return a folder with the same programs that the account can run, copied once if need be.

    Refuses programs that do not run for ourselves either.
    """
    _probe(binaries, None)
    if account is None:
        return binaries
    try:
        _probe(binaries, account)
    except EmbeddedServerError:
        copied = _copy_of(binaries)
        _probe(copied, account)
        return copied
    return binaries


def socket_folder(home: Path, *, socket_name: str, account: Account | None) -> Path:
    """Return `home`, or a short folder of its own in /tmp when the socket's path were too long.

    Refuses a short folder that someone else has made before us.
    """
    if len(os.fsencode(home / socket_name)) <= _SOCKET_PATH_BYTES:
        return home
    owner = account.uid if account else os.geteuid()
    folder = _short_folder(home, owner)
    try:
        make_folder(folder, account)
    except FileExistsError:
        found = folder.lstat()
        writable_by_others = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or writable_by_others:
            raise EmbeddedServerError(f"{folder} was made by someone else") from None
    return folder


def remove_socket_folder(home: Path) -> None:
    """Delete the short folder of a stopped server, if it has one."""
    shutil.rmtree(_short_folder(home, home.stat().st_uid), ignore_errors=True)


def remove_home(home: Path) -> None:
    """Delete the folder of a server's own files, its short folder and, of a link, the target."""
    target = home.resolve()
    if target.exists():
        remove_socket_folder(target)
        shutil.rmtree(target)
    if home.is_symlink():
        home.unlink()
        target.with_name(f"{target.name}.origin").unlink(missing_ok=True)


def make_folder(folder: Path, account: Account | None) -> None:
    """Make a folder that others may pass through but not list, owned by the account."""
    folder.mkdir()
    folder.chmod(0o711)
    if account is not None:
        os.chown(folder, account.uid, account.gid)


def _home_elsewhere(directory: Path, name: str, account: Account) -> Path:
    # The random part keeps a directory that was deleted and made again (a test's, a fresh
    # clone's) from waking the data of the one before.
    kept = _open_folder(name)
    home = kept / f"{_digest(str(directory))}-{secrets.token_hex(4)}"
    make_folder(home, account)
    (kept / f"{home.name}.origin").write_text(f"{directory}\n")
    return home


def _open_folder(name: str) -> Path:
    for folder in (OPEN_ROOT, OPEN_ROOT / name):
        try:
            make_folder(folder, None)
        except FileExistsError:
            found = folder.stat()
            if found.st_uid != 0 or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                raise EmbeddedServerError(f"{folder} can be changed by others") from None
        except OSError as error:
            raise EmbeddedServerError(f"{folder} cannot be made: {error}") from error
    return OPEN_ROOT / name


def _short_folder(home: Path, owner: int) -> Path:
    return _SHORT_ROOT / f"kontor-{owner}-{_digest(str(home))}"


def _probe(binaries: Path, account: Account | None) -> None:
    for program in ("postgres", "initdb"):
        run([binaries / program, "--version"], account=account, timeout=_PROBE_SECONDS)


def _copy_of(binaries: Path) -> Path:
    """Copy the installation that `binaries` belongs to, at once or not at all."""
    prefix = binaries.parent
    shape = (binaries / "postgres").stat()
    key = _digest(f"{prefix}:{shape.st_mtime_ns}:{shape.st_size}")
    cache = _open_folder("binaries")
    kept = cache / key
    with locked(cache / "lock"):
        if not kept.exists():
            fresh = cache / "copy.new"
            shutil.rmtree(fresh, ignore_errors=True)
            _copy_installation(prefix, fresh)
            fresh.rename(kept)
    return kept / prefix.parent.name / prefix.name / binaries.name


def _copy_installation(prefix: Path, target: Path) -> None:
    # A wheel keeps the libraries of `package/prefix` in `package.libs`, found by a relative path.
    package = prefix.parent
    shutil.copytree(
        prefix,
        target / package.name / prefix.name,
        symlinks=True,
        ignore=shutil.ignore_patterns("include", "*.a"),
    )
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, target / libraries.name, symlinks=True)
    for path in (target, *target.rglob("*")):
        if not path.is_symlink():
            mode = stat.S_IMODE(path.stat().st_mode)
            path.chmod(mode | (mode & 0o500) >> 3 | (mode & 0o500) >> 6)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
