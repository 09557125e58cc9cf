"""A reseller's team and the platform's: roles, and the last owner who stays."""

from threading import Barrier, Thread
from uuid import UUID

import pytest

from app.audit import SYSTEM, Actor
from app.identity import (
    STAFF_RIGHTS,
    CustomerUserNotFoundError,
    LastOwnerError,
    OwnerNeededError,
    Realm,
    StaffRight,
    StaffRole,
    StaffUser,
    change_staff_role,
    find_signed_in,
    invite_platform_user,
    list_platform_users,
    list_staff_users,
    remove_platform_user,
    remove_staff_user,
    sign_in,
    staff_may,
)
from app.identity.accounts import add_staff_user
from app.kernel import AppError, now, transaction
from app.tenancy import PlatformScope, Tenant
from tests.conftest import Database
from tests.factories import PASSWORD, a_platform_user, a_reseller, a_staff_user, scope_of, unique
from tests.factories.databases import own_database

__all__ = ["own_database"]

pytestmark = pytest.mark.usefixtures("connected")


@pytest.fixture
def reseller(connected: object) -> Tenant:
    return a_reseller()


def a_member(reseller: Tenant, role: StaffRole) -> StaffUser:
    scope = scope_of(reseller)
    with transaction(scope) as session:
        return add_staff_user(
            session, scope, email=f"{unique('m')}@example.com", name="Mo", password=PASSWORD,
            role=role.value,
        )  # fmt: skip


def team_of(reseller: Tenant) -> list[tuple[UUID, str]]:
    with transaction(scope_of(reseller)) as session:
        team = list_staff_users(session, scope_of(reseller))
        return [(each.id, each.role) for each in team]


def remove(reseller: Tenant, user: StaffUser, *, actor: Actor = SYSTEM) -> None:
    with transaction(scope_of(reseller)) as session:
        remove_staff_user(session, scope_of(reseller), user_id=user.id, actor=actor)


def give(reseller: Tenant, user: StaffUser, role: StaffRole, *, actor: Actor = SYSTEM) -> None:
    with transaction(scope_of(reseller)) as session:
        change_staff_role(session, scope_of(reseller), user_id=user.id, role=role, actor=actor)


def as_staff(user: StaffUser) -> Actor:
    return Actor(Realm.STAFF.value, user.id)


def test_every_role_has_a_line_and_an_owner_may_everything() -> None:
    assert set(STAFF_RIGHTS) == set(StaffRole)
    assert all(staff_may("owner", right) for right in StaffRight)
    assert not any(staff_may(unknown, right) for unknown in (None, "king") for right in StaffRight)


def test_nobody_but_owners_manages_the_team() -> None:
    assert [role for role in StaffRole if StaffRight.MANAGE_TEAM in STAFF_RIGHTS[role]] == [
        StaffRole.OWNER
    ]


def test_a_changed_role_ends_sessions_and_is_asked_for_by_owners_alone(reseller: Tenant) -> None:
    owner, member, scope = a_staff_user(reseller), a_member(reseller, StaffRole.SUPPORT), None
    scope = scope_of(reseller)
    with transaction(scope) as session:
        token = sign_in(
            session, scope, realm=Realm.STAFF, email=member.email, password=PASSWORD,
            host="brand.test", now=now(),
        ).token  # fmt: skip

    with pytest.raises(OwnerNeededError):
        give(reseller, member, StaffRole.OWNER, actor=as_staff(member))
    give(reseller, member, StaffRole.FINANCE, actor=as_staff(owner))

    assert dict(team_of(reseller)) == {owner.id: "owner", member.id: "finance"}
    with transaction(scope) as session:
        held = find_signed_in(
            session, scope, realm=Realm.STAFF, token=token, host="brand.test", now=now()
        )
    assert held is None


@pytest.mark.parametrize("role", [each for each in StaffRole if each is not StaffRole.OWNER])
def test_only_owners_remove(reseller: Tenant, role: StaffRole) -> None:
    owner, member = a_staff_user(reseller), a_member(reseller, role)

    with pytest.raises(OwnerNeededError):
        remove(reseller, owner, actor=as_staff(member))

    assert len(team_of(reseller)) == 2
    remove(reseller, member, actor=as_staff(owner))
    assert [each for each, _ in team_of(reseller)] == [owner.id]


def test_the_last_owner_stays(reseller: Tenant) -> None:
    owner = a_staff_user(reseller)
    a_member(reseller, StaffRole.FINANCE)
    before = team_of(reseller)

    with pytest.raises(LastOwnerError):
        remove(reseller, owner, actor=as_staff(owner))
    with pytest.raises(LastOwnerError):
        give(reseller, owner, StaffRole.SUPPORT, actor=as_staff(owner))

    assert team_of(reseller) == before


def test_two_owners_who_remove_each_other_leave_one(reseller: Tenant) -> None:
    owners = [a_staff_user(reseller), a_staff_user(reseller)]
    barrier, refused = Barrier(2), []

    def race(mine: StaffUser, other: StaffUser) -> None:
        barrier.wait()
        try:
            remove(reseller, other, actor=as_staff(mine))
        except (OwnerNeededError, LastOwnerError) as error:
            refused.append(error)

    threads = [Thread(target=race, args=pair) for pair in (owners, owners[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(team_of(reseller)) == 1
    assert len(refused) == 1


def test_another_resellers_staff_is_none(reseller: Tenant) -> None:
    foreign = a_staff_user(a_reseller())
    owner = a_staff_user(reseller)

    refusals: list[type[AppError]] = [CustomerUserNotFoundError]
    for refusal in refusals:
        with pytest.raises(refusal):
            remove(reseller, foreign, actor=as_staff(owner))
        with pytest.raises(refusal):
            give(reseller, foreign, StaffRole.SUPPORT, actor=as_staff(owner))

    with transaction(scope_of(reseller)) as session:
        assert [each.id for each in list_staff_users(session, scope_of(reseller))] == [owner.id]


def test_the_last_admin_stays(own_database: Database) -> None:
    scope = PlatformScope()
    first, second = a_platform_user(), a_platform_user()
    with transaction(scope) as session:
        link = invite_platform_user(session, scope, email="kim@example.com", name="Kim", now=now())
    with transaction(scope) as session:
        remove_platform_user(session, scope, user_id=first.id)

    with pytest.raises(LastOwnerError), transaction(scope) as session:
        remove_platform_user(session, scope, user_id=second.id)
    with pytest.raises(CustomerUserNotFoundError), transaction(scope) as session:
        remove_platform_user(session, scope, user_id=first.id)

    assert link.user_id is not None
    with transaction(scope) as session:
        remove_platform_user(session, scope, user_id=link.user_id)
        left = list_platform_users(session, scope)
    assert [each.id for each in left] == [second.id]
