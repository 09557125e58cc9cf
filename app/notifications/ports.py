from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from app.kernel import Money
from app.notifications.kinds import ChannelName, Recipient


class Words(Protocol):
    """One language: its catalogue, and how it writes amounts and times."""

    @property
    def language(self) -> str:
        """The code of the language."""

    def gettext(self, text: str, **facts: object) -> str:
        """Return a text in this language, its placeholders filled."""

    def money(self, amount: Money) -> str:
        """Return an amount as this language writes it."""

    def moment(self, at: datetime) -> str:
        """Return day and time of an aware time, to the minute."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A new signing key: the private one encrypted, the public one as DNS shows it (base64)."""

    sealed_key: bytes = field(repr=False)
    public_key: str


class DomainKeys(Protocol):
    """Makes and uses the keys that mail is signed with (DKIM, RFC 6376)."""

    def make(self) -> Sealed:
        """Return a new key pair."""

    def sign(self, raw: bytes, *, domain: str, selector: str, sealed_key: bytes) -> bytes:
        """Return the mail with its signature in front; raises ChannelError where it cannot."""


@dataclass(frozen=True, slots=True)
class Mail:
    """A finished e-mail: who is told when it does not arrive, who gets it, and its bytes."""

    envelope_from: str = field(repr=False)
    envelope_to: str = field(repr=False)
    raw: bytes = field(repr=False)


class MailTransport(Protocol):
    """Hands e-mail to a server."""

    def send(self, mail: Mail) -> str:
        """Hand it over and return the server's code; raises ChannelError."""


@dataclass(frozen=True, slots=True)
class Signature:
    """The verified domain that a mail is sent from, and its key."""

    domain: str
    selector: str
    sealed_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Parcel:
    """A rendered message on its way to one person over one channel.

    `reference` is the same each time the same delivery is tried. `bounce_token` names it to
    whoever reports that it did not arrive. `signature` is the reseller's verified domain, or the
    platform's, or there is none; only the reseller's `is_own` and is sent from.
    """

    reference: str
    bounce_token: str
    to: Recipient
    subject: str
    text: str
    html: str
    sender_name: str
    reply_to: str
    language: str
    signature: Signature | None
    is_own: bool


class Channel(Protocol):
    """A way a message reaches a person."""

    def send(self, parcel: Parcel) -> str:
        """Send it and return the other side's code; raises ChannelError."""


@dataclass(frozen=True)
class Post:
    """What messages need of the world outside.

    `address` makes the public address of a host; `secret` is the installation's SECRET_KEY, from
    which the tokens of links and of bounce addresses are made. `mail_domain` is the part of the
    platform's own sender after the @.
    """

    channels: Mapping[ChannelName, Channel]
    words: Callable[[str], Words]
    keys: DomainKeys
    platform_domain: str
    mail_domain: str
    address: Callable[[str], str]
    secret: str = field(repr=False)
