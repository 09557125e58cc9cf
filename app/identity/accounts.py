"""Customers and the three kinds of people; each kind has its own table and never meets another."""

from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app import audit
from app.identity.errors import CustomerNotFoundError, EmailTakenError, NumberTakenError
from app.identity.models import Customer, CustomerUser, PlatformUser, Realm, StaffUser
from app.identity.passwords import hash_password
from app.identity.rules import normalise_email
from app.kernel import new_id
from app.tenancy import PLATFORM_ID, PlatformScope, TenantScope

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
    """Add a customer of the reseller; refuses a number that is taken."""
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


def add_customer_user(
    session: Session,
    scope: TenantScope,
    *,
    customer_id: UUID,
    email: str,
    name: str,
    password: str,
    actor: audit.Actor = audit.SYSTEM,
) -> CustomerUser:
    """Let a person sign in for a customer.

    Refuses another reseller's customer, a bad or taken address and a weak password.
    """
    get_customer(session, scope, customer_id=customer_id)
    values = {
        "reseller_id": scope.reseller_id,
        "customer_id": customer_id,
        **_person(email, name, password),
    }
    user: CustomerUser | None = session.scalar(
        insert(CustomerUser)
        .values(values)
        .on_conflict_do_nothing(index_elements=["reseller_id", "email"])
        .returning(CustomerUser)
    )
    return _added(session, scope.reseller_id, user, realm=Realm.CUSTOMER, actor=actor)


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
    values = {"reseller_id": scope.reseller_id, "role": role, **_person(email, name, password)}
    user: StaffUser | None = session.scalar(
        insert(StaffUser)
        .values(values)
        .on_conflict_do_nothing(index_elements=["reseller_id", "email"])
        .returning(StaffUser)
    )
    return _added(session, scope.reseller_id, user, realm=Realm.STAFF, actor=actor)


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
        .values(_person(email, name, password))
        .on_conflict_do_nothing(index_elements=["email"])
        .returning(PlatformUser)
    )
    return _added(session, PLATFORM_ID, user, realm=Realm.PLATFORM, actor=actor)


def _person(email: str, name: str, password: str) -> dict[str, Any]:
    return {
        "id": new_id(),
        "email": normalise_email(email),
        "name": name,
        "password_hash": hash_password(password),
    }


def _added(
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
