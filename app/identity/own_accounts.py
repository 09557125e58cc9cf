"""What a person changes about her own account: what she is called, her password."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.orm import Session

from app import kernel
from app.identity.account_links import end_links_of
from app.identity.models import Realm
from app.identity.own_sessions import end_sessions
from app.identity.passwords import hash_password
from app.identity.people import SignInScope, book_of, lock_user
from app.identity.rules import require_name
from app.identity.second_factors import forget_second_factor, require_own_password
from app.identity.security_notes import SecurityFact, note, tell
from app.identity.sign_in_models import KnownBrowser


def rename_self(
    session: Session, scope: SignInScope, *, realm: Realm, user_id: UUID, name: str
) -> None:
    """Change what a person is called; refuses a name that is empty, too long or unprintable."""
    called = require_name(name)
    lock_user(session, scope, realm=realm, user_id=user_id).name = called
    session.flush()
    note(session, scope, "user_renamed", realm=realm, user_id=user_id)


def change_password(
    session: Session,
    scope: SignInScope,
    *,
    realm: Realm,
    user_id: UUID,
    old: str,
    new: str,
    token: str,
    now: datetime,
) -> None:
    """Change a person's own password; end every other session of hers, and links that set one.

    `token` is that of the session she is in. Refuses a wrong old password and a weak new one.
    """
    require_own_password(session, scope, realm=realm, user_id=user_id, password=old)
    user = lock_user(session, scope, realm=realm, user_id=user_id)
    user.password_hash = hash_password(new)
    session.flush()
    end_links_of(session, scope, realm=realm, user=user, now=now)
    end_sessions(session, scope, realm=realm, user_id=user_id, now=now, keep=token)
    note(session, scope, "password_changed", realm=realm, user_id=user_id)
    tell(session, scope, realm=realm, user_id=user_id, what=SecurityFact.PASSWORD_CHANGED)


def forget_sign_ins(session: Session, scope: SignInScope, *, realm: Realm, user_id: UUID) -> None:
    """End and forget all of somebody's ways in, because her account ends."""
    lock_user(session, scope, realm=realm, user_id=user_id)
    end_sessions(session, scope, realm=realm, user_id=user_id, now=kernel.now())
    forget_second_factor(session, scope, realm=realm, user_id=user_id)
    session.execute(
        delete(KnownBrowser).where(
            KnownBrowser.reseller_id == book_of(scope),
            KnownBrowser.realm == realm.value,
            KnownBrowser.user_id == user_id,
        )
    )
