"""Several users in one company (requirement A1): owners and members."""

from collections.abc import Callable
from datetime import timedelta
from threading import Thread
from uuid import UUID

import pytest

from app.audit import SYSTEM, Actor
from app.identity import (
    Customer,
    CustomerRole,
    CustomerUser,
    CustomerUserNotFoundError,
    LastOwnerError,
    NameRefusedError,
    OwnerNeededError,
    Realm,
    add_customer_user,
    change_customer_role,
    find_signed_in,
    list_customer_users,
    remove_customer_user,
    require_customer_owner,
    sign_in,
)
from app.kernel import AppError, SignIn, now, transaction
from app.kernel import db as kernel_db
from app.tenancy import TenantScope
from tests.factories import PASSWORD, a_customer, a_customer_user, a_reseller, a_staff_user, unique
from tests.factories.broken_locks import without_row_locks

pytestmark = pytest.mark.usefixtures("connected")
HOST = "brand.test"


def scope_of(customer: Customer) -> TenantScope:
    return TenantScope(customer.reseller_id)


def people_of(customer: Customer) -> list[tuple[UUID, str, str]]:
    with transaction(scope_of(customer)) as session:
        users = list_customer_users(session, scope_of(customer), customer_id=customer.id)
        return [(user.id, user.role, user.name) for user in users]


def as_user(user: CustomerUser) -> Actor:
    return Actor(Realm.CUSTOMER.value, user.id)


def remove(customer: Customer, user: CustomerUser, *, actor: Actor = SYSTEM) -> None:
    with transaction(scope_of(customer)) as session:
        remove_customer_user(
            session, scope_of(customer), customer_id=customer.id, user_id=user.id, actor=actor
        )


def give(
    customer: Customer, user: CustomerUser, role: CustomerRole, *, actor: Actor = SYSTEM
) -> None:
    with transaction(scope_of(customer)) as session:
        change_customer_role(
            session,
            scope_of(customer),
            customer_id=customer.id,
            user_id=user.id,
            role=role,
            actor=actor,
        )


def test_the_first_user_is_an_owner_and_the_next_ones_are_members() -> None:
    customer = a_customer(a_reseller())

    first, second = a_customer_user(customer), a_customer_user(customer)

    assert people_of(customer) == [
        (first.id, "owner", "Anna Adler"),
        (second.id, "member", "Anna Adler"),
    ]


def test_a_session_knows_the_role_of_its_holder_as_it_is_now() -> None:
    customer = a_customer(a_reseller())
    a_customer_user(customer)
    member = a_customer_user(customer)
    token = signed_in(customer, member)

    before = held(customer, token)
    give(customer, member, CustomerRole.OWNER)

    assert before == (member.id, "member")
    assert held(customer, token) == (member.id, "owner")


def signed_in(customer: Customer, user: CustomerUser) -> str:
    with transaction(scope_of(customer)) as session:
        return sign_in(
            session, scope_of(customer), realm=Realm.CUSTOMER, email=user.email,
            password=PASSWORD, host=HOST, now=now(),
        ).token  # fmt: skip


def held(customer: Customer, token: str) -> tuple[UUID, str | None] | None:
    with transaction(scope_of(customer)) as session:
        found = find_signed_in(
            session, scope_of(customer), realm=Realm.CUSTOMER, token=token, host=HOST, now=now()
        )
    return None if found is None else (found.user_id, found.role)


def test_who_is_removed_is_out_at_once_and_her_address_is_free() -> None:
    customer = a_customer(a_reseller())
    owner, leaving = a_customer_user(customer), a_customer_user(customer)
    mine, theirs = signed_in(customer, owner), signed_in(customer, leaving)

    remove(customer, leaving)

    assert (held(customer, theirs), held(customer, mine)) == (None, (owner.id, "owner"))
    assert people_of(customer) == [(owner.id, "owner", owner.name)]
    assert a_customer_user(customer, email=leaving.email).id != leaving.id


def test_a_session_begun_with_a_removed_user_comes_to_life_for_nobody() -> None:
    customer = a_customer(a_reseller())
    a_customer_user(customer)
    leaving = a_customer_user(customer)
    with transaction(scope_of(customer)) as late:
        token = sign_in(
            late, scope_of(customer), realm=Realm.CUSTOMER, email=leaving.email,
            password=PASSWORD, host=HOST, now=now(), lifetime=timedelta(hours=1),
        ).token  # fmt: skip
        # Waits until she is signed in, and ends that session with all the others.
        removal = Thread(target=remove, args=(customer, leaving))
        removal.start()
    removal.join()

    assert held(customer, token) is None
    assert leaving.id not in [each[0] for each in people_of(customer)]


@pytest.mark.parametrize("members", [0, 1])
def test_the_last_owner_stays(members: int) -> None:
    customer = a_customer(a_reseller())
    owner = a_customer_user(customer)
    for _ in range(members):
        a_customer_user(customer)
    before = people_of(customer)

    with pytest.raises(LastOwnerError):
        remove(customer, owner)
    with pytest.raises(LastOwnerError):
        give(customer, owner, CustomerRole.MEMBER)

    assert people_of(customer) == before


def test_ownership_is_handed_over() -> None:
    customer = a_customer(a_reseller())
    owner, heir = a_customer_user(customer), a_customer_user(customer)

    for _ in range(2):  # safe to repeat
        give(customer, heir, CustomerRole.OWNER, actor=as_user(owner))
    give(customer, owner, CustomerRole.MEMBER, actor=as_user(heir))
    remove(customer, owner, actor=as_user(heir))

    assert people_of(customer) == [(heir.id, "owner", heir.name)]


def everything_of(customer: Customer, user: CustomerUser, actor: Actor) -> list[Callable[[], None]]:
    def add() -> None:
        with transaction(scope_of(customer)) as session:
            add_customer_user(
                session, scope_of(customer), customer_id=customer.id, name="New",
                email=f"{unique('new')}@example.com", password=PASSWORD, actor=actor,
            )  # fmt: skip

    def ask() -> None:
        with transaction(scope_of(customer)) as session:
            require_customer_owner(
                session, scope_of(customer), customer_id=customer.id, actor=actor
            )

    return [
        ask,
        add,
        lambda: give(customer, user, CustomerRole.OWNER, actor=actor),
        lambda: remove(customer, user, actor=actor),
    ]


def test_of_a_companys_users_only_owners_change_users() -> None:
    reseller = a_reseller()
    customer, neighbour = a_customer(reseller), a_customer(reseller)
    owner, member, other = (a_customer_user(customer) for _ in range(3))
    stranger, foreigner = a_customer_user(neighbour), a_customer_user(a_customer(a_reseller()))
    before = people_of(customer)

    for nobody in (member, stranger, foreigner):
        for act in everything_of(customer, other, as_user(nobody)):
            with pytest.raises(OwnerNeededError):
                act()

    assert people_of(customer) == before
    for act in everything_of(customer, other, as_user(owner)):
        act()
    assert [name for _, _, name in people_of(customer)] == ["Anna Adler", "Anna Adler", "New"]


def test_staff_and_operators_may_change_users() -> None:
    reseller = a_reseller()
    customer = a_customer(reseller)
    a_customer_user(customer)
    staff = Actor(Realm.STAFF.value, a_staff_user(reseller).id)

    for actor in (staff, SYSTEM):
        for act in everything_of(customer, a_customer_user(customer), actor):
            act()

    assert [name for _, _, name in people_of(customer)] == ["Anna Adler", "New", "New"]


def test_a_user_of_a_neighbour_looks_like_none() -> None:
    reseller = a_reseller()
    mine, theirs = a_customer(reseller), a_customer(reseller)
    a_customer_user(mine)
    user = a_customer_user(theirs)

    with pytest.raises(CustomerUserNotFoundError):
        remove(mine, user)
    with pytest.raises(CustomerUserNotFoundError):
        give(mine, user, CustomerRole.OWNER)

    assert people_of(theirs) == [(user.id, "owner", user.name)]


@pytest.mark.parametrize("name", ["", "  ", "x" * 201, "Anna\nAdler", "\x00"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    customer = a_customer(a_reseller())
    user = a_customer_user(customer)

    with pytest.raises(NameRefusedError):
        a_customer_user(customer, name=name)

    assert people_of(customer) == [(user.id, "owner", user.name)]


def two_owners_who_remove_each_other() -> tuple[Customer, list[AppError]]:
    """Remove one, and before that is committed, begin to remove the other."""
    customer = a_customer(a_reseller())
    one, two = a_customer_user(customer), a_customer_user(customer)
    give(customer, two, CustomerRole.OWNER)
    refusals: list[AppError] = []

    def remove_the_other() -> None:
        try:
            remove(customer, two, actor=as_user(two))
        except AppError as refused:
            refusals.append(refused)

    other = Thread(target=remove_the_other)
    with transaction(scope_of(customer)) as session:
        remove_customer_user(
            session, scope_of(customer), customer_id=customer.id, user_id=one.id, actor=as_user(one)
        )
        other.start()
        other.join(0.5)
    other.join()
    return customer, refusals


def test_two_owners_who_remove_each_other_at_once_leave_one() -> None:
    customer, refusals = two_owners_who_remove_each_other()

    assert [type(each) for each in refusals] == [LastOwnerError]
    assert [role for _, role, _ in people_of(customer)] == ["owner"]


def test_without_the_lock_they_leave_none() -> None:
    with without_row_locks(kernel_db._process.engines[SignIn.APPLICATION]):
        customer, refusals = two_owners_who_remove_each_other()

    assert (refusals, people_of(customer)) == ([], [])
