"""Each kind of message with facts that are made up: for previews in a brand's editor."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from app.branding import BrandLook
from app.identity import Realm
from app.notifications.kinds import Facts, MessageKind, Recipient
from app.notifications.ports import Post, Words
from app.notifications.rendering import Rendered, render_message
from app.notifications.senders import read_sender
from app.tenancy import TenantScope

# What customers and staff of a reseller are sent; the others come from the platform itself.
PREVIEWED_KINDS = (
    MessageKind.TOP_UP_RECEIPT,
    MessageKind.LOW_BALANCE,
    MessageKind.AUTO_TOP_UP_FAILED,
    MessageKind.INVITATION,
    MessageKind.PASSWORD_RESET,
    MessageKind.EMAIL_CONFIRMATION,
    MessageKind.SECURITY_NOTICE,
)
_SOME_DAY = datetime(2026, 11, 2, 10, 30, tzinfo=UTC).isoformat()
_NOBODY = "00000000-0000-7000-8000-000000000000"
_CURRENCY = "EUR"
SAMPLE_FACTS: Mapping[MessageKind, Facts] = {
    MessageKind.INVITATION: {"link_id": _NOBODY, "inviter": "Alex", "expires_at": _SOME_DAY},
    MessageKind.PASSWORD_RESET: {"link_id": _NOBODY, "expires_at": _SOME_DAY},
    MessageKind.EMAIL_CONFIRMATION: {"link_id": _NOBODY, "expires_at": _SOME_DAY},
    MessageKind.TOP_UP_RECEIPT: {
        "amount_minor": 10_000,
        "bonus_minor": 1_000,
        "balance_minor": 11_840,
        "currency": _CURRENCY,
        "paid_at": _SOME_DAY,
    },
    MessageKind.AUTO_TOP_UP_FAILED: {
        "amount_minor": 5_000,
        "currency": _CURRENCY,
        "retry_at": _SOME_DAY,
    },
    MessageKind.LOW_BALANCE: {
        "balance_minor": 840,
        "threshold_minor": 1_000,
        "currency": _CURRENCY,
    },
    MessageKind.SECURITY_NOTICE: {
        "what": "new_device",
        "happened_at": _SOME_DAY,
        "device": "Firefox, Linux",
    },
    MessageKind.RESELLER_WELCOME: {"tenant_id": _NOBODY},
    MessageKind.RESELLER_APPROVED: {"tenant_id": _NOBODY},
    MessageKind.RESELLER_REFUSED: {"company": "Nordwind"},
    MessageKind.RESELLER_ASKED: {"tenant_id": _NOBODY, "question": "?"},
    MessageKind.TRIAL_ENDING: {"tenant_id": _NOBODY, "ends_at": _SOME_DAY},
}


def preview_message(
    session: Session,
    scope: TenantScope,
    post: Post,
    *,
    kind: MessageKind,
    look: BrandLook | None = None,
    language: str | None = None,
) -> Rendered:
    """Return a message of this kind with made-up facts; its links lead nowhere.

    `look` shows it in a brand that is not published yet; without one it is the published brand.
    """
    sender = read_sender(session, scope, post, look=look)
    words: Words = post.words(language or sender.look.language)
    return render_message(
        kind=kind,
        to=Recipient(Realm.CUSTOMER, None, "", "Alex Meyer"),
        facts=SAMPLE_FACTS[kind],
        sender=sender,
        words=words,
        link="0",
        origin=sender.origin,
    )
