"""Customers who come by themselves: they type, confirm their address, and are customers then."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app import audit
from app.identity.account_links import make_link, open_link
from app.identity.accounts import add_customer, added_user
from app.identity.errors import (
    LinkSupersededError,
    OtherRegistrationError,
    RegistrationClosedError,
)
from app.identity.legal_texts import ShownText, keep_text, record_consent
from app.identity.link_models import AccountLink, LinkPurpose, Registration, RegistrationPolicy
from app.identity.models import Customer, CustomerRole, CustomerUser, Realm
from app.identity.passwords import hash_password, is_password
from app.identity.rules import normalise_email, require_name
from app.kernel import new_id
from app.tenancy import TenantScope

_CONFIRMATION = frozenset({LinkPurpose.EMAIL_CONFIRMATION})


def is_registration_open(session: Session, scope: TenantScope) -> bool:
    """Return whether strangers may register; by invitation only until the reseller says so."""
    policy = session.get(RegistrationPolicy, scope.reseller_id)
    return policy is not None and policy.is_open


def set_registration(
    session: Session, scope: TenantScope, *, is_open: bool, actor: audit.Actor = audit.SYSTEM
) -> None:
    """Let strangers register at this reseller, or only whom it invites; safe to repeat."""
    session.execute(
        insert(RegistrationPolicy)
        .values(reseller_id=scope.reseller_id, is_open=is_open)
        .on_conflict_do_update(index_elements=["reseller_id"], set_={"is_open": is_open})
    )
    audit.record(
        session,
        scope.reseller_id,
        actor=actor,
        action="identity.registration_opened" if is_open else "identity.registration_closed",
        subject_id=scope.reseller_id,
    )


def register(
    session: Session,
    scope: TenantScope,
    *,
    company: str,
    name: str,
    email: str,
    password: str,
    terms: ShownText | None,
    now: datetime,
) -> None:
    """Keep what a stranger typed and have her address confirmed; nobody is a customer by it yet.

    Whether the address has an account is not looked up here, so answer, statements and time are
    the same; who has one is told by mail. Refuses while registration is closed, a bad name,
    company or address, and a weak password.
    """
    if not is_registration_open(session, scope):
        raise RegistrationClosedError
    waiting = Registration(
        reseller_id=scope.reseller_id,
        name=require_name(name),
        company=require_name(company),
        password_hash=hash_password(password),
        terms_kind=terms.kind.value if terms else None,
        terms_hash=terms.content_hash if terms else None,
    )
    if terms is not None:
        keep_text(session, scope, shown=terms, now=now)
    link = make_link(
        session,
        scope,
        purpose=LinkPurpose.EMAIL_CONFIRMATION,
        realm=Realm.CUSTOMER,
        address=normalise_email(email),
        now=now,
    )
    waiting.id = link.id
    session.add(waiting)
    session.flush()


def read_registration(
    session: Session, scope: TenantScope, *, link_id: UUID, now: datetime
) -> Registration:
    """Return what a link confirms; refuses one that may not be used any more."""
    return _open(session, scope, link_id, now)[1]


def confirm_registration(
    session: Session,
    scope: TenantScope,
    *,
    link_id: UUID,
    password: str,
    number: str,
    now: datetime,
) -> Customer:
    """Make a customer, its first owner and her consent out of a confirmed registration.

    The caller opens its wallet in the same transaction. Refuses another password than the one that
    was registered with, a link that may not be used any more, also where the address got an
    account or registration was closed meanwhile, and a number that is taken.
    """
    link, registration = _open(session, scope, link_id, now)
    if not is_registration_open(session, scope):
        raise RegistrationClosedError
    if _is_taken(session, scope, link.address):
        raise LinkSupersededError
    # Whoever reads the mail need not be who registered: a stranger who registers with another's
    # address, perhaps a moment after her, would know the password of the account she opens.
    if not is_password(registration.password_hash, password):
        raise OtherRegistrationError(field="password")
    customer = add_customer(session, scope, number=number, name=registration.company)
    made = _add_owner(session, customer, registration, address=link.address)
    if registration.terms_kind is not None and registration.terms_hash is not None:
        record_consent(
            session,
            scope,
            customer_id=customer.id,
            user_id=made.id,
            version=(registration.terms_kind, registration.terms_hash),
            # When she sent the form: the link was made then.
            accepted_at=link.created_at,
        )
    link.used_at, link.user_id = now, made.id
    session.delete(registration)
    session.flush()
    return customer


def _add_owner(
    session: Session, customer: Customer, registration: Registration, *, address: str
) -> CustomerUser:
    user: CustomerUser | None = session.scalar(
        insert(CustomerUser)
        .values(
            reseller_id=customer.reseller_id,
            id=new_id(),
            customer_id=customer.id,
            email=address,
            name=registration.name,
            password_hash=registration.password_hash,
            role=CustomerRole.OWNER.value,
        )
        .on_conflict_do_nothing(index_elements=["reseller_id", "email"])
        .returning(CustomerUser)
    )
    return added_user(session, customer.reseller_id, user, realm=Realm.CUSTOMER, actor=audit.SYSTEM)


def _open(
    session: Session, scope: TenantScope, link_id: UUID, now: datetime
) -> tuple[AccountLink, Registration]:
    link = open_link(
        session, scope, link_id=link_id, realm=Realm.CUSTOMER, purposes=_CONFIRMATION, now=now
    )
    registration = session.get(Registration, (scope.reseller_id, link_id))
    if registration is None:
        raise LinkSupersededError
    return link, registration


def _is_taken(session: Session, scope: TenantScope, address: str) -> bool:
    taken = session.scalar(
        select(CustomerUser.id).where(
            CustomerUser.reseller_id == scope.reseller_id, CustomerUser.email == address
        )
    )
    return taken is not None
