"""Secrets of the database, sealed with keys that are derived from SECRET_KEY."""

from __future__ import annotations

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_PURPOSE = b"kontor secret box v1"
_KEY_BYTES = 32
_NONCE_BYTES = 12


class SealedBox:
    """AES-256-GCM (NIST SP 800-38D) with a random nonce in front of what it sealed."""

    def __init__(self, secret_key: str) -> None:
        key = HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=_PURPOSE)
        self._cipher = AESGCM(key.derive(secret_key.encode()))

    def seal(self, secret: bytes, *, about: bytes) -> bytes:
        """Return the secret, unreadable without SECRET_KEY."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, secret, about)

    def open(self, sealed: bytes, *, about: bytes) -> bytes | None:
        """Return the secret; None where SECRET_KEY has changed since, or it is another's."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], about)
        except (InvalidTag, ValueError):
            return None
