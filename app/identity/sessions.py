"""Signing in and out. A session is a random token; the database keeps its SHA-256 (rule R12)."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from app import audit
from app.identity.errors import InvalidEmailError, SignInRefusedError
from app.identity.models import PlatformSession, PlatformUser, Realm, UserSession
from app.identity.passwords import hash_password, is_outdated, is_password
from app.identity.people import AnyUser, SignInScope, require_realm, user_at
from app.identity.rules import normalise_email, token_id
from app.kernel import alone, cursor
from app.tenancy import PLATFORM_ID, PlatformScope

TOKEN_BYTES = 32
SESSION_LIFETIME = timedelta(hours=12)

# Asked for on every request of a person, so it goes to the driver as it is (decision 0005).
_HOLDER = (
    b"SELECT user_id, name, email, customer_id, role, language"
    b" FROM session_holder(%s, %s, %s, %s, %s)"
)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who is signed in; `customer_id` is set for a customer's user, `role` for her and staff.

    `language` is what she chose for herself, None for what the site speaks.
    """

    realm: Realm
    user_id: UUID
    name: str
    email: str
    customer_id: UUID | None
    role: str | None
    language: str | None = None


def sign_in(
    session: Session,
    scope: SignInScope,
    *,
    realm: Realm,
    email: str,
    password: str,
    host: str,
    now: datetime,
    lifetime: timedelta = SESSION_LIFETIME,
) -> str:
    """Open a session bound to realm, tenant and host; return its token, which is kept nowhere.

    Refuses an unknown address and a wrong password with the same answer in the same time.
    """
    user = _find_user(session, scope, realm, email)
    stored = user.password_hash if user else None
    if not is_password(stored, password) or user is None or stored is None:
        raise SignInRefusedError
    if is_outdated(stored):
        user.password_hash = hash_password(password)
    token = secrets.token_urlsafe(TOKEN_BYTES)
    opened = {"id": token_id(token), "user_id": user.id, "host": host, "expires_at": now + lifetime}
    if isinstance(scope, PlatformScope):
        session.execute(insert(PlatformSession).values(opened))
    else:
        whose = {"reseller_id": scope.reseller_id, "realm": realm.value}
        session.execute(insert(UserSession).values(whose | opened))
    audit.record(
        session,
        scope.reseller_id or PLATFORM_ID,
        actor=audit.Actor(realm.value, user.id),
        action="identity.signed_in",
        subject_id=user.id,
    )
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


def sign_out(session: Session, scope: SignInScope, *, realm: Realm, token: str) -> None:
    """End the session of the token; one that has ended already stays ended."""
    if isinstance(scope, PlatformScope):
        ended = session.scalar(
            delete(PlatformSession)
            .where(PlatformSession.id == token_id(token))
            .returning(PlatformSession.user_id)
        )
    else:
        ended = session.scalar(
            delete(UserSession)
            .where(
                UserSession.reseller_id == scope.reseller_id,
                UserSession.id == token_id(token),
                UserSession.realm == realm.value,
            )
            .returning(UserSession.user_id)
        )
    if ended is not None:
        audit.record(
            session,
            scope.reseller_id or PLATFORM_ID,
            actor=audit.Actor(realm.value, ended),
            action="identity.signed_out",
            subject_id=ended,
        )


def delete_expired_sessions(session: Session, scope: PlatformScope, *, now: datetime) -> int:
    """Delete the sessions of every realm and tenant whose time is over; return how many."""
    return sum(
        cursor(session).execute(statement, [now]).rowcount
        for statement in (
            b"DELETE FROM user_sessions WHERE expires_at < %s",
            b"DELETE FROM platform_sessions WHERE expires_at < %s",
        )
    )


def _find_admin(session: Session, token: str, host: str, now: datetime) -> SignedIn | None:
    admin = session.scalar(
        select(PlatformUser)
        .join(PlatformSession, PlatformSession.user_id == PlatformUser.id)
        .where(
            PlatformSession.id == token_id(token),
            PlatformSession.host == host,
            PlatformSession.expires_at > now,
        )
    )
    if admin is None:
        return None
    return SignedIn(Realm.PLATFORM, admin.id, admin.name, admin.email, None, None, admin.language)


def _find_user(session: Session, scope: SignInScope, realm: Realm, email: str) -> AnyUser | None:
    try:
        address = normalise_email(email)
    except InvalidEmailError:
        return None
    return user_at(session, scope, realm=realm, address=address)
