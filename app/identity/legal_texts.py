"""Which version of a text somebody was shown and accepted (requirement M1)."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.identity.link_models import Consent, LegalText
from app.kernel import new_id
from app.tenancy import TenantScope


class TextKind(Enum):
    """What a text is, whatever the reseller calls it."""

    TERMS = "terms"


@dataclass(frozen=True, slots=True)
class ShownText:
    """A text as it is shown to be accepted: its words, or the link to them."""

    kind: TextKind
    title: str
    content: str

    @property
    def content_hash(self) -> bytes:
        """SHA-256 of the content: the name of this version."""
        return hashlib.sha256(self.content.encode()).digest()


@dataclass(frozen=True, slots=True)
class AcceptedText:
    """Which text was accepted by whom, when."""

    kind: TextKind
    title: str
    content: str
    user_id: UUID
    accepted_at: datetime


def keep_text(session: Session, scope: TenantScope, *, shown: ShownText, now: datetime) -> None:
    """Keep a version of a text as it was first shown; safe to repeat."""
    session.execute(
        insert(LegalText)
        .values(
            reseller_id=scope.reseller_id,
            kind=shown.kind.value,
            content_hash=shown.content_hash,
            title=shown.title,
            content=shown.content,
            first_shown_at=now,
        )
        .on_conflict_do_nothing()
    )


def record_consent(
    session: Session,
    scope: TenantScope,
    *,
    customer_id: UUID,
    user_id: UUID,
    version: tuple[str, bytes],
    accepted_at: datetime,
) -> None:
    """Write down that a person accepted a version (kind, hash) of a kept text for a customer."""
    kind, content_hash = version
    session.add(
        Consent(
            reseller_id=scope.reseller_id,
            id=new_id(),
            customer_id=customer_id,
            user_id=user_id,
            kind=kind,
            content_hash=content_hash,
            accepted_at=accepted_at,
        )
    )
    session.flush()


def list_consents(
    session: Session, scope: TenantScope, *, customer_id: UUID
) -> Sequence[AcceptedText]:
    """Return what was accepted for a customer, newest first, with the texts as they were."""
    rows = session.execute(
        select(Consent, LegalText)
        .join(
            LegalText,
            (LegalText.reseller_id == Consent.reseller_id)
            & (LegalText.kind == Consent.kind)
            & (LegalText.content_hash == Consent.content_hash),
        )
        .where(Consent.reseller_id == scope.reseller_id, Consent.customer_id == customer_id)
        .order_by(Consent.id.desc())
    )
    return [
        AcceptedText(
            TextKind(text.kind), text.title, text.content, consent.user_id, consent.accepted_at
        )
        for consent, text in rows
    ]
