"""A person's sessions as she sees them, and the end of those she does not want."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session

from app.identity.challenges import end_challenges
from app.identity.models import PlatformSession, Realm, UserSession
from app.identity.people import SignInScope
from app.identity.rules import token_id
from app.identity.second_step_errors import SessionNotFoundError
from app.identity.security_notes import SecurityFact, note, tell
from app.identity.sessions import SignedIn
from app.identity.visits import close_visits
from app.tenancy import PlatformScope, TenantScope

# How exactly it is known when a session was last seen.
SEEN_EVERY = timedelta(minutes=1)

AnySession = type[UserSession | PlatformSession]


@dataclass(frozen=True, slots=True)
class OwnSession:
    """One place a person is signed in at; `name` ends it, `browser` is such as Firefox/Windows."""

    name: str
    browser: str
    host: str
    since: datetime
    last_seen_at: datetime
    is_this: bool


def list_sessions(
    session: Session,
    scope: SignInScope,
    *,
    realm: Realm,
    user_id: UUID,
    token: str,
    now: datetime,
) -> Sequence[OwnSession]:
    """Return a person's living sessions, this one (of `token`) first, then the last seen."""
    table, whose = _sessions(scope, realm, user_id)
    this = token_id(token)
    rows = cast(
        "list[UserSession | PlatformSession]",
        session.scalars(select(table).where(*whose, table.expires_at > now)).all(),
    )
    found = [
        OwnSession(
            each.id.hex(), each.browser, each.host, each.created_at, each.last_seen_at,
            is_this=each.id == this,
        )
        for each in rows
    ]  # fmt: skip
    return sorted(found, key=lambda each: (each.is_this, each.last_seen_at), reverse=True)


def end_session(
    session: Session, scope: SignInScope, *, realm: Realm, user_id: UUID, name: str, now: datetime
) -> None:
    """End one of a person's own sessions by its name; refuses what is none of hers.

    What she does for customers ends with it, as it does when she signs out: it may be done there.
    """
    table, whose = _sessions(scope, realm, user_id)
    try:
        wanted = bytes.fromhex(name)
    except ValueError as nonsense:
        raise SessionNotFoundError from nonsense
    ended = session.scalar(delete(table).where(*whose, table.id == wanted).returning(table.user_id))
    if ended is None:
        raise SessionNotFoundError
    if isinstance(scope, TenantScope) and realm is Realm.STAFF:
        close_visits(session, scope, now=now, staff_id=user_id)
    note(session, scope, "session_ended", realm=realm, user_id=user_id)


def end_sessions(
    session: Session,
    scope: SignInScope,
    *,
    realm: Realm,
    user_id: UUID,
    now: datetime,
    keep: str = "",
) -> int:
    """End all of a person's sessions but that of the token `keep`; return how many.

    With them end her sign-ins that wait for a second step and every visit on her behalf, or by
    her on a customer's.
    """
    table, whose = _sessions(scope, realm, user_id)
    ended = session.scalars(
        delete(table).where(*whose, table.id != token_id(keep)).returning(table.user_id)
    ).all()
    end_challenges(session, scope, realm=realm, user_id=user_id)
    if not isinstance(scope, PlatformScope):
        if realm is Realm.STAFF:
            close_visits(session, scope, now=now, staff_id=user_id)
        else:
            close_visits(session, scope, now=now, user_id=user_id)
    return len(ended)


def end_other_sessions(
    session: Session,
    scope: SignInScope,
    *,
    realm: Realm,
    user_id: UUID,
    token: str,
    now: datetime,
) -> int:
    """End a person's sessions but the one she is in, because she wants it; return how many."""
    ended = end_sessions(session, scope, realm=realm, user_id=user_id, now=now, keep=token)
    if ended:
        note(session, scope, "sessions_ended", realm=realm, user_id=user_id, sessions=ended)
        tell(session, scope, realm=realm, user_id=user_id, what=SecurityFact.SESSIONS_ENDED)
    return ended


def is_seen_long_ago(holder: SignedIn, *, now: datetime) -> bool:
    """Return whether it is time to write down that a session is in use."""
    return holder.last_seen_at is not None and now - holder.last_seen_at >= SEEN_EVERY


def note_seen(session: Session, scope: SignInScope, *, token: str, now: datetime) -> None:
    """Write down that a session is in use."""
    if isinstance(scope, PlatformScope):
        session.execute(
            update(PlatformSession)
            .where(PlatformSession.id == token_id(token))
            .values(last_seen_at=now)
        )
        return
    session.execute(
        update(UserSession)
        .where(UserSession.reseller_id == scope.reseller_id, UserSession.id == token_id(token))
        .values(last_seen_at=now)
    )


def _sessions(
    scope: SignInScope, realm: Realm, user_id: UUID
) -> tuple[AnySession, list[ColumnElement[bool]]]:
    """Return the table of a person's sessions and which rows are hers, without visits."""
    if isinstance(scope, PlatformScope):
        return PlatformSession, [PlatformSession.user_id == user_id]
    return UserSession, [
        UserSession.reseller_id == scope.reseller_id,
        UserSession.realm == realm.value,
        UserSession.user_id == user_id,
        UserSession.visit_id.is_(None),
    ]
