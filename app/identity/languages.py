"""In which language a person reads: her own choice, before the brand's and the browser's (A7)."""

from uuid import UUID

from sqlalchemy import Update, update
from sqlalchemy.orm import Session

from app import audit
from app.identity.models import CustomerUser, PlatformUser, Realm, StaffUser
from app.identity.people import RealmScopeError, SignInScope
from app.kernel import Language
from app.tenancy import PLATFORM_ID, PlatformScope


def set_language(
    session: Session,
    scope: SignInScope,
    *,
    realm: Realm,
    user_id: UUID,
    language: Language | None,
) -> None:
    """Keep the language that a signed-in person chose for herself; None: what the site speaks.

    Safe to repeat; does nothing for a user that is gone or another tenant's.
    """
    chosen = None if language is None else language.value
    found = session.scalar(_whose(scope, realm, user_id).values(language=chosen))
    if found is None:
        return
    audit.record(
        session,
        scope.reseller_id or PLATFORM_ID,
        actor=audit.Actor(realm.value, user_id),
        action="identity.language_chosen",
        subject_id=user_id,
        facts={"language": chosen or ""},
    )


def _whose(scope: SignInScope, realm: Realm, user_id: UUID) -> Update:
    if isinstance(scope, PlatformScope) != (realm is Realm.PLATFORM):
        raise RealmScopeError(realm)
    if isinstance(scope, PlatformScope):
        return update(PlatformUser).where(PlatformUser.id == user_id).returning(PlatformUser.id)
    users = CustomerUser if realm is Realm.CUSTOMER else StaffUser
    return (
        update(users)
        .where(users.reseller_id == scope.reseller_id, users.id == user_id)
        .returning(users.id)
    )
