"""What a new reseller is written on her way, always in the platform's name."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy.orm import Session

from app import onboarding, tenancy
from app.identity import Realm
from app.kernel import defer, transaction
from app.notifications import MessageKind, Recipient, queue_message
from app.onboarding import LINK_LIFETIME, ApplicationState, ResellerApplication
from app.ports import Ports
from app.tenancy import PLATFORM_ID, PlatformScope, TenantScope
from app.worker.messages import Envelope
from app.worker.registry import task

_PLATFORM = PlatformScope()
_KINDS: Mapping[str, MessageKind] = {
    "sign_up_made": MessageKind.EMAIL_CONFIRMATION,
    "trial_begun": MessageKind.RESELLER_WELCOME,
    "trial_ending": MessageKind.TRIAL_ENDING,
    "reseller_asked": MessageKind.RESELLER_ASKED,
    "approved": MessageKind.RESELLER_APPROVED,
    "refused": MessageKind.RESELLER_REFUSED,
}

Facts = dict[str, str | int]


def write_to_applicant(session: Session, event: Envelope) -> None:
    """Have somebody who signed up told what has become of it."""
    defer(
        session,
        "tell_applicant",
        occasion=event.body.get("cause") or event.kind,
        application_id=event.body["application_id"],
        about_id=event.body.get("question_id") or str(event.id),
    )


@task("tell_applicant")
def tell_applicant(ports: Ports, *, occasion: str, application_id: str, about_id: str) -> None:
    """Queue the message of an occasion, once; nobody is left to tell of a sign-up that is gone."""
    kind, scope = _KINDS[occasion], TenantScope(PLATFORM_ID)
    with transaction(_PLATFORM) as session:
        try:
            found = onboarding.find_application(
                session, _PLATFORM, application_id=UUID(application_id)
            )
        except onboarding.SignUpNotFoundError:
            return
        facts = _facts(session, kind, found, about_id)
    if facts is None:
        return
    to = Recipient(Realm.STAFF, None, found.email, found.name, found.language)
    with transaction(scope) as session:
        queue_message(
            session,
            scope,
            kind=kind,
            to=to,
            facts=facts,
            key=f"onboarding:{occasion}:{application_id}:{about_id}",
            now=ports.clock(),
        )


def _facts(
    session: Session, kind: MessageKind, found: ResellerApplication, about_id: str
) -> Facts | None:
    """Return what a message says; None where it has become untrue in the meantime."""
    if found.state == ApplicationState.REPLACED.value:
        return None
    if kind is MessageKind.EMAIL_CONFIRMATION:
        expires_at = found.created_at + LINK_LIFETIME
        return {"link_id": str(found.id), "expires_at": expires_at.isoformat()}
    if found.reseller_id is None:
        return None
    mine = TenantScope(found.reseller_id, _PLATFORM.sign_in)
    if kind is MessageKind.RESELLER_REFUSED:
        reason = tenancy.state_changes(session, mine, limit=1)[0].note
        return {"company": found.company, "reason": reason}
    facts: Facts = {"tenant_id": str(found.reseller_id)}
    if kind is MessageKind.RESELLER_ASKED:
        asked = {str(each.id): each for each in onboarding.list_questions(session, mine)}
        facts["question"] = asked[about_id].question
    if kind is MessageKind.TRIAL_ENDING:
        trial = tenancy.trial_of(session, mine)
        if trial is None:
            return None
        facts["ends_at"] = trial.ends_at.isoformat()
    return facts
