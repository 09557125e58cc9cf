"""Acting on behalf of a customer (requirement F2), below the web."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select, update

from app.audit import AuditRecord
from app.identity import (
    ActingRefusedError,
    Customer,
    CustomerUser,
    CustomerUserNotFoundError,
    Realm,
    ReasonMissingError,
    SignedIn,
    StaffUser,
    Visit,
    VisitNotFoundError,
    begin_visit,
    close_visits,
    end_other_sessions,
    end_session,
    end_visit_of_customer,
    find_signed_in,
    invite_customer_user,
    list_sessions,
    list_visits,
    note_acted,
    sign_in,
    sign_out,
)
from app.identity.sign_in_models import ActingVisit
from app.identity.visits import VISIT_LIFETIME
from app.kernel import now, transaction
from app.tenancy import Tenant, TenantScope
from tests.factories import (
    PASSWORD,
    a_customer,
    a_customer_user,
    a_reseller,
    a_staff_user,
    scope_of,
    unique,
)

pytestmark = pytest.mark.usefixtures("connected")
HOST = "nordlicht.kontor.test"
WHY = "asked by phone where the invoice is"


class Scene:
    """A reseller with a colleague and a customer with one person."""

    def __init__(self) -> None:
        self.reseller: Tenant = a_reseller()
        self.scope: TenantScope = scope_of(self.reseller)
        self.staff: StaffUser = a_staff_user(self.reseller, name="Stefan Stark")
        self.customer: Customer = a_customer(self.reseller)
        self.person: CustomerUser = a_customer_user(self.customer)

    def act(self, *, at: datetime | None = None, **changes: object) -> str:
        asked = {
            "staff_id": self.staff.id, "customer_id": self.customer.id, "user_id": self.person.id,
            "reason": WHY, "host": HOST, "now": at or now(), **changes,
        }  # fmt: skip
        with transaction(self.scope) as session:
            return begin_visit(session, self.scope, **asked)  # type: ignore[arg-type]

    def holder(self, token: str, *, at: datetime | None = None) -> SignedIn | None:
        with transaction(self.scope) as session:
            return find_signed_in(
                session, self.scope, realm=Realm.CUSTOMER, token=token, host=HOST, now=at or now()
            )

    def visits(self) -> list[Visit]:
        with transaction(self.scope) as session:
            return list(list_visits(session, self.scope, customer_id=self.customer.id, now=now()))

    def records(self) -> list[AuditRecord]:
        with transaction(self.scope) as session:
            return list(
                session.scalars(
                    select(AuditRecord)
                    .where(
                        AuditRecord.reseller_id == self.reseller.id,
                        AuditRecord.action.like("identity.act%"),
                    )
                    .order_by(AuditRecord.id)
                )
            )


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_a_colleague_is_signed_in_as_the_customers_person_and_known_as_herself(
    scene: Scene,
) -> None:
    found = scene.holder(scene.act())

    assert found is not None
    assert (found.user_id, found.customer_id) == (scene.person.id, scene.customer.id)
    assert found.acting_staff_id == scene.staff.id
    assert found.visit_id is not None


def test_a_visit_ends_by_itself_after_half_an_hour(scene: Scene) -> None:
    began = now() - VISIT_LIFETIME + timedelta(seconds=10)
    token = scene.act(at=began)

    assert scene.holder(token)
    assert scene.holder(token, at=began + VISIT_LIFETIME) is None


def test_the_customer_reads_who_was_there_why_and_when(scene: Scene) -> None:
    began = now() - timedelta(minutes=5)
    scene.act(at=began)

    (visit,) = scene.visits()

    assert (visit.staff_name, visit.user_name, visit.reason) == ("Stefan Stark", "Anna Adler", WHY)
    assert (visit.started_at, visit.is_running) == (began, True)


def test_beginning_acting_and_ending_are_audited_with_both_ids_and_no_reason(scene: Scene) -> None:
    found = scene.holder(scene.act())
    assert found is not None
    assert found.visit_id is not None
    with transaction(scene.scope) as session:
        note_acted(
            session, scene.scope, staff_id=scene.staff.id, user_id=scene.person.id,
            visit_id=found.visit_id, endpoint="top_ups.create", is_refused=False,
        )  # fmt: skip
        close_visits(session, scene.scope, now=now(), visit_id=found.visit_id)
        close_visits(session, scene.scope, now=now(), visit_id=found.visit_id)

    records = scene.records()

    assert [each.action for each in records] == [
        "identity.acting_began", "identity.acted", "identity.acting_ended",
    ]  # fmt: skip
    assert {(each.realm, each.actor_id, each.subject_id) for each in records} == {
        ("staff", scene.staff.id, scene.person.id)
    }
    assert {each.facts["visit"] for each in records} == {str(found.visit_id)}
    assert WHY not in repr([each.facts for each in records])


@pytest.mark.parametrize("reason", ["", "   ", "x" * 201, "line\nbreak"])
def test_without_a_reason_nothing_begins(scene: Scene, reason: str) -> None:
    with pytest.raises(ReasonMissingError):
        scene.act(reason=reason)

    assert scene.visits() == []
    assert scene.records() == []


@pytest.mark.parametrize(
    ("role", "may"), [("owner", True), ("support", True), ("finance", False), ("developer", False)]
)
def test_owners_and_support_act_and_others_do_not(scene: Scene, role: str, may: bool) -> None:  # noqa: FBT001
    _give_role(scene, role)

    if may:
        assert scene.holder(scene.act())
    else:
        with pytest.raises(ActingRefusedError):
            scene.act()
        assert scene.visits() == []


def test_who_loses_the_role_loses_the_visit(scene: Scene) -> None:
    token = scene.act()

    _give_role(scene, "finance")

    assert scene.holder(token) is None


def test_nobody_acts_for_another_customers_or_another_resellers_person(scene: Scene) -> None:
    neighbour = a_customer_user(a_customer(scene.reseller))
    stranger = a_customer_user(a_customer(a_reseller()))

    for user in (neighbour, stranger):
        with pytest.raises(CustomerUserNotFoundError):
            scene.act(user_id=user.id)
    with pytest.raises(ActingRefusedError):
        scene.act(staff_id=a_staff_user(a_reseller()).id)

    assert scene.visits() == []


def test_nobody_acts_for_a_person_who_has_not_accepted_her_invitation(scene: Scene) -> None:
    with transaction(scene.scope) as session:
        link = invite_customer_user(
            session, scene.scope, customer_id=scene.customer.id,
            email=f"{unique('invited')}@example.com", name="Ida Invited", now=now(),
        )  # fmt: skip

    with pytest.raises(CustomerUserNotFoundError):
        scene.act(user_id=link.user_id)

    assert scene.visits() == []


def test_a_colleague_is_with_one_customer_at_a_time(scene: Scene) -> None:
    first = scene.act()
    second = scene.act()

    assert scene.holder(first) is None
    assert scene.holder(second)
    assert [visit.is_running for visit in scene.visits()] == [True, False]


def test_signing_out_as_staff_ends_the_visit(scene: Scene) -> None:
    token = scene.act()
    with transaction(scene.scope) as session:
        own = sign_in(
            session, scene.scope, realm=Realm.STAFF, email=scene.staff.email, password=PASSWORD,
            host=HOST, now=now(),
        ).token  # fmt: skip

    with transaction(scene.scope) as session:
        sign_out(session, scene.scope, realm=Realm.STAFF, token=own, now=now())

    assert scene.holder(token) is None
    assert [visit.is_running for visit in scene.visits()] == [False]


def test_ending_that_session_from_elsewhere_ends_the_visit(scene: Scene) -> None:
    with transaction(scene.scope) as session:
        lost = sign_in(
            session, scene.scope, realm=Realm.STAFF, email=scene.staff.email, password=PASSWORD,
            host=HOST, now=now(),
        ).token  # fmt: skip
    token = scene.act()
    with transaction(scene.scope) as session:
        (listed,) = list_sessions(
            session, scene.scope, realm=Realm.STAFF, user_id=scene.staff.id, token=lost, now=now()
        )

    with transaction(scene.scope) as session:
        end_session(
            session, scene.scope, realm=Realm.STAFF, user_id=scene.staff.id, name=listed.name,
            now=now(),
        )  # fmt: skip

    assert scene.holder(token) is None
    assert not scene.visits()[0].is_running


def test_the_customer_ends_a_visit_and_her_session_is_none_of_it(scene: Scene) -> None:
    token = scene.act()
    (visit,) = scene.visits()
    with transaction(scene.scope) as session:
        own = sign_in(
            session, scene.scope, realm=Realm.CUSTOMER, email=scene.person.email,
            password=PASSWORD, host=HOST, now=now(),
        ).token  # fmt: skip
        listed = list_sessions(
            session, scene.scope, realm=Realm.CUSTOMER, user_id=scene.person.id, token=own,
            now=now(),
        )  # fmt: skip

    with transaction(scene.scope) as session:
        end_visit_of_customer(
            session, scene.scope, customer_id=scene.customer.id, visit_id=visit.id, now=now()
        )

    assert [each.is_this for each in listed] == [True]
    assert scene.holder(token) is None
    assert scene.holder(own)


def test_a_visit_of_another_customer_is_not_hers_to_end(scene: Scene) -> None:
    token = scene.act()
    (visit,) = scene.visits()
    neighbour = a_customer(scene.reseller)

    with pytest.raises(VisitNotFoundError), transaction(scene.scope) as session:
        end_visit_of_customer(
            session, scene.scope, customer_id=neighbour.id, visit_id=visit.id, now=now()
        )

    assert scene.holder(token)


def test_signing_all_others_out_ends_visits_too(scene: Scene) -> None:
    token = scene.act()

    with transaction(scene.scope) as session:
        end_other_sessions(
            session, scene.scope, realm=Realm.CUSTOMER, user_id=scene.person.id, token="none",
            now=now(),
        )  # fmt: skip

    assert scene.holder(token) is None
    assert _running(scene.reseller.id, scene.scope) == 0


def _give_role(scene: Scene, role: str) -> None:
    with transaction(scene.scope) as session:
        session.execute(
            update(StaffUser)
            .where(StaffUser.reseller_id == scene.reseller.id, StaffUser.id == scene.staff.id)
            .values(role=role)
        )


def _running(reseller_id: UUID, scope: TenantScope) -> int | None:
    with transaction(scope) as session:
        return session.scalar(
            select(func.count())
            .select_from(ActingVisit)
            .where(ActingVisit.reseller_id == reseller_id, ActingVisit.ended_at.is_(None))
        )
