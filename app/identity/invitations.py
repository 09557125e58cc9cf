"""Invitations: a person is named, gets a link, and chooses a password of her own."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app import audit
from app.identity.account_links import make_link, open_link
from app.identity.accounts import added_user, lock_customer, require_staff_owner
from app.identity.customer_users import first_role, require_customer_owner
from app.identity.errors import (
    AlreadyJoinedError,
    CustomerUserNotFoundError,
    LinkSupersededError,
    TooManyInvitationsError,
)
from app.identity.link_models import AccountLink, LinkPurpose
from app.identity.models import (
    CustomerRole,
    CustomerUser,
    PlatformUser,
    Realm,
    StaffRole,
    StaffUser,
)
from app.identity.passwords import hash_password
from app.identity.people import AnyUser, SignInScope, book_of, locked_user
from app.identity.rules import normalise_email, require_name
from app.kernel import new_id
from app.tenancy import PLATFORM_ID, PlatformScope, TenantScope

_INVITATION = frozenset({LinkPurpose.INVITATION})
# Where anybody may register, anybody is the owner of a customer: without a limit she could have
# the reseller write to any number of strangers, with words of her own for a name.
MOST_INVITATIONS_A_DAY = 20


def invite_customer_user(
    session: Session,
    scope: TenantScope,
    *,
    customer_id: UUID,
    email: str,
    name: str,
    now: datetime,
    role: CustomerRole = CustomerRole.MEMBER,
    actor: audit.Actor = audit.SYSTEM,
) -> AccountLink:
    """Invite a person of a customer by mail; the first one is an owner, whatever `role` says.

    Refuses another reseller's customer, a user who is no owner of it, a bad or taken address, and
    to a customer's own people more than twenty within a day.
    """
    lock_customer(session, scope, customer_id=customer_id)
    require_customer_owner(session, scope, customer_id=customer_id, actor=actor)
    _require_few(session, scope, customer_id=customer_id, actor=actor, now=now)
    given = first_role(session, scope, customer_id=customer_id, otherwise=role)
    values = {
        "reseller_id": scope.reseller_id,
        "customer_id": customer_id,
        "role": given.value,
        **_person(email, name),
    }
    user: CustomerUser | None = session.scalar(
        insert(CustomerUser)
        .values(values)
        .on_conflict_do_nothing(index_elements=["reseller_id", "email"])
        .returning(CustomerUser)
    )
    made = added_user(session, scope.reseller_id, user, realm=Realm.CUSTOMER, actor=actor)
    return _send(session, scope, Realm.CUSTOMER, made, now)


def invite_staff_user(
    session: Session,
    scope: TenantScope,
    *,
    email: str,
    name: str,
    role: StaffRole,
    now: datetime,
    actor: audit.Actor = audit.SYSTEM,
) -> AccountLink:
    """Invite a person to a reseller's staff; refuses everybody but owners, a bad or taken address.

    Whose address it is at another reseller is not asked (requirement A4).
    """
    require_staff_owner(session, scope, actor=actor)
    values = {"reseller_id": scope.reseller_id, "role": role.value, **_person(email, name)}
    user: StaffUser | None = session.scalar(
        insert(StaffUser)
        .values(values)
        .on_conflict_do_nothing(index_elements=["reseller_id", "email"])
        .returning(StaffUser)
    )
    made = added_user(session, scope.reseller_id, user, realm=Realm.STAFF, actor=actor)
    return _send(session, scope, Realm.STAFF, made, now)


def invite_platform_user(
    session: Session,
    scope: PlatformScope,
    *,
    email: str,
    name: str,
    now: datetime,
    actor: audit.Actor = audit.SYSTEM,
) -> AccountLink:
    """Invite a person to run the platform; refuses a bad or taken address."""
    user: PlatformUser | None = session.scalar(
        insert(PlatformUser)
        .values(_person(email, name))
        .on_conflict_do_nothing(index_elements=["email"])
        .returning(PlatformUser)
    )
    made = added_user(session, PLATFORM_ID, user, realm=Realm.PLATFORM, actor=actor)
    return _send(session, scope, Realm.PLATFORM, made, now)


def resend_invitation(
    session: Session,
    scope: SignInScope,
    *,
    realm: Realm,
    user_id: UUID,
    now: datetime,
    customer_id: UUID | None = None,
    actor: audit.Actor = audit.SYSTEM,
) -> AccountLink:
    """Send a new link to somebody who was invited and has not come; the earlier one ends.

    A customer's user needs `customer_id`. Refuses people who may not invite, a user of another
    customer or site, one who has come already, and what `invite_customer_user` would.
    """
    if isinstance(scope, TenantScope) and realm is Realm.STAFF:
        require_staff_owner(session, scope, actor=actor)
    if isinstance(scope, TenantScope) and customer_id is not None:
        lock_customer(session, scope, customer_id=customer_id)
        require_customer_owner(session, scope, customer_id=customer_id, actor=actor)
        _require_few(session, scope, customer_id=customer_id, actor=actor, now=now)
    user = locked_user(session, scope, realm=realm, user_id=user_id)
    if user is None or (isinstance(user, CustomerUser) and user.customer_id != customer_id):
        raise CustomerUserNotFoundError(user=str(user_id))
    if user.has_joined:
        raise AlreadyJoinedError
    audit.record(
        session,
        book_of(scope),
        actor=actor,
        action="identity.invitation_sent_again",
        subject_id=user.id,
        facts={"realm": realm.value},
    )
    return _send(session, scope, realm, user, now)


def read_invitation(
    session: Session, scope: SignInScope, *, realm: Realm, link_id: UUID, now: datetime
) -> AnyUser:
    """Return who a link invites; refuses one that may not be used any more."""
    link = open_link(session, scope, link_id=link_id, realm=realm, purposes=_INVITATION, now=now)
    return _invited(session, scope, realm, link.user_id)


def accept_invitation(
    session: Session,
    scope: SignInScope,
    *,
    realm: Realm,
    link_id: UUID,
    password: str,
    now: datetime,
) -> None:
    """Give the invited person the password she chose; the link is used up.

    Refuses a weak password, which leaves the link as it is, and a link that may not be used any
    more: also when the person was removed meanwhile.
    """
    link = open_link(session, scope, link_id=link_id, realm=realm, purposes=_INVITATION, now=now)
    user = _invited(session, scope, realm, link.user_id)
    user.password_hash = hash_password(password)
    link.used_at = now
    session.flush()
    audit.record(
        session,
        book_of(scope),
        actor=audit.Actor(realm.value, user.id),
        action="identity.invitation_accepted",
        subject_id=user.id,
    )


def _person(email: str, name: str) -> Mapping[str, Any]:
    return {
        "id": new_id(),
        "email": normalise_email(email),
        "name": require_name(name),
        "password_hash": None,
    }


def _send(
    session: Session, scope: SignInScope, realm: Realm, user: AnyUser, now: datetime
) -> AccountLink:
    return make_link(
        session,
        scope,
        purpose=LinkPurpose.INVITATION,
        realm=realm,
        address=user.email,
        user_id=user.id,
        customer_id=user.customer_id if isinstance(user, CustomerUser) else None,
        now=now,
    )


def _require_few(
    session: Session, scope: TenantScope, *, customer_id: UUID, actor: audit.Actor, now: datetime
) -> None:
    """Refuse a customer's user who had enough sent within a day; the customer is locked."""
    if actor.realm != Realm.CUSTOMER.value:
        return
    sent = session.scalar(
        select(func.count())
        .select_from(AccountLink)
        .where(
            AccountLink.reseller_id == scope.reseller_id,
            AccountLink.customer_id == customer_id,
            AccountLink.created_at > now - timedelta(days=1),
        )
    )
    if (sent or 0) >= MOST_INVITATIONS_A_DAY:
        raise TooManyInvitationsError(most=MOST_INVITATIONS_A_DAY)


def _invited(session: Session, scope: SignInScope, realm: Realm, user_id: UUID | None) -> AnyUser:
    user = locked_user(session, scope, realm=realm, user_id=user_id)
    if user is None or user.has_joined:
        raise LinkSupersededError
    return user
