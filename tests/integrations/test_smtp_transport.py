"""Mail over a real SMTP server on the loopback address."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.integrations.smtp_transport import (
    NoTransport,
    SmtpAddressError,
    SmtpServer,
    SmtpTransport,
)
from app.notifications import ChannelError, Mail

MAIL = Mail("bounces@kontor.test", "anna@example.com", b"Subject: hello\r\n\r\nhello\r\n")


class Keeper:
    def __init__(self, answer: str = "250 OK", at: str = "DATA") -> None:
        self.kept: list[tuple[str | None, list[str], bytes | str | None]] = []
        self._answer = answer
        self._at = at

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's hook
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _o: list[str]
    ) -> str:
        envelope.mail_from = address
        return self._answer if self._at == "MAIL" else "250 OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's hook
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _o: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        return self._answer if self._at == "RCPT" else "250 OK"

    async def handle_QUIT(self, server: SMTP, *_: object) -> str:  # noqa: N802 - aiosmtpd's hook
        if self._at == "QUIT" and not self._answer:
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return self._answer if self._at == "QUIT" else "221 Bye"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's hook
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        self.kept.append((envelope.mail_from, list(envelope.rcpt_tos), envelope.content))
        return self._answer if self._at == "DATA" else "250 OK"


def let_in(
    _server: SMTP, _session: Session, _envelope: Envelope, _how: str, given: object
) -> AuthResult:
    login, password = getattr(given, "login", b""), getattr(given, "password", b"")
    return AuthResult(success=(login, password) == (b"kontor", b"p@ss"))


@contextmanager
def a_server(keeper: Keeper, **options: Any) -> Iterator[int]:  # noqa: ANN401 - aiosmtpd's
    """Serve SMTP until the end of the block; yields its port."""
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(
        loop.create_server(lambda: SMTP(keeper, loop=loop, **options), host="127.0.0.1", port=0)
    )
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        for each in asyncio.all_tasks(loop):
            each.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for the loopback address that nobody else trusts, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.test")])
    start = datetime.now(UTC) - timedelta(hours=1)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("certificate")
    (folder / "cert.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return folder / "cert.pem", folder / "key.pem"


def server_side(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


def test_a_mail_arrives_with_its_envelope() -> None:
    keeper = Keeper()

    with a_server(keeper) as port:
        answer = SmtpTransport(f"smtp://127.0.0.1:{port}").send(MAIL)

    assert answer == "250"
    assert keeper.kept == [(MAIL.envelope_from, [MAIL.envelope_to], MAIL.raw)]


def test_a_password_is_sent_over_a_verified_line(certificate: tuple[Path, Path]) -> None:
    keeper, trusting = Keeper(), ssl.create_default_context(cafile=certificate[0])
    options: dict[str, Any] = {
        "tls_context": server_side(certificate),
        "auth_required": True,
        "authenticator": let_in,
    }

    with a_server(keeper, **options) as port:
        url = f"smtp://kontor:p%40ss@127.0.0.1:{port}?starttls"
        SmtpTransport(url, tls=trusting).send(MAIL)

    assert len(keeper.kept) == 1


def test_a_certificate_that_nobody_vouches_for_gets_no_mail(
    certificate: tuple[Path, Path],
) -> None:
    keeper = Keeper()

    with (
        a_server(keeper, tls_context=server_side(certificate)) as port,
        pytest.raises(ChannelError) as refused,
    ):
        SmtpTransport(f"smtp://127.0.0.1:{port}?starttls").send(MAIL)

    assert (refused.value.answer, refused.value.retryable) == ("tls", True)
    assert keeper.kept == []


@pytest.mark.parametrize(
    ("answer", "at", "said", "retryable"),
    [
        ("550 5.1.1 <anna@example.com> unknown", "RCPT", "550 5.1.1", False),
        ("451 4.7.1 anna@example.com is greylisted", "RCPT", "451 4.7.1", True),
        ("554 5.7.1 spam", "DATA", "554 5.7.1", False),
        ("553 5.1.8 who are you", "MAIL", "553 5.1.8", True),
    ],
)
def test_a_refusal_is_kept_as_a_code_without_the_address(
    answer: str,
    at: str,
    said: str,
    retryable: bool,  # noqa: FBT001 - an expectation
) -> None:
    with a_server(Keeper(answer, at)) as port, pytest.raises(ChannelError) as refused:
        SmtpTransport(f"smtp://127.0.0.1:{port}").send(MAIL)

    assert (refused.value.answer, refused.value.retryable) == (said, retryable)


def test_a_server_that_is_away_is_asked_again_later() -> None:
    with a_server(Keeper()) as port:
        pass

    with pytest.raises(ChannelError) as refused:
        SmtpTransport(f"smtp://127.0.0.1:{port}", seconds=2).send(MAIL)

    assert (refused.value.answer, refused.value.retryable) == ("unreachable", True)


@pytest.mark.parametrize(
    "url",
    ["", "http://mail.example", "smtp://", "smtp://kontor:secret@mail.example:587"],
)
def test_an_address_that_is_none_or_gives_a_password_away_is_refused(url: str) -> None:
    with pytest.raises(SmtpAddressError):
        SmtpServer.read(url)


@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("smtp://mail.example", 25),
        ("smtps://kontor:secret@mail.example", 465),
        ("smtp://kontor:secret@mail.example:587?starttls", 587),
    ],
)
def test_an_address_says_where_mail_is_handed_over(url: str, port: int) -> None:
    assert SmtpServer.read(url).port == port


def test_without_an_address_mail_waits() -> None:
    with pytest.raises(ChannelError) as refused:
        NoTransport().send(MAIL)

    assert refused.value.retryable


@pytest.mark.parametrize("answer", ["421 4.3.2 Going down", "", "Bye"])
def test_a_mail_that_was_taken_is_sent_however_the_server_says_goodbye(answer: str) -> None:
    keeper = Keeper(answer, at="QUIT")

    with a_server(keeper) as port:
        assert SmtpTransport(f"smtp://127.0.0.1:{port}").send(MAIL) == "250"

    assert len(keeper.kept) == 1
