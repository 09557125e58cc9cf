"""The users of three realms, looked at alike: by id, by address, by their sessions."""

from collections.abc import Collection
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app.identity.errors import CustomerUserNotFoundError, InvalidEmailError
from app.identity.models import CustomerUser, PlatformUser, Realm, StaffUser
from app.identity.rules import normalise_email
from app.tenancy import PLATFORM_ID, PlatformScope, TenantScope

SignInScope = TenantScope | PlatformScope
AnyUser = CustomerUser | StaffUser | PlatformUser
Query = TypeVar("Query", bound=Select[Any])


class RealmScopeError(TypeError):
    """A bug: customers and staff sign in inside a reseller, admins inside the platform."""


def book_of(scope: SignInScope) -> UUID:
    """Return under which tenant's id the rows of a scope stand."""
    return scope.reseller_id or PLATFORM_ID


def inside_of(scope: PlatformScope, reseller_id: UUID) -> SignInScope:
    """Return the scope of one tenant's people for the platform, which sees everybody's."""
    return scope if reseller_id == PLATFORM_ID else TenantScope(reseller_id, scope.sign_in)


def find_person(
    session: Session, scope: PlatformScope, *, reseller_id: UUID, realm: Realm, user_id: UUID
) -> AnyUser | None:
    """Return a user of any tenant and realm; None for one who is gone."""
    if realm is Realm.PLATFORM:
        return session.get(PlatformUser, user_id)
    if realm is Realm.STAFF:
        return session.get(StaffUser, (reseller_id, user_id))
    return session.get(CustomerUser, (reseller_id, user_id))


def user_at(session: Session, scope: SignInScope, *, realm: Realm, address: str) -> AnyUser | None:
    """Return who has the normalised address in a realm; None for nobody."""
    if isinstance(scope, PlatformScope):
        require_realm(realm, {Realm.PLATFORM})
        return session.scalar(select(PlatformUser).where(PlatformUser.email == address))
    require_realm(realm, {Realm.CUSTOMER, Realm.STAFF})
    if realm is Realm.CUSTOMER:
        return session.scalar(
            select(CustomerUser).where(
                CustomerUser.reseller_id == scope.reseller_id, CustomerUser.email == address
            )
        )
    return session.scalar(
        select(StaffUser).where(
            StaffUser.reseller_id == scope.reseller_id, StaffUser.email == address
        )
    )


def locked_user(
    session: Session, scope: SignInScope, *, realm: Realm, user_id: UUID | None
) -> AnyUser | None:
    """Return a user of a realm, whom nobody else changes until the transaction ends."""
    if isinstance(scope, PlatformScope):
        require_realm(realm, {Realm.PLATFORM})
        admins = select(PlatformUser).where(PlatformUser.id == user_id)
        return session.scalar(_locked(admins))
    require_realm(realm, {Realm.CUSTOMER, Realm.STAFF})
    if realm is Realm.CUSTOMER:
        users = select(CustomerUser).where(
            CustomerUser.reseller_id == scope.reseller_id, CustomerUser.id == user_id
        )
        return session.scalar(_locked(users))
    staff = select(StaffUser).where(
        StaffUser.reseller_id == scope.reseller_id, StaffUser.id == user_id
    )
    return session.scalar(_locked(staff))


def find_user(session: Session, scope: SignInScope, *, realm: Realm, email: str) -> AnyUser | None:
    """Return who has an address in a realm, in any spelling; None for nobody and for nonsense."""
    try:
        address = normalise_email(email)
    except InvalidEmailError:
        return None
    return user_at(session, scope, realm=realm, address=address)


def lock_user(session: Session, scope: SignInScope, *, realm: Realm, user_id: UUID) -> AnyUser:
    """Return a user as `locked_user` does; absent and another tenant's look the same."""
    found = locked_user(session, scope, realm=realm, user_id=user_id)
    if found is None:
        raise CustomerUserNotFoundError(user=str(user_id))
    return found


def require_realm(realm: Realm, allowed: Collection[Realm]) -> None:
    """Raise RealmScopeError where a realm has nothing to do with a scope."""
    if realm not in allowed:
        raise RealmScopeError(realm)


def _locked(query: Query) -> Query:
    return query.with_for_update().execution_options(populate_existing=True)
