"""E-mail as a channel: a parcel becomes MIME, is signed and handed to a mail server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from app.notifications.errors import ChannelError
from app.notifications.ports import DomainKeys, Mail, MailTransport, Parcel

_OWN_LOCAL_PART = "no-reply"
_SEVEN_BITS = "quoted-printable"


@dataclass(frozen=True)
class EmailChannel:
    """Sends parcels by e-mail.

    `mail_from` is the platform's address, from which those are sent that have no verified domain.
    `bounce_address` takes reports; without one they go to `mail_from` and nobody can read them.
    """

    transport: MailTransport
    keys: DomainKeys
    mail_from: str
    bounce_address: str
    clock: Callable[[], datetime]

    def send(self, parcel: Parcel) -> str:
        """Send the parcel and return the server's code; raises ChannelError."""
        try:
            raw = self._composed(parcel).as_bytes(policy=SMTP)
        except ValueError as broken:
            # Nothing that was typed reaches a log: the address itself is what is wrong.
            raise ChannelError("address", retryable=False) from broken
        signature = parcel.signature
        if signature is not None and (parcel.is_own or _is_below(self.mail_from, signature.domain)):
            raw = self.keys.sign(
                raw,
                domain=signature.domain,
                selector=signature.selector,
                sealed_key=signature.sealed_key,
            )
        return self.transport.send(Mail(self._envelope_from(parcel), parcel.to.address, raw))

    def _composed(self, parcel: Parcel) -> EmailMessage:
        sender = self._sender(parcel)
        mail = EmailMessage(policy=SMTP)
        mail["From"] = Address(_printable(parcel.sender_name), addr_spec=sender)
        mail["To"] = Address(_printable(parcel.to.name), addr_spec=parcel.to.address)
        if parcel.reply_to:
            mail["Reply-To"] = Address(addr_spec=parcel.reply_to)
        mail["Subject"] = parcel.subject
        mail["Date"] = format_datetime(self.clock())
        # The same at every attempt, so that a mail server or program sees a repeat for one.
        mail["Message-ID"] = f"<{parcel.reference}@{sender.rpartition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail["Content-Language"] = parcel.language
        # A server that re-codes eight-bit lines on the way would break the signature.
        mail.set_content(parcel.text, cte=_SEVEN_BITS)
        mail.add_alternative(parcel.html, subtype="html", cte=_SEVEN_BITS)
        return mail

    def _sender(self, parcel: Parcel) -> str:
        if parcel.is_own and parcel.signature is not None:
            return f"{_OWN_LOCAL_PART}@{parcel.signature.domain}"
        return self.mail_from

    def _envelope_from(self, parcel: Parcel) -> str:
        if not self.bounce_address:
            return self.mail_from
        local, _, domain = self.bounce_address.rpartition("@")
        return f"{local}+{parcel.bounce_token}@{domain}"


def _printable(name: str) -> str:
    return " ".join("".join(each if each.isprintable() else " " for each in name).split())


def _is_below(address: str, domain: str) -> bool:
    """True where a signature of `domain` vouches for an address (DMARC's relaxed alignment)."""
    return f".{address.rpartition('@')[2]}".endswith(f".{domain}")
