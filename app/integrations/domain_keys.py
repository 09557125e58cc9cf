"""DKIM keys: made with `cryptography`, kept encrypted, used by dkimpy (RFC 6376)."""

from __future__ import annotations

import base64
import hashlib
import hmac

import dkim
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from app.notifications import ChannelError, Sealed

_PURPOSE = b"kontor dkim v1"
_BITS = 2048
_EXPONENT = 65537
_SIGNED = (
    b"from", b"to", b"reply-to", b"subject", b"date", b"message-id", b"mime-version",
    b"content-type",
)  # fmt: skip


class DkimKeys:
    """Makes signing keys that only this installation can use: its SECRET_KEY opens them."""

    def __init__(self, secret: str) -> None:
        key = hmac.digest(secret.encode(), _PURPOSE, hashlib.sha256)
        self._box = Fernet(base64.urlsafe_b64encode(key))

    def make(self) -> Sealed:
        """Return a new RSA key of 2048 bits: every receiver understands it."""
        private = rsa.generate_private_key(public_exponent=_EXPONENT, key_size=_BITS)
        pem = private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
        public = private.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return Sealed(self._box.encrypt(pem), base64.b64encode(public).decode())

    def sign(self, raw: bytes, *, domain: str, selector: str, sealed_key: bytes) -> bytes:
        """Return the mail with its DKIM signature in front.

        Raises ChannelError for a key that another SECRET_KEY has sealed: the mail waits.
        """
        try:
            signature: bytes = dkim.sign(
                raw,
                selector.encode(),
                domain.encode(),
                self._box.decrypt(sealed_key),
                canonicalize=(b"relaxed", b"relaxed"),
                include_headers=[name for name in _SIGNED if _has(raw, name)],
            )
        except (InvalidToken, dkim.DKIMException) as unusable:
            raise ChannelError("signature", retryable=True) from unusable
        return signature + raw


def _has(raw: bytes, name: bytes) -> bool:
    head = raw.partition(b"\r\n\r\n")[0].lower()
    return head.startswith(name + b":") or b"\r\n" + name + b":" in head
