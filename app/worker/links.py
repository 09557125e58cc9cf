"""What follows from a new link and from a changed way in: a message to whom it is about."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from app import identity
from app.identity import LinkPurpose, Realm
from app.kernel import now
from app.notifications import MessageKind, Recipient, queue_message
from app.tenancy import PlatformScope, TenantScope
from app.worker.messages import Envelope

_PLATFORM = PlatformScope()
_KINDS = {
    LinkPurpose.INVITATION: MessageKind.INVITATION,
    LinkPurpose.PASSWORD_RESET: MessageKind.PASSWORD_RESET,
    LinkPurpose.ACCOUNT_EXISTS: MessageKind.PASSWORD_RESET,
    LinkPurpose.EMAIL_CONFIRMATION: MessageKind.EMAIL_CONFIRMATION,
}


def send_link(session: Session, event: Envelope) -> None:
    """Have a new link sent to whom it is for; one that is for nobody is forgotten."""
    link_id = UUID(event.body["link_id"])
    letter = identity.address_link(
        session, _PLATFORM, reseller_id=event.reseller_id, link_id=link_id
    )
    if letter is None:
        return
    facts = {"link_id": str(link_id), "expires_at": letter.expires_at.isoformat()}
    if letter.purpose is LinkPurpose.ACCOUNT_EXISTS:
        facts["reason"] = letter.purpose.value
    queue_message(
        session,
        TenantScope(event.reseller_id),
        kind=_KINDS[letter.purpose],
        to=Recipient(letter.realm, letter.user_id, letter.address, letter.name, letter.language),
        facts=facts,
        key=f"link:{link_id}",
        now=now(),
    )


def tell_of_security(session: Session, event: Envelope) -> None:
    """Tell a person that something about her way in changed, unless she is gone."""
    realm = Realm(event.body["realm"])
    user = identity.find_person(
        session,
        _PLATFORM,
        reseller_id=event.reseller_id,
        realm=realm,
        user_id=UUID(event.body["user_id"]),
    )
    if user is None:
        return
    queue_message(
        session,
        TenantScope(event.reseller_id),
        kind=MessageKind.SECURITY_NOTICE,
        to=Recipient(realm, user.id, user.email, user.name, user.language),
        facts={"what": str(event.body["what"]), "happened_at": now().isoformat()},
        key=f"security:{event.id}",
        now=now(),
    )
