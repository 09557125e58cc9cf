"""Customers and the three kinds of people; each kind has its own table and never meets another."""

from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app import audit
from app.identity.errors import (
    CustomerNotFoundError,
    EmailTakenError,
    NumberTakenError,
    OwnerNeededError,
)
from app.identity.models import (
    Customer,
    CustomerState,
    CustomerUser,
    PlatformUser,
    Realm,
    StaffUser,
)
from app.identity.passwords import hash_password
from app.identity.rules import normalise_email, require_name
from app.kernel import new_id
from app.tenancy import (
    PLATFORM_ID,
    PlatformScope,
    TenantScope,
    TrialCustomersError,
    customer_limit,
)

# What a member of a reseller's staff may do; finer roles come with the team page.
OWNER_ROLE = "owner"

User = TypeVar("User", CustomerUser, StaffUser, PlatformUser)


def add_customer(
    session: Session,
    scope: TenantScope,
    *,
    number: str,
    name: str,
    actor: audit.Actor = audit.SYSTEM,
) -> Customer:
    """Add a customer; refuses a number that is taken and one more than a trial may have."""
    _require_room(session, scope)
    customer: Customer | None = session.scalar(
        insert(Customer)
        .values(reseller_id=scope.reseller_id, id=new_id(), number=number, name=name)
        .on_conflict_do_nothing(index_elements=["reseller_id", "number"])
        .returning(Customer)
    )
    if customer is None:
        raise NumberTakenError(number=number[:40])
    audit.record(
        session,
        scope.reseller_id,
        actor=actor,
        action="identity.customer_added",
        subject_id=customer.id,
    )
    return customer


def _require_room(session: Session, scope: TenantScope) -> None:
    limit = customer_limit(session, scope)
    if limit is None:
        return
    if count_customers(session, scope) >= limit:
        raise TrialCustomersError(limit=limit)


def count_customers(session: Session, scope: TenantScope) -> int:
    """Return how many customers the reseller has."""
    mine = Customer.reseller_id == scope.reseller_id
    return session.scalar(select(func.count()).select_from(Customer).where(mine)) or 0


def get_customer(session: Session, scope: TenantScope, *, customer_id: UUID) -> Customer:
    """Return a customer; absent and another reseller's look the same."""
    customer = session.scalar(
        select(Customer).where(
            Customer.reseller_id == scope.reseller_id, Customer.id == customer_id
        )
    )
    if customer is None:
        raise CustomerNotFoundError(customer=str(customer_id))
    return customer


def lock_customer(session: Session, scope: TenantScope, *, customer_id: UUID) -> Customer:
    """Return a customer as it is now; until the transaction ends, others who lock it wait.

    Whoever counts its users, or opens or blocks its wallets, locks it first. Absent and another
    reseller's look the same.
    """
    customer = session.scalar(
        select(Customer)
        .where(Customer.reseller_id == scope.reseller_id, Customer.id == customer_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if customer is None:
        raise CustomerNotFoundError(customer=str(customer_id))
    return customer


def set_customer_state(
    session: Session, scope: TenantScope, *, customer_id: UUID, state: CustomerState
) -> bool:
    """Lock a customer and set its state; return whether it changed.

    `app.billing` stops its wallets in the same transaction. Refuses another reseller's customer.
    """
    customer = lock_customer(session, scope, customer_id=customer_id)
    if customer.state == state.value:
        return False
    customer.state = state.value
    session.flush()
    return True


def add_staff_user(
    session: Session,
    scope: TenantScope,
    *,
    email: str,
    name: str,
    password: str,
    role: str = OWNER_ROLE,
    actor: audit.Actor = audit.SYSTEM,
) -> StaffUser:
    """Let a person sign in for the reseller; refuses a bad or taken address, a weak password."""
    values = {
        "reseller_id": scope.reseller_id,
        "role": role,
        **person_values(email, name, password),
    }
    user: StaffUser | None = session.scalar(
        insert(StaffUser)
        .values(values)
        .on_conflict_do_nothing(index_elements=["reseller_id", "email"])
        .returning(StaffUser)
    )
    return added_user(session, scope.reseller_id, user, realm=Realm.STAFF, actor=actor)


def require_staff_owner(session: Session, scope: TenantScope, *, actor: audit.Actor) -> None:
    """Refuse everybody but an owner among this reseller's staff, the platform and an operator."""
    if actor.realm in {Realm.PLATFORM.value, audit.SYSTEM.realm}:
        return
    owner = None
    if actor.realm == Realm.STAFF.value:
        owner = session.scalar(
            select(StaffUser.id).where(
                StaffUser.reseller_id == scope.reseller_id,
                StaffUser.id == actor.id,
                StaffUser.role == OWNER_ROLE,
            )
        )
    if owner is None:
        raise OwnerNeededError


def add_platform_user(
    session: Session,
    scope: PlatformScope,
    *,
    email: str,
    name: str,
    password: str,
    actor: audit.Actor = audit.SYSTEM,
) -> PlatformUser:
    """Let a person run the platform; refuses a bad or taken address and a weak password."""
    user: PlatformUser | None = session.scalar(
        insert(PlatformUser)
        .values(person_values(email, name, password))
        .on_conflict_do_nothing(index_elements=["email"])
        .returning(PlatformUser)
    )
    return added_user(session, PLATFORM_ID, user, realm=Realm.PLATFORM, actor=actor)


def person_values(email: str, name: str, password: str) -> dict[str, Any]:
    """Return what every kind of user has; refuses a bad address or name, a weak password."""
    return {
        "id": new_id(),
        "email": normalise_email(email),
        "name": require_name(name),
        "password_hash": hash_password(password),
    }


def added_user(
    session: Session, book: UUID, user: User | None, *, realm: Realm, actor: audit.Actor
) -> User:
    """Return the new account, written down in the audit trail; refuse one that was not made."""
    if user is None:
        raise EmailTakenError
    audit.record(
        session,
        book,
        actor=actor,
        action="identity.user_added",
        subject_id=user.id,
        facts={"realm": realm.value},
    )
    return user
