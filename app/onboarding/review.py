"""What the platform decides about a reseller on trial, and what it asks before."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import audit, identity, tenancy
from app.kernel import emit, new_id
from app.onboarding.errors import SignUpNotFoundError
from app.onboarding.events import QuestionAsked, ResellerDecided
from app.onboarding.models import ApplicationState, ResellerQuestion
from app.onboarding.queue import application_of
from app.onboarding.rules import require_note
from app.tenancy import PlatformScope, StateCause, StateMoveRefusedError, TenantScope, TenantState


def approve(
    session: Session,
    scope: PlatformScope,
    *,
    reseller_id: UUID,
    now: datetime,
    actor: audit.Actor = audit.SYSTEM,
) -> bool:
    """Let a reseller do business: every limit of its trial is gone. Return whether it is news.

    Its hosts are to be forgotten by all processes after the commit. Refuses an unknown reseller
    and one that waits for no decision.
    """
    return _decide(
        session, scope, reseller_id, cause=StateCause.APPROVED, now=now, note="", actor=actor
    )


def refuse(
    session: Session,
    scope: PlatformScope,
    *,
    reseller_id: UUID,
    reason: str,
    now: datetime,
    actor: audit.Actor = audit.SYSTEM,
) -> bool:
    """Close the site of a reseller on trial for good; its staff reads the reason.

    Return whether it is news. Its hosts are to be forgotten by all processes after the commit.
    Refuses an empty or endless reason, an unknown reseller and one that waits for no decision.
    """
    note = require_note(reason)
    return _decide(
        session, scope, reseller_id, cause=StateCause.REFUSED, now=now, note=note, actor=actor
    )


def ask_back(
    session: Session,
    scope: PlatformScope,
    *,
    reseller_id: UUID,
    question: str,
    now: datetime,
    actor: audit.Actor = audit.SYSTEM,
) -> ResellerQuestion:
    """Ask a reseller something before it is decided; its owners answer in their portal.

    The same question sent twice is one as long as it waits for its answer. Refuses an empty or
    endless question, an unknown reseller and one that waits for no decision.
    """
    text = require_note(question)
    tenant = tenancy.lock_reseller(session, scope, reseller_id=reseller_id)
    application = application_of(session, scope, reseller_id=reseller_id)
    if application is None or application.state != ApplicationState.CONFIRMED.value:
        raise StateMoveRefusedError(state=tenant.state)
    same = session.scalar(
        select(ResellerQuestion).where(
            ResellerQuestion.reseller_id == reseller_id,
            ResellerQuestion.question == text,
            ResellerQuestion.answered_at.is_(None),
        )
    )
    if same is not None:
        return same
    asked = ResellerQuestion(
        reseller_id=reseller_id, id=new_id(), question=text, asked_at=now, answer=""
    )
    session.add(asked)
    session.flush()
    _record(session, reseller_id, "onboarding.question_asked", asked.id, actor)
    emit(session, reseller_id, QuestionAsked(application.id, asked.id))
    return asked


def answer_question(
    session: Session,
    scope: TenantScope,
    *,
    question_id: UUID,
    answer: str,
    now: datetime,
    actor: audit.Actor,
) -> None:
    """Answer the platform's question, once; a second answer changes nothing.

    Refuses everybody but the reseller's owners, an empty or endless answer, an unknown question.
    """
    identity.require_staff_owner(session, scope, actor=actor)
    text = require_note(answer)
    question = session.scalar(
        select(ResellerQuestion)
        .where(
            ResellerQuestion.reseller_id == scope.reseller_id, ResellerQuestion.id == question_id
        )
        .with_for_update()
    )
    if question is None:
        raise SignUpNotFoundError
    if question.answered_at is None:
        question.answer, question.answered_at = text, now
        session.flush()
        _record(session, scope.reseller_id, "onboarding.question_answered", question_id, actor)


def list_questions(session: Session, scope: TenantScope) -> Sequence[ResellerQuestion]:
    """Return what the platform asked the scope's reseller, the latest first."""
    return session.scalars(
        select(ResellerQuestion)
        .where(ResellerQuestion.reseller_id == scope.reseller_id)
        .order_by(ResellerQuestion.id.desc())
    ).all()


def _decide(
    session: Session,
    scope: PlatformScope,
    reseller_id: UUID,
    *,
    cause: StateCause,
    now: datetime,
    note: str,
    actor: audit.Actor,
) -> bool:
    tenant = tenancy.lock_reseller(session, scope, reseller_id=reseller_id)
    application = application_of(session, scope, reseller_id=reseller_id)
    is_own = application is None and tenant.state != TenantState.TRIAL.value
    is_done = application is not None and application.state == ApplicationState.APPROVED.value
    if is_own or (is_done and tenant.state != TenantState.ACTIVE.value):
        # An operator's own reseller, or one that was approved, is suspended and resumed.
        raise StateMoveRefusedError(state=tenant.state)
    is_news = tenancy.change_state(
        session,
        scope,
        reseller_id=reseller_id,
        cause=cause,
        now=now,
        note=note,
        actor=actor,
    )
    if is_news and application is not None:
        is_approved = cause is StateCause.APPROVED
        decided = ApplicationState.APPROVED if is_approved else ApplicationState.REFUSED
        application.state, application.decided_at = decided.value, now
        session.flush()
        emit(session, reseller_id, ResellerDecided(application.id, cause.value))
    return is_news


def _record(
    session: Session, reseller_id: UUID, action: str, subject_id: UUID, actor: audit.Actor
) -> None:
    audit.record(session, reseller_id, actor=actor, action=action, subject_id=subject_id)
