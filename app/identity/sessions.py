"""Sessions: opened, found, ended. A random token; the database keeps its SHA-256 (rule R12)."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from app.identity.browsers import name_browser, note_browser
from app.identity.models import PlatformSession, PlatformUser, Realm, UserSession
from app.identity.people import AnyUser, SignInScope, require_realm
from app.identity.rules import token_id
from app.identity.security_notes import SecurityFact, note, tell
from app.identity.visits import close_visits
from app.kernel import alone, cursor
from app.tenancy import PlatformScope

TOKEN_BYTES = 32
SESSION_LIFETIME = timedelta(hours=12)

# Asked for on every request of a person, so it goes to the driver as it is (decision 0005).
_HOLDER = (
    b"SELECT user_id, name, email, customer_id, role, last_seen_at, acting_staff_id, visit_id,"
    b" language"
    b" FROM session_holder(%s, %s, %s, %s, %s)"
)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who is signed in; `customer_id` is set for a customer's user, `role` for her and staff.

    `acting_staff_id` and `visit_id` are set where a colleague of the reseller's acts for her.
    `language` is what she chose for herself, None for what the site speaks.
    """

    realm: Realm
    user_id: UUID
    name: str
    email: str
    customer_id: UUID | None
    role: str | None
    last_seen_at: datetime | None = field(default=None, compare=False)
    acting_staff_id: UUID | None = None
    visit_id: UUID | None = None
    language: str | None = None


def open_session(
    session: Session,
    scope: SignInScope,
    *,
    realm: Realm,
    user: AnyUser,
    host: str,
    now: datetime,
    agent: str = "",
    browser: str = "",
    lifetime: timedelta = SESSION_LIFETIME,
) -> str:
    """Open a session bound to realm, tenant and host; return its token, which is kept nowhere.

    `agent` is what the browser calls itself, `browser` the random text that its long-lived cookie
    holds. A person is told where she has not used that browser before.
    """
    token = secrets.token_urlsafe(TOKEN_BYTES)
    opened = {
        "id": token_id(token),
        "user_id": user.id,
        "host": host,
        "created_at": now,
        "last_seen_at": now,
        "expires_at": now + lifetime,
        "browser": name_browser(agent),
    }
    if isinstance(scope, PlatformScope):
        session.execute(insert(PlatformSession).values(opened))
    else:
        whose = {"reseller_id": scope.reseller_id, "realm": realm.value}
        session.execute(insert(UserSession).values(whose | opened))
    note(session, scope, "signed_in", realm=realm, user_id=user.id)
    if browser and note_browser(session, scope, realm=realm, user=user, browser=browser, now=now):
        tell(session, scope, realm=realm, user_id=user.id, what=SecurityFact.NEW_DEVICE)
    return token


def find_signed_in(
    session: Session, scope: SignInScope, *, realm: Realm, token: str, host: str, now: datetime
) -> SignedIn | None:
    """Return who holds the token of a living session of exactly this realm, tenant and host."""
    if isinstance(scope, PlatformScope):
        require_realm(realm, {Realm.PLATFORM})
        return _find_admin(session, token, host, now)
    require_realm(realm, {Realm.CUSTOMER, Realm.STAFF})
    asked = [scope.reseller_id, token_id(token), realm.value, host, now]
    row = alone(session, _HOLDER, asked)
    return None if row is None else SignedIn(realm, *row)


def sign_out(
    session: Session, scope: SignInScope, *, realm: Realm, token: str, now: datetime
) -> None:
    """End the session of the token, and what its holder does for customers; safe to repeat."""
    if isinstance(scope, PlatformScope):
        ended = session.scalar(
            delete(PlatformSession)
            .where(PlatformSession.id == token_id(token))
            .returning(PlatformSession.user_id)
        )
        if ended is not None:
            note(session, scope, "signed_out", realm=realm, user_id=ended)
        return
    row = session.execute(
        delete(UserSession)
        .where(
            UserSession.reseller_id == scope.reseller_id,
            UserSession.id == token_id(token),
            UserSession.realm == realm.value,
        )
        .returning(UserSession.user_id, UserSession.visit_id)
    ).one_or_none()
    if row is None:
        return
    if row.visit_id is not None:
        close_visits(session, scope, now=now, visit_id=row.visit_id)
        return
    if realm is Realm.STAFF:
        close_visits(session, scope, now=now, staff_id=row.user_id)
    note(session, scope, "signed_out", realm=realm, user_id=row.user_id)


def delete_expired_sessions(session: Session, scope: PlatformScope, *, now: datetime) -> int:
    """Delete the sessions of every realm and tenant whose time is over; return how many.

    Sign-ins that wait too long for their second step go with them, uncounted.
    """
    cursor(session).execute(b"DELETE FROM sign_in_challenges WHERE expires_at < %s", [now])
    return sum(
        cursor(session).execute(statement, [now]).rowcount
        for statement in (
            b"DELETE FROM user_sessions WHERE expires_at < %s",
            b"DELETE FROM platform_sessions WHERE expires_at < %s",
        )
    )


def _find_admin(session: Session, token: str, host: str, now: datetime) -> SignedIn | None:
    row = session.execute(
        select(PlatformUser, PlatformSession.last_seen_at)
        .join(PlatformSession, PlatformSession.user_id == PlatformUser.id)
        .where(
            PlatformSession.id == token_id(token),
            PlatformSession.host == host,
            PlatformSession.expires_at > now,
        )
    ).one_or_none()
    if row is None:
        return None
    admin, last_seen_at = row
    return SignedIn(
        Realm.PLATFORM, admin.id, admin.name, admin.email, None, None, last_seen_at,
        language=admin.language,
    )  # fmt: skip
