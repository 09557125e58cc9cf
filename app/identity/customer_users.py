"""The people of a customer: several in one company, each an owner or a member (A1)."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, true
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app import audit
from app.identity.accounts import added_user, lock_customer, person_values
from app.identity.errors import CustomerUserNotFoundError, LastOwnerError, OwnerNeededError
from app.identity.models import CustomerRole, CustomerUser, Realm
from app.identity.own_accounts import forget_sign_ins
from app.tenancy import TenantScope


def add_customer_user(
    session: Session,
    scope: TenantScope,
    *,
    customer_id: UUID,
    email: str,
    name: str,
    password: str,
    role: CustomerRole = CustomerRole.MEMBER,
    actor: audit.Actor = audit.SYSTEM,
) -> CustomerUser:
    """Let a person sign in for a customer; the first one is an owner, whatever `role` says.

    Refuses another reseller's customer, a user who is no owner of it, a bad or taken address and a
    weak password.
    """
    lock_customer(session, scope, customer_id=customer_id)
    require_customer_owner(session, scope, customer_id=customer_id, actor=actor)
    given = first_role(session, scope, customer_id=customer_id, otherwise=role)
    values = {
        "reseller_id": scope.reseller_id,
        "customer_id": customer_id,
        "role": given.value,
        **person_values(email, name, password),
    }
    user: CustomerUser | None = session.scalar(
        insert(CustomerUser)
        .values(values)
        .on_conflict_do_nothing(index_elements=["reseller_id", "email"])
        .returning(CustomerUser)
    )
    return added_user(session, scope.reseller_id, user, realm=Realm.CUSTOMER, actor=actor)


def first_role(
    session: Session, scope: TenantScope, *, customer_id: UUID, otherwise: CustomerRole
) -> CustomerRole:
    """Return the role of a customer's next user: without an owner she is one."""
    has_owner = _owners(session, scope, customer_id, true())
    return otherwise if has_owner else CustomerRole.OWNER


def list_customer_users(
    session: Session, scope: TenantScope, *, customer_id: UUID
) -> Sequence[CustomerUser]:
    """Return who may sign in for a customer, in order of age."""
    return session.scalars(
        select(CustomerUser)
        .where(
            CustomerUser.reseller_id == scope.reseller_id, CustomerUser.customer_id == customer_id
        )
        .order_by(CustomerUser.id)
    ).all()


def remove_customer_user(
    session: Session,
    scope: TenantScope,
    *,
    customer_id: UUID,
    user_id: UUID,
    actor: audit.Actor = audit.SYSTEM,
) -> None:
    """Take a person's sign-in away and end her sessions; her address is free again.

    Refuses a user who is no owner, another customer's user, and the last owner: also the last user,
    for there is always an owner.
    """
    user = _locked_user(session, scope, customer_id, user_id, actor)
    _require_another_owner(session, scope, user)
    forget_sign_ins(session, scope, realm=Realm.CUSTOMER, user_id=user_id)
    session.delete(user)
    session.flush()
    _record(session, scope, "identity.user_removed", user_id, actor)


def change_customer_role(
    session: Session,
    scope: TenantScope,
    *,
    customer_id: UUID,
    user_id: UUID,
    role: CustomerRole,
    actor: audit.Actor = audit.SYSTEM,
) -> CustomerUser:
    """Make a user owner or member; safe to repeat.

    Refuses a user who is no owner, another customer's user, and to take the last owner's role.
    """
    user = _locked_user(session, scope, customer_id, user_id, actor)
    if user.role == role.value:
        return user
    _require_another_owner(session, scope, user)
    user.role = role.value
    session.flush()
    _record(session, scope, "identity.user_role_changed", user_id, actor, role=role.value)
    return user


def require_customer_owner(
    session: Session, scope: TenantScope, *, customer_id: UUID, actor: audit.Actor
) -> None:
    """Refuse a customer's user who is no owner of this very customer.

    Others pass: the reseller's staff and keys and the platform were let in by their own doors.
    """
    if actor.realm != Realm.CUSTOMER.value:
        return
    owner = session.scalar(
        select(CustomerUser.id).where(
            CustomerUser.reseller_id == scope.reseller_id,
            CustomerUser.id == actor.id,
            CustomerUser.customer_id == customer_id,
            CustomerUser.role == CustomerRole.OWNER.value,
        )
    )
    if owner is None:
        raise OwnerNeededError


def _locked_user(
    session: Session, scope: TenantScope, customer_id: UUID, user_id: UUID, actor: audit.Actor
) -> CustomerUser:
    """Return the user while nobody else changes the customer's users: owners are counted next."""
    lock_customer(session, scope, customer_id=customer_id)
    require_customer_owner(session, scope, customer_id=customer_id, actor=actor)
    return _get_user(session, scope, customer_id, user_id)


def _get_user(
    session: Session, scope: TenantScope, customer_id: UUID, user_id: UUID
) -> CustomerUser:
    user = session.scalar(
        select(CustomerUser)
        .where(
            CustomerUser.reseller_id == scope.reseller_id,
            CustomerUser.customer_id == customer_id,
            CustomerUser.id == user_id,
        )
        .execution_options(populate_existing=True)
    )
    if user is None:
        raise CustomerUserNotFoundError(user=str(user_id))
    return user


def _require_another_owner(session: Session, scope: TenantScope, user: CustomerUser) -> None:
    # An invitation may always be taken back: whoever never came was no owner.
    is_owner = user.role == CustomerRole.OWNER.value and user.has_joined
    joined = CustomerUser.password_hash.is_not(None)
    if is_owner and _owners(session, scope, user.customer_id, joined) == 1:
        raise LastOwnerError


def _owners(
    session: Session, scope: TenantScope, customer_id: UUID, among: ColumnElement[bool]
) -> int:
    counted = session.scalar(
        select(func.count())
        .select_from(CustomerUser)
        .where(
            CustomerUser.reseller_id == scope.reseller_id,
            CustomerUser.customer_id == customer_id,
            CustomerUser.role == CustomerRole.OWNER.value,
            among,
        )
    )
    return counted or 0


def _record(
    session: Session,
    scope: TenantScope,
    action: str,
    user_id: UUID,
    actor: audit.Actor,
    **facts: audit.Fact,
) -> None:
    audit.record(
        session,
        scope.reseller_id,
        actor=actor,
        action=action,
        subject_id=user_id,
        facts={"realm": Realm.CUSTOMER.value, **facts},
    )
