from __future__ import annotations

import dkim
import pytest

from app.integrations.domain_keys import DkimKeys
from app.notifications import ChannelError

RAW = (
    b"From: Nordlicht <no-reply@nordlicht.example>\r\nTo: anna@example.com\r\n"
    b"Subject: hello\r\nDate: Mon, 02 Nov 2026 10:30:00 +0000\r\n"
    b"Message-ID: <1@nordlicht.example>\r\n\r\nhello\r\n"
)


def signed(raw: bytes = RAW) -> tuple[bytes, str]:
    keys = DkimKeys("a secret")
    made = keys.make()
    mail = keys.sign(
        raw, domain="nordlicht.example", selector="m20261102", sealed_key=made.sealed_key
    )
    return mail, made.public_key


def is_genuine(mail: bytes, public_key: str) -> bool:
    """Ask a receiver's side of dkimpy, whose DNS shows this key."""
    record = f"v=DKIM1; k=rsa; p={public_key}".encode()
    asked: list[bytes] = []

    def dns(name: bytes, timeout: int = 5) -> bytes:
        asked.append(name)
        return record

    return bool(dkim.verify(mail, dnsfunc=dns)) and asked == [
        b"m20261102._domainkey.nordlicht.example."
    ]


def test_a_signature_holds_against_the_record_that_is_shown() -> None:
    mail, public_key = signed()

    assert is_genuine(mail, public_key)
    assert mail.endswith(RAW)


@pytest.mark.parametrize(
    ("before", "after"), [(b"\r\n\r\nhello", b"\r\n\r\nhallo"), (b"anna@", b"bert@")]
)
def test_a_changed_mail_is_no_longer_genuine(before: bytes, after: bytes) -> None:
    mail, public_key = signed()

    changed = mail.replace(before, after)

    assert changed != mail
    assert not is_genuine(changed, public_key)


def test_a_key_opens_with_its_own_secret_alone() -> None:
    made = DkimKeys("a secret").make()

    with pytest.raises(ChannelError) as refused:
        DkimKeys("another").sign(
            RAW, domain="nordlicht.example", selector="s", sealed_key=made.sealed_key
        )

    assert (refused.value.answer, refused.value.retryable) == ("signature", True)


def test_a_sealed_key_shows_nothing_of_itself() -> None:
    made = DkimKeys("a secret").make()

    assert b"PRIVATE" not in made.sealed_key
    assert "sealed_key" not in repr(made)
