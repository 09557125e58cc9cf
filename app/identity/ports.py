from typing import Protocol


class SecretBox(Protocol):
    """Seals what the database keeps and must not tell: the keys of authenticator apps.

    `about` says whose the secret is; a sealed one that is moved to another row does not open.
    """

    def seal(self, secret: bytes, *, about: bytes) -> bytes:
        """Return the secret, unreadable without the installation's key."""

    def open(self, sealed: bytes, *, about: bytes) -> bytes | None:
        """Return the secret; None for what was sealed with another key or about another."""
