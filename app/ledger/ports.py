from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Protocol


class HeadLog(Protocol):
    """Lines outside the database that are only ever added to, and a key that signs them."""

    def held(self) -> AbstractContextManager[None]:
        """Keep every other process from adding lines meanwhile."""

    def lines(self) -> Iterator[str]:
        """Yield every line from the first, as it was added."""

    def latest_lines(self) -> Iterator[str]:
        """Yield every line from the last; who stops early has read no more than it saw."""

    def append(self, line: str) -> None:
        """Add a line; it is on the disk when this returns."""

    def sign(self, message: bytes) -> bytes:
        """Return the Ed25519 signature; the key is made with the first line.

        Refuses (HeadKeyMissingError) where there are lines and their key is gone.
        """

    def has_signed(self, message: bytes, signature: bytes) -> bool:
        """True if the signature of the message was made with the key."""

    def public_key(self) -> str:
        """Return the key's public half, in base64 (32 bytes), for whoever checks elsewhere."""
