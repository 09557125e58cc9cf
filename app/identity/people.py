"""The users of three realms, looked at alike: by id, by address, by their sessions."""

from collections.abc import Collection
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Select, delete, select
from sqlalchemy.orm import Session

from app.identity.models import (
    CustomerUser,
    PlatformSession,
    PlatformUser,
    Realm,
    StaffUser,
    UserSession,
)
from app.tenancy import PLATFORM_ID, PlatformScope, TenantScope

SignInScope = TenantScope | PlatformScope
AnyUser = CustomerUser | StaffUser | PlatformUser
Query = TypeVar("Query", bound=Select[Any])


class RealmScopeError(TypeError):
    """A bug: customers and staff sign in inside a reseller, admins inside the platform."""


def book_of(scope: SignInScope) -> UUID:
    """Return under which tenant's id the rows of a scope stand."""
    return scope.reseller_id or PLATFORM_ID


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


def end_sessions_of(session: Session, scope: SignInScope, *, realm: Realm, user_id: UUID) -> None:
    """Sign a user out everywhere."""
    if isinstance(scope, PlatformScope):
        session.execute(delete(PlatformSession).where(PlatformSession.user_id == user_id))
    else:
        session.execute(
            delete(UserSession).where(
                UserSession.reseller_id == scope.reseller_id,
                UserSession.realm == realm.value,
                UserSession.user_id == user_id,
            )
        )


def require_realm(realm: Realm, allowed: Collection[Realm]) -> None:
    """Raise RealmScopeError where a realm has nothing to do with a scope."""
    if realm not in allowed:
        raise RealmScopeError(realm)


def _locked(query: Query) -> Query:
    return query.with_for_update().execution_options(populate_existing=True)
