"""Messages in the reader's words: kinds, and what a mail server answered."""

from __future__ import annotations

from flask import Flask

from app.notifications import MessageKind
from app.web.words import gettext as _


def register(app: Flask) -> None:
    """Let templates name kinds of messages and answers of mail servers."""
    app.add_template_filter(message_name)
    app.add_template_filter(mail_answer)


def message_name(kind: MessageKind) -> str:
    """Return what a kind of message is called."""
    names = {
        MessageKind.INVITATION: _("Invitation"),
        MessageKind.PASSWORD_RESET: _("New password"),
        MessageKind.EMAIL_CONFIRMATION: _("Confirmation of the address"),
        MessageKind.TOP_UP_RECEIPT: _("Receipt for a top-up"),
        MessageKind.AUTO_TOP_UP_FAILED: _("Automatic top-up failed"),
        MessageKind.LOW_BALANCE: _("Low balance"),
        MessageKind.SECURITY_NOTICE: _("Security notice"),
        MessageKind.RESELLER_WELCOME: _("Welcome"),
        MessageKind.RESELLER_APPROVED: _("Application accepted"),
        MessageKind.RESELLER_REFUSED: _("Application not accepted"),
    }
    return names[kind]


def mail_answer(answer: str) -> str:
    """Return why a message was not sent; a server's own code stays as it is."""
    known = {
        "unreachable": _("The mail server does not answer."),
        "tls": _("The certificate of the mail server is not trusted."),
        "no_mail_server": _("No mail server is set up."),
        "address": _("The address cannot be used."),
        "signature": _("The key of the sending domain cannot be used. Add the domain anew."),
        "given_up": _("Something went wrong on our side."),
    }
    return known.get(answer, answer)
