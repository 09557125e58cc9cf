"""A person of any realm, found the same way: by scope and realm, by address or id."""

from collections.abc import Collection
from typing import cast
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.identity.errors import CustomerUserNotFoundError, InvalidEmailError
from app.identity.models import CustomerUser, PlatformUser, Realm, StaffUser
from app.identity.rules import normalise_email
from app.tenancy import PLATFORM_ID, PlatformScope, TenantScope

SignInScope = TenantScope | PlatformScope
AnyUser = CustomerUser | StaffUser | PlatformUser


class RealmScopeError(TypeError):
    """A bug: customers and staff sign in inside a reseller, admins inside the platform."""


def book_of(scope: SignInScope) -> UUID:
    """Return under whose id the rows of a scope's people stand: a reseller's or the platform's."""
    return scope.reseller_id or PLATFORM_ID


def require_realm(realm: Realm, allowed: Collection[Realm]) -> None:
    """Raise where a realm does not exist in a scope."""
    if realm not in allowed:
        raise RealmScopeError(realm)


def find_user(session: Session, scope: SignInScope, *, realm: Realm, email: str) -> AnyUser | None:
    """Return who has an address in a realm, in any spelling; None for nobody and for nonsense."""
    try:
        address = normalise_email(email)
    except InvalidEmailError:
        return None
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


def lock_user(session: Session, scope: SignInScope, *, realm: Realm, user_id: UUID) -> AnyUser:
    """Return a person as she is now; until the transaction ends, others who lock her wait.

    Absent and another tenant's look the same.
    """
    found: AnyUser | None
    if isinstance(scope, PlatformScope):
        require_realm(realm, {Realm.PLATFORM})
        found = session.scalar(
            select(PlatformUser)
            .where(PlatformUser.id == user_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    else:
        require_realm(realm, {Realm.CUSTOMER, Realm.STAFF})
        table = CustomerUser if realm is Realm.CUSTOMER else StaffUser
        sought = (
            select(table)
            .where(table.reseller_id == scope.reseller_id, table.id == user_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        found = cast("CustomerUser | StaffUser | None", session.scalar(sought))
    if found is None:
        raise CustomerUserNotFoundError(user=str(user_id))
    return found
