"""A forgotten password: a link to whoever reads the address's mail, and a new one by it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from app import audit
from app.identity.account_links import RESETS, end_links_of, make_link, open_link
from app.identity.errors import LinkSupersededError
from app.identity.events import SecurityChanged
from app.identity.link_models import LinkPurpose
from app.identity.models import Realm
from app.identity.own_sessions import end_sessions
from app.identity.passwords import hash_password
from app.identity.people import AnyUser, SignInScope, book_of, locked_user
from app.identity.rules import normalise_email
from app.kernel import emit


def request_password_reset(
    session: Session, scope: SignInScope, *, realm: Realm, email: str, now: datetime
) -> None:
    """Have a link sent that sets a new password, if the address has an account in the realm.

    Nobody looks it up here: answer, statements and time are the same for every address. Good for
    an hour, once; an earlier link ends. Refuses what is no address.
    """
    make_link(
        session,
        scope,
        purpose=LinkPurpose.PASSWORD_RESET,
        realm=realm,
        address=normalise_email(email),
        now=now,
    )


def read_password_reset(
    session: Session, scope: SignInScope, *, realm: Realm, link_id: UUID, now: datetime
) -> AnyUser:
    """Return whose password a link may change; refuses one that may not be used any more."""
    link = open_link(session, scope, link_id=link_id, realm=realm, purposes=RESETS, now=now)
    return _user(session, scope, realm, link.user_id)


def reset_password(
    session: Session,
    scope: SignInScope,
    *,
    realm: Realm,
    link_id: UUID,
    password: str,
    now: datetime,
) -> None:
    """Set a new password by a link, end it and every session of its user.

    API keys are the reseller's and stay. Refuses a weak password, which leaves the link as it is,
    and a link that may not be used any more.
    """
    link = open_link(session, scope, link_id=link_id, realm=realm, purposes=RESETS, now=now)
    user = _user(session, scope, realm, link.user_id)
    user.password_hash = hash_password(password)
    link.used_at = now
    session.flush()
    end_links_of(session, scope, realm=realm, user=user, now=now)
    end_sessions(session, scope, realm=realm, user_id=user.id, now=now)
    audit.record(
        session,
        book_of(scope),
        actor=audit.Actor(realm.value, user.id),
        action="identity.password_reset",
        subject_id=user.id,
    )
    emit(session, book_of(scope), SecurityChanged(realm.value, user.id, "password_changed"))


def _user(session: Session, scope: SignInScope, realm: Realm, user_id: UUID | None) -> AnyUser:
    user = locked_user(session, scope, realm=realm, user_id=user_id)
    if user is None or not user.has_joined:
        raise LinkSupersededError
    return user
