"""The file of exported heads, and the Ed25519 key beside it; both for us alone."""

from __future__ import annotations

import fcntl
import os
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from app.ledger import HeadKeyMissingError

_PIECE = 65_536
_OURS_ALONE = 0o600


class HeadFile:
    """One line for each export; `<file>.key` holds the private key, 32 bytes in hexadecimal."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._key_path = path.with_name(f"{path.name}.key")

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep every other process from adding lines meanwhile."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with _opened(self._path.with_name(f"{self._path.name}.lock"), os.O_RDWR) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def lines(self) -> Iterator[str]:
        """Yield every line from the first; what a crash left half-written is none."""
        if not self._path.exists():
            return
        with self._path.open(encoding="utf-8", errors="replace", newline="\n") as file:
            for line in file:
                if line.endswith("\n"):
                    yield line[:-1]

    def latest_lines(self) -> Iterator[str]:
        """Yield every line from the last, reading backwards."""
        position = self._end_of_last_line() - 1
        if position < 0:
            return
        with self._path.open("rb") as file:
            rest = b""
            while position:
                size = min(_PIECE, position)
                position -= size
                file.seek(position)
                rest, *lines = (file.read(size) + rest).split(b"\n")
                for line in reversed(lines):
                    yield line.decode(errors="replace")
            yield rest.decode(errors="replace")

    def append(self, line: str) -> None:
        """Add a line and wait for the disk; takes away what a crash left half-written."""
        with _opened(self._path, os.O_RDWR) as file:
            os.ftruncate(file, self._end_of_last_line())
            os.lseek(file, 0, os.SEEK_END)
            data = f"{line}\n".encode()
            while data:
                data = data[os.write(file, data) :]
            os.fsync(file)
        with _opened(self._path.parent, os.O_RDONLY | os.O_DIRECTORY) as folder:
            os.fsync(folder)

    def sign(self, message: bytes) -> bytes:
        """Return the signature; makes the key where there is neither key nor line."""
        if not self._key_path.exists():
            if next(self.lines(), None) is not None:
                raise HeadKeyMissingError(file=str(self._key_path))
            self._make_key()
        return self._key().sign(message)

    def has_signed(self, message: bytes, signature: bytes) -> bool:
        """True if the signature of the message was made with the key."""
        return self._key_path.exists() and _fits(self._key().public_key(), message, signature)

    def public_key(self) -> str:
        """Return the public key in base64; makes the key where there is neither key nor line."""
        with self.held():
            self.sign(b"")
        return b64encode(self._key().public_key().public_bytes_raw()).decode()

    def _key(self) -> Ed25519PrivateKey:
        text = self._key_path.read_text(encoding="ascii")
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(text.strip()))

    def _make_key(self) -> None:
        self._key_path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._key_path.with_name(f"{self._key_path.name}.new")
        fresh.unlink(missing_ok=True)
        with _opened(fresh, os.O_WRONLY | os.O_EXCL) as file:
            os.write(file, Ed25519PrivateKey.generate().private_bytes_raw().hex().encode())
            os.fsync(file)
        fresh.replace(self._key_path)

    def _end_of_last_line(self) -> int:
        if not self._path.exists():
            return 0
        end = self._path.stat().st_size
        with self._path.open("rb") as file:
            while end:
                size = min(_PIECE, end)
                file.seek(end - size)
                found = file.read(size).rfind(b"\n")
                if found >= 0:
                    return end - size + found + 1
                end -= size
        return 0


def _fits(key: Ed25519PublicKey, message: bytes, signature: bytes) -> bool:
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


@contextmanager
def _opened(path: Path, flags: int) -> Iterator[int]:
    made = flags if flags & os.O_DIRECTORY else flags | os.O_CREAT
    descriptor = os.open(path, made | os.O_CLOEXEC, _OURS_ALONE)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
