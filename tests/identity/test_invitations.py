"""Invitations of three realms: named by somebody, accepted by herself."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from app.audit import SYSTEM, Actor, AuditRecord
from app.identity import (
    AccountLink,
    AlreadyJoinedError,
    Customer,
    CustomerNotFoundError,
    CustomerRole,
    CustomerUserNotFoundError,
    EmailTakenError,
    InvalidEmailError,
    LastOwnerError,
    LinkExpiredError,
    LinkPurpose,
    LinkSupersededError,
    LinkUsedError,
    NameRefusedError,
    OwnerNeededError,
    Realm,
    SignInRefusedError,
    SignInScope,
    StaffRole,
    TooManyInvitationsError,
    WeakPasswordError,
    accept_invitation,
    invite_customer_user,
    invite_platform_user,
    invite_staff_user,
    list_customer_users,
    read_invitation,
    remove_customer_user,
    remove_staff_user,
    resend_invitation,
    sign_in,
)
from app.kernel import AppError, new_id, now, transaction
from app.tenancy import PlatformScope, Tenant
from tests.conftest import Database
from tests.factories import (
    PASSWORD,
    a_customer,
    a_customer_user,
    a_platform_user,
    a_reseller,
    a_staff_user,
    scope_of,
    unique,
)
from tests.factories.counts import rows_of_all_tables
from tests.factories.links import deliver, links_to

pytestmark = pytest.mark.usefixtures("connected")


@pytest.fixture
def reseller(connected: object) -> Tenant:
    return a_reseller()


def an_address() -> str:
    return f"{unique('kim')}@example.com"


def invite(
    realm: Realm,
    reseller: Tenant,
    *,
    email: str | None = None,
    name: str = "Kim",
    customer: Customer | None = None,
    actor: Actor = SYSTEM,
) -> tuple[SignInScope, AccountLink]:
    address, at = email or an_address(), now()
    if realm is Realm.PLATFORM:
        with transaction(PlatformScope()) as session:
            return PlatformScope(), invite_platform_user(
                session, PlatformScope(), email=address, name=name, now=at, actor=actor
            )
    scope = scope_of(reseller)
    if realm is Realm.STAFF:
        with transaction(scope) as session:
            return scope, invite_staff_user(
                session, scope, email=address, name=name, role=StaffRole.SUPPORT, now=at,
                actor=actor,
            )  # fmt: skip
    company = customer or a_customer(reseller)
    with transaction(scope) as session:
        return scope, invite_customer_user(
            session, scope, customer_id=company.id, email=address, name=name, now=at, actor=actor
        )


def accept(
    scope: SignInScope,
    realm: Realm,
    link_id: UUID,
    *,
    password: str = PASSWORD,
    at: datetime | None = None,
) -> None:
    with transaction(scope) as session:
        accept_invitation(
            session, scope, realm=realm, link_id=link_id, password=password, now=at or now()
        )


def enters(scope: SignInScope, realm: Realm, email: str, password: str = PASSWORD) -> bool:
    try:
        with transaction(scope) as session:
            return bool(
                sign_in(
                    session, scope, realm=realm, email=email, password=password,
                    host="brand.test", now=now(),
                )
            )  # fmt: skip
    except SignInRefusedError:
        return False


@pytest.mark.parametrize("realm", Realm)
def test_an_invited_person_chooses_her_password_and_enters(realm: Realm, reseller: Tenant) -> None:
    scope, link = invite(realm, reseller)
    before = [enters(scope, realm, link.address, guess) for guess in ("", PASSWORD)]
    with transaction(scope) as session:
        read = read_invitation(session, scope, realm=realm, link_id=link.id, now=now())
    letter = deliver(link)

    accept(scope, realm, link.id)

    assert before == [False, False]
    assert (read.email, read.has_joined) == (link.address, False)
    assert letter is not None
    assert (letter.purpose, letter.name) == (LinkPurpose.INVITATION, "Kim")
    assert enters(scope, realm, link.address)
    with pytest.raises(LinkUsedError):
        accept(scope, realm, link.id, password="another password")


@pytest.mark.parametrize("realm", Realm)
def test_an_invitation_holds_for_seven_days(realm: Realm, reseller: Tenant) -> None:
    scope, link = invite(realm, reseller)
    over = link.created_at + timedelta(days=7)

    with pytest.raises(LinkExpiredError):
        accept(scope, realm, link.id, at=over)
    with pytest.raises(WeakPasswordError):
        accept(scope, realm, link.id, password="short")
    accept(scope, realm, link.id, at=over - timedelta(seconds=1))

    assert enters(scope, realm, link.address)


@pytest.mark.parametrize("realm", [Realm.STAFF, Realm.PLATFORM])
def test_a_link_that_is_sent_again_ends_the_first(realm: Realm, reseller: Tenant) -> None:
    scope, first = invite(realm, reseller)
    assert first.user_id is not None
    with transaction(scope) as session:
        second = resend_invitation(session, scope, realm=realm, user_id=first.user_id, now=now())

    with pytest.raises(LinkSupersededError):
        accept(scope, realm, first.id)
    accept(scope, realm, second.id)

    assert deliver(first) is None
    assert enters(scope, realm, first.address)
    with pytest.raises(AlreadyJoinedError), transaction(scope) as session:
        resend_invitation(session, scope, realm=realm, user_id=first.user_id, now=now())
    assert len(links_to(first.address, reseller=None if realm is Realm.PLATFORM else reseller)) == 2


def test_who_was_removed_cannot_accept(reseller: Tenant) -> None:
    scope, link = invite(Realm.STAFF, reseller)
    assert link.user_id is not None
    with transaction(scope_of(reseller)) as session:
        remove_staff_user(session, scope_of(reseller), user_id=link.user_id)

    with pytest.raises(LinkSupersededError):
        accept(scope, Realm.STAFF, link.id)

    assert deliver(link) is None
    assert not enters(scope, Realm.STAFF, link.address)


@pytest.mark.parametrize("realm", Realm)
@pytest.mark.parametrize(
    ("email", "name", "refusal"),
    [("no address", "Kim", InvalidEmailError), ("kim@example.com", " ", NameRefusedError)],
)
def test_a_refused_invitation_leaves_nothing(
    connected: Database, realm: Realm, email: str, name: str, refusal: type[AppError]
) -> None:
    reseller = a_reseller()
    customer = a_customer(reseller)
    before = rows_of_all_tables(connected.owner_url)

    with pytest.raises(refusal):
        invite(realm, reseller, customer=customer, email=email, name=name)

    assert rows_of_all_tables(connected.owner_url) == before


@pytest.mark.parametrize("realm", Realm)
def test_a_taken_address_is_refused_in_its_realm_alone(realm: Realm, reseller: Tenant) -> None:
    email = an_address()
    takers: dict[Realm, Callable[[], object]] = {
        Realm.CUSTOMER: lambda: a_customer_user(a_customer(reseller), email=email),
        Realm.STAFF: lambda: a_staff_user(reseller, email=email),
        Realm.PLATFORM: lambda: a_platform_user(email=email),
    }
    for each, take in takers.items():
        if each is not realm:
            take()

    invite(realm, reseller, email=email)

    with pytest.raises(EmailTakenError):
        invite(realm, reseller, email=email.upper())


def test_only_owners_invite_staff(reseller: Tenant, connected: Database) -> None:
    scope, link = invite(Realm.STAFF, reseller)
    accept(scope, Realm.STAFF, link.id)
    owner = a_staff_user(reseller)
    foreign = a_staff_user(a_reseller())
    before = rows_of_all_tables(connected.owner_url)

    for user_id in (link.user_id, foreign.id):
        with pytest.raises(OwnerNeededError):
            invite(Realm.STAFF, reseller, actor=Actor(Realm.STAFF.value, user_id))

    assert rows_of_all_tables(connected.owner_url) == before
    invite(Realm.STAFF, reseller, actor=Actor(Realm.STAFF.value, owner.id))


def test_the_first_person_of_a_customer_is_an_owner_and_may_be_uninvited(reseller: Tenant) -> None:
    customer, scope = a_customer(reseller), scope_of(reseller)
    roles = []
    for _ in range(2):
        with transaction(scope) as session:
            invite_customer_user(
                session, scope, customer_id=customer.id, email=an_address(), name="Kim",
                role=CustomerRole.MEMBER, now=now(),
            )  # fmt: skip
    with transaction(scope) as session:
        users = list_customer_users(session, scope, customer_id=customer.id)
        roles = [user.role for user in users]
        remove_customer_user(session, scope, customer_id=customer.id, user_id=users[0].id)
    joined = a_customer_user(customer)

    assert roles == ["owner", "member"]
    assert joined.role == "owner"
    with pytest.raises(LastOwnerError), transaction(scope) as session:
        remove_customer_user(session, scope, customer_id=customer.id, user_id=joined.id)


def test_an_invited_owner_does_not_replace_the_last_one(reseller: Tenant) -> None:
    customer, scope = a_customer(reseller), scope_of(reseller)
    owner = a_customer_user(customer)
    with transaction(scope) as session:
        invite_customer_user(
            session, scope, customer_id=customer.id, email=an_address(), name="Kim",
            role=CustomerRole.OWNER, now=now(),
        )  # fmt: skip

    with pytest.raises(LastOwnerError), transaction(scope) as session:
        remove_customer_user(session, scope, customer_id=customer.id, user_id=owner.id)


def test_a_customers_invitation_is_resent_by_its_own_owners(reseller: Tenant) -> None:
    customer, other = a_customer(reseller), a_customer(reseller)
    scope, owner, stranger = scope_of(reseller), a_customer_user(customer), a_customer_user(other)
    with transaction(scope) as session:
        link = invite_customer_user(
            session, scope, customer_id=customer.id, email=an_address(), name="Kim", now=now(),
            actor=Actor(Realm.CUSTOMER.value, owner.id),
        )  # fmt: skip
    assert link.user_id is not None

    for customer_id, actor, refusal in (
        (customer.id, stranger, OwnerNeededError),
        (other.id, stranger, CustomerUserNotFoundError),
        (None, None, CustomerUserNotFoundError),
    ):
        with pytest.raises(refusal), transaction(scope) as session:
            resend_invitation(
                session, scope, realm=Realm.CUSTOMER, customer_id=customer_id,
                user_id=link.user_id, now=now(),
                actor=Actor(Realm.CUSTOMER.value, actor.id) if actor else SYSTEM,
            )  # fmt: skip

    assert len(links_to(link.address, reseller=reseller)) == 1


def test_another_resellers_customer_is_none(reseller: Tenant) -> None:
    customer, scope = a_customer(a_reseller()), scope_of(reseller)

    with pytest.raises(CustomerNotFoundError), transaction(scope) as session:
        invite_customer_user(
            session, scope, customer_id=customer.id, email=an_address(), name="Kim", now=now()
        )


def test_a_customers_people_have_twenty_invitations_sent_a_day_and_no_more(
    reseller: Tenant, connected: Database
) -> None:
    company, other = a_customer(reseller), a_customer(reseller)
    owner, scope = a_customer_user(company), scope_of(reseller)
    actor = Actor(Realm.CUSTOMER.value, owner.id)
    first = invite(Realm.CUSTOMER, reseller, customer=company, actor=actor)[1]
    for _each in range(9):
        _, link = invite(Realm.CUSTOMER, reseller, customer=company, actor=actor)
        with transaction(scope) as session:
            remove_customer_user(
                session, scope, customer_id=company.id, user_id=user_of(link), actor=actor
            )
    again = {
        "realm": Realm.CUSTOMER, "customer_id": company.id, "user_id": user_of(first),
        "actor": actor,
    }  # fmt: skip
    for _each in range(10):
        with transaction(scope) as session:
            resend_invitation(session, scope, now=now(), **again)  # type: ignore[arg-type]
    before = rows_of_all_tables(connected.owner_url)

    with pytest.raises(TooManyInvitationsError):
        invite(Realm.CUSTOMER, reseller, customer=company, actor=actor)
    with pytest.raises(TooManyInvitationsError), transaction(scope) as session:
        resend_invitation(session, scope, now=now(), **again)  # type: ignore[arg-type]

    assert rows_of_all_tables(connected.owner_url) == before
    invite(Realm.CUSTOMER, reseller, customer=company, actor=Actor("staff", new_id()))
    others = Actor(Realm.CUSTOMER.value, a_customer_user(other).id)
    invite(Realm.CUSTOMER, reseller, customer=other, actor=others)
    with transaction(scope) as session:
        later = now() + timedelta(days=1)
        resend_invitation(session, scope, now=later, **again)  # type: ignore[arg-type]


def test_who_sent_an_invitation_again_is_written_down(reseller: Tenant) -> None:
    owner, scope = a_staff_user(reseller), scope_of(reseller)
    _, link = invite(Realm.STAFF, reseller)
    actor = Actor(Realm.STAFF.value, owner.id)

    with transaction(scope) as session:
        resend_invitation(
            session, scope, realm=Realm.STAFF, user_id=user_of(link), now=now(), actor=actor
        )

    with transaction(PlatformScope()) as session:
        (record,) = session.scalars(
            select(AuditRecord).where(
                AuditRecord.reseller_id == reseller.id,
                AuditRecord.action == "identity.invitation_sent_again",
            )
        )
    assert (record.actor_id, record.subject_id) == (owner.id, link.user_id)
    assert link.address not in str(record.facts)


def user_of(link: AccountLink) -> UUID:
    assert link.user_id is not None
    return link.user_id
