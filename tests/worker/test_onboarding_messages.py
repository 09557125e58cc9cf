"""What a new reseller is written, and that each of it is written once."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text

from app import onboarding
from app.kernel import OutboxEvent, now, transaction
from app.notifications.models import Message
from app.tenancy import PLATFORM_ID, PlatformScope, TenantScope
from app.worker.handlers import HANDLERS
from app.worker.onboarding_tasks import tell_applicant
from tests.factories.sign_ups import a_trial, a_wish, sent, some_terms
from tests.worker.test_jobs import PORTS

pytestmark = pytest.mark.usefixtures("connected")

_PLATFORM = PlatformScope()


def told(application_id: UUID | None, *, times: int = 2) -> None:
    """Do what the relay and the worker do about every event of a sign-up, as often as they may."""
    with transaction(_PLATFORM) as session:
        events = session.scalars(
            select(OutboxEvent)
            .where(OutboxEvent.body["application_id"].astext == str(application_id))
            .order_by(OutboxEvent.id)
        ).all()
    for event in events:
        for _ in range(times):
            tell_applicant(
                PORTS,
                occasion=event.body.get("cause") or event.kind,
                application_id=event.body["application_id"],
                about_id=event.body.get("question_id") or str(event.id),
            )


def letters(email: str) -> list[tuple[str, dict[str, Any]]]:
    scope = TenantScope(PLATFORM_ID)
    with transaction(scope) as session:
        rows = session.scalars(
            select(Message).where(Message.address == email).order_by(Message.id)
        ).all()
        return [(row.kind, row.facts) for row in rows]


def test_a_sign_up_is_sent_its_link_once_and_no_secret_is_kept() -> None:
    at, wish = now(), a_wish()
    application_id = sent(wish, at=at)

    told(application_id)

    ((kind, facts),) = letters(wish.email)
    assert kind == "email_confirmation"
    assert facts == {
        "link_id": str(application_id),
        "expires_at": (at + timedelta(days=2)).isoformat(),
    }


def test_each_step_on_the_way_is_told_once() -> None:
    at = now()
    tenant, application = a_trial(some_terms(trial_days=5), at=at)
    with transaction(_PLATFORM) as session:
        onboarding.ask_back(
            session, _PLATFORM, reseller_id=tenant.id, question="Wer sind Sie?", now=at
        )
        onboarding.remind_of_trials(session, _PLATFORM, now=at)
    told(application.id)
    with transaction(_PLATFORM) as session:
        onboarding.refuse(session, _PLATFORM, reseller_id=tenant.id, reason="Kein Handel.", now=at)
    told(application.id)
    with transaction(_PLATFORM) as session:
        onboarding.approve(session, _PLATFORM, reseller_id=tenant.id, now=at)
    told(application.id)

    tenant_fact = {"tenant_id": str(tenant.id)}
    assert dict(letters(application.email)) == {
        "email_confirmation": letters(application.email)[0][1],
        "reseller_welcome": tenant_fact,
        "reseller_asked": {**tenant_fact, "question": "Wer sind Sie?"},
        "trial_ending": {**tenant_fact, "ends_at": (at + timedelta(days=5)).isoformat()},
        "reseller_refused": {"company": "Sonnenfunk GmbH", "reason": "Kein Handel."},
        "reseller_approved": tenant_fact,
    }
    assert len(letters(application.email)) == 6


def test_nobody_is_told_of_an_end_that_an_approval_has_overtaken() -> None:
    at = now()
    tenant, application = a_trial(some_terms(trial_days=5), at=at)
    with transaction(_PLATFORM) as session:
        onboarding.remind_of_trials(session, _PLATFORM, now=at)
        onboarding.approve(session, _PLATFORM, reseller_id=tenant.id, now=at)

    told(application.id)

    assert "trial_ending" not in dict(letters(application.email))


def test_a_sign_up_that_is_gone_is_told_nothing() -> None:
    with transaction(_PLATFORM) as session:
        before = session.scalar(text("SELECT count(*) FROM messages"))

    tell_applicant(PORTS, occasion="sign_up_made", application_id=str(uuid4()), about_id="1")

    with transaction(_PLATFORM) as session:
        assert session.scalar(text("SELECT count(*) FROM messages")) == before


def test_every_event_on_the_way_has_its_handler() -> None:
    kinds = {"sign_up_made", "trial_begun", "trial_ending", "reseller_asked", "reseller_decided"}

    assert all(HANDLERS[kind].records for kind in kinds)
