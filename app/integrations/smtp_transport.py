"""E-mail by SMTP: one connection per mail, encrypted where it leaves this machine."""

from __future__ import annotations

import re
import smtplib
import ssl
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import parse_qs, unquote, urlsplit

from app.notifications import ChannelError, Mail

_SECONDS = 10.0
_PORTS = {"smtp": 25, "smtps": 465}
_HERE = frozenset({"127.0.0.1", "::1", "localhost"})
_FINAL = 500
_ENHANCED = re.compile(rb"\b[245]\.\d{1,3}\.\d{1,3}\b")


class SmtpAddressError(ValueError):
    """SMTP_URL is none, or would send a password in the clear."""


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where mail is handed over, as SMTP_URL says it."""

    host: str
    port: int
    is_tls: bool
    is_starttls: bool
    user: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def read(cls, url: str) -> Self:
        """Read `smtp://user:password@host:587?starttls` or `smtps://…`.

        Refuses other schemes, and a password on an open line to another machine.
        """
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname:
            raise SmtpAddressError("SMTP_URL is written smtp://host:587?starttls or smtps://host")
        is_tls = parts.scheme == "smtps"
        is_starttls = "starttls" in parse_qs(parts.query, keep_blank_values=True)
        is_open = not (is_tls or is_starttls or parts.hostname in _HERE)
        if is_open and parts.password:
            raise SmtpAddressError("SMTP_URL has a password: add ?starttls or use smtps://")
        return cls(
            host=parts.hostname,
            port=parts.port or _PORTS[parts.scheme],
            is_tls=is_tls,
            is_starttls=is_starttls,
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
        )


class SmtpTransport:
    """Hands mail to the server of SMTP_URL; certificates are verified."""

    def __init__(
        self, url: str, *, seconds: float = _SECONDS, tls: ssl.SSLContext | None = None
    ) -> None:
        self._server = SmtpServer.read(url)
        self._seconds = seconds
        self._tls = tls

    def send(self, mail: Mail) -> str:
        """Hand the mail over and return the server's code.

        Raises ChannelError: final where the server will never take this mail, else retryable.
        """
        try:
            connection = self._connection()
            try:
                connection.sendmail(mail.envelope_from, [mail.envelope_to], mail.raw)
            finally:
                _hang_up(connection)
        except smtplib.SMTPRecipientsRefused as refused:
            code, text = refused.recipients[mail.envelope_to]
            raise _refusal(code, text, is_about_mail=True) from None
        except smtplib.SMTPDataError as refused:
            raise _refusal(refused.smtp_code, refused.smtp_error, is_about_mail=True) from None
        except smtplib.SMTPResponseException as refused:
            # About us, not about this mail: whoever runs the platform can put it right.
            raise _refusal(refused.smtp_code, refused.smtp_error, is_about_mail=False) from None
        except ssl.SSLError as broken:
            raise ChannelError("tls", retryable=True) from broken
        except (OSError, smtplib.SMTPException) as away:
            raise ChannelError("unreachable", retryable=True) from away
        return "250"

    def _connection(self) -> smtplib.SMTP:
        server, tls = self._server, self._tls or ssl.create_default_context()
        connection = (
            smtplib.SMTP_SSL(server.host, server.port, timeout=self._seconds, context=tls)
            if server.is_tls
            else smtplib.SMTP(server.host, server.port, timeout=self._seconds)
        )
        try:
            if server.is_starttls:
                connection.starttls(context=tls)
            if server.user:
                connection.login(server.user, server.password)
        except BaseException:
            connection.close()
            raise
        return connection


def _hang_up(connection: smtplib.SMTP) -> None:
    """Say goodbye; what the server says to it changes nothing about a mail that it has taken."""
    try:
        connection.quit()
    except (OSError, smtplib.SMTPException):
        connection.close()


class NoTransport:
    """Stands in where SMTP_URL is empty: mail waits, and lists show why."""

    def send(self, mail: Mail) -> str:  # noqa: ARG002 - what a transport is asked
        """Refuse for now."""
        raise ChannelError("no_mail_server", retryable=True)


def _refusal(code: int, text: bytes | str, *, is_about_mail: bool) -> ChannelError:
    """Keep the codes of an answer and not its text: that repeats the address."""
    raw = text if isinstance(text, bytes) else text.encode(errors="replace")
    enhanced = _ENHANCED.search(raw)
    answer = f"{code} {enhanced[0].decode()}" if enhanced else str(code)
    return ChannelError(answer, retryable=not is_about_mail or code < _FINAL)
