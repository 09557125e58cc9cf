"""A reseller opens one below itself (requirement A1): ready to sell, or nothing at all."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from app import branding, identity
from app.audit import SYSTEM, Actor, AuditRecord
from app.branding import BrandLook, BrandRefusedError, BrandTokens
from app.commissions import (
    NoAgreementError,
    RateRefusedError,
    open_sub_reseller,
)
from app.identity import (
    CustomerNotFoundError,
    InvalidEmailError,
    OwnerNeededError,
    Realm,
    StaffUser,
    WeakPasswordError,
)
from app.kernel import AppError, SignIn, new_id, now, transaction
from app.pricing import NothingSoldError, sell_offer
from app.tenancy import (
    PLATFORM_ID,
    LookalikeError,
    NameOffensiveError,
    PlatformScope,
    SlugRefusedError,
    SlugTakenError,
    Tenant,
    TenantNotFoundError,
    TenantScope,
    TenantState,
    list_sub_resellers,
    slug_from,
)
from tests.conftest import Database
from tests.factories import (
    PASSWORD,
    a_customer,
    a_platform,
    a_reseller,
    a_staff_user,
    scope_of,
    unique,
)
from tests.factories.counts import rows_of_all_tables
from tests.factories.money import (
    LONG_AGO,
    a_priced_reseller,
    a_wallet,
    an_event,
    an_offer,
    charge,
    owned_by,
)

pytestmark = pytest.mark.usefixtures("connected")
SCOPE = PlatformScope()
LOOK = BrandLook(
    name="Nordlicht",
    tokens=BrandTokens(accent="#0f6e84", surface="#f1f7f8"),
    theme="klar",
    language="en",
    support_email="help@nordlicht.example",
)


def opened(parent: Tenant | UUID, **changes: Any) -> Tenant:  # noqa: ANN401 - any one argument
    """A reseller below another one, with 10 % of the net price."""
    arguments: dict[str, Any] = {
        "slug": unique("below"),
        "name": "Hafen Büroservice",
        "commission_rate": Decimal("0.10"),
        "staff_email": f"{unique('imke')}@example.com",
        "staff_name": "Imke Jansen",
        "staff_password": PASSWORD,
        "now": now(),
        "actor": SYSTEM,
        **changes,
    }
    parent_id = parent.id if isinstance(parent, Tenant) else parent
    with transaction(SCOPE) as session:
        return open_sub_reseller(session, SCOPE, parent_id=parent_id, **arguments)


def brand_of(reseller: Tenant) -> BrandLook | None:
    with transaction(scope_of(reseller)) as session:
        return branding.find_brand(session, scope_of(reseller))


def below(reseller: Tenant, *, sign_in: SignIn = SignIn.APPLICATION) -> list[UUID]:
    scope = TenantScope(reseller.id, sign_in)
    with transaction(scope) as session:
        return [each.id for each in list_sub_resellers(session, scope)]


def test_a_new_sub_reseller_sells_at_once_and_is_paid_out_of_its_parents_share() -> None:
    parent = a_priced_reseller(rate="0.25")
    since = now()

    made = opened(parent, now=since)

    wallet = a_wallet(5_000, reseller=made)
    # 11.90 gross are 10.00 net: 10 % of them stay here, 15 % are the parent's.
    charge(wallet, an_event(wallet, "1190", occurred_at=now()))
    assert owned_by(made.id)["commission"] == 100
    assert owned_by(parent.id)["commission"] == 150
    assert made.path == [*parent.path, made.id]


def test_it_looks_like_its_parent_under_its_own_name() -> None:
    parent, plain = a_priced_reseller(), a_priced_reseller()
    with transaction(scope_of(parent)) as session:
        branding.save_brand(session, scope_of(parent), look=LOOK)

    assert brand_of(opened(parent)) == replace(LOOK, name="Hafen Büroservice")
    assert brand_of(opened(plain)) == replace(
        branding.plain_brand(plain.name), name="Hafen Büroservice"
    )


def test_its_first_member_of_staff_is_an_owner_and_signs_in_there_alone() -> None:
    parent = a_priced_reseller()
    made = opened(parent, staff_email="Imke@Example.com")

    def token_at(reseller: Tenant) -> str:
        with transaction(scope_of(reseller)) as session:
            return identity.sign_in(
                session, scope_of(reseller), realm=Realm.STAFF, email="imke@example.com",
                password=PASSWORD, host="below.test", now=now(),
            ).token  # fmt: skip

    token = token_at(made)
    with pytest.raises(identity.SignInRefusedError):
        token_at(parent)
    with transaction(scope_of(made)) as session:
        found = identity.find_signed_in(
            session, scope_of(made), realm=Realm.STAFF, token=token, host="below.test", now=now()
        )

    assert found is not None
    assert found.role == "owner"


def test_the_act_stands_in_both_books() -> None:
    parent = a_priced_reseller()
    actor = Actor(Realm.STAFF.value, a_staff_user(parent).id)

    made = opened(parent, actor=actor)

    for book in (parent, made):
        with transaction(scope_of(book)) as session:
            record = session.scalars(
                select(AuditRecord).where(
                    AuditRecord.reseller_id == book.id,
                    AuditRecord.action == "commissions.sub_reseller_opened",
                )
            ).one()
        assert (record.realm, record.actor_id) == (actor.realm, actor.id)
        assert (record.subject_id, record.facts) == (made.id, {"parent": str(parent.id)})


def test_a_tree_is_as_deep_as_it_is_made_and_each_sees_what_is_below() -> None:
    top = a_priced_reseller(rate="0.25")
    chain = [top]
    for percent in range(9, 1, -1):
        chain.append(opened(chain[-1], commission_rate=Decimal(percent) / 100))
    beside = opened(top)
    stranger = a_priced_reseller()

    for sign_in in SignIn:  # tenants are no secret of the database, so the query is the wall
        assert set(below(top, sign_in=sign_in)) == {each.id for each in chain[1:]} | {beside.id}
        assert below(chain[4], sign_in=sign_in) == [each.id for each in chain[5:]]
        assert below(chain[-1], sign_in=sign_in) == below(stranger, sign_in=sign_in) == []


@pytest.mark.parametrize("sign_in", list(SignIn))
def test_a5_whoever_is_above_sees_no_customer_of_those_below(sign_in: SignIn) -> None:
    parent = a_priced_reseller()
    customer = a_customer(opened(parent))
    scope = TenantScope(parent.id, sign_in)

    with transaction(scope) as session:
        assert identity.list_customers(session, scope) == []
        with pytest.raises(CustomerNotFoundError):
            identity.get_customer(session, scope, customer_id=customer.id)


def a_suspended_reseller() -> Tenant:
    reseller = a_priced_reseller()
    with transaction(SCOPE) as session:
        session.execute(
            update(Tenant).where(Tenant.id == reseller.id).values(state=TenantState.SUSPENDED.value)
        )
    return reseller


def without_agreement() -> Tenant:
    reseller = a_reseller()
    with transaction(SCOPE) as session:
        sell_offer(
            session, SCOPE, reseller_id=reseller.id, offer_id=an_offer().id, valid_from=LONG_AGO
        )
    return reseller


@pytest.mark.parametrize(
    ("parent", "changes", "refusal"),
    [
        (a_priced_reseller, {"slug": "www"}, SlugRefusedError),
        (a_priced_reseller, {"name": "\n"}, BrandRefusedError),
        (a_priced_reseller, {"commission_rate": Decimal("0.250001")}, RateRefusedError),
        (a_priced_reseller, {"commission_rate": Decimal("-0.1")}, RateRefusedError),
        (a_priced_reseller, {"commission_rate": Decimal("NaN")}, RateRefusedError),
        (a_priced_reseller, {"staff_email": "nobody"}, InvalidEmailError),
        (a_priced_reseller, {"staff_password": "short"}, WeakPasswordError),
        (a_reseller, {}, NothingSoldError),
        (without_agreement, {}, NoAgreementError),
        (a_suspended_reseller, {}, TenantNotFoundError),
        (new_id, {}, TenantNotFoundError),
        (lambda: PLATFORM_ID, {}, TenantNotFoundError),
    ],
)
def test_what_is_refused_leaves_nothing(
    connected: Database,
    parent: Callable[[], Tenant | UUID],
    changes: dict[str, Any],
    refusal: type[AppError],
) -> None:
    above = parent()
    before = rows_of_all_tables(connected.owner_url)

    with pytest.raises(refusal):
        opened(above, **changes)

    assert rows_of_all_tables(connected.owner_url) == before


def test_a_name_that_is_taken_is_refused() -> None:
    parent = a_priced_reseller()

    with pytest.raises(SlugTakenError):
        opened(parent, slug=parent.slug)

    assert below(parent) == []


def test_only_an_owner_of_the_parents_staff_and_the_platform_may() -> None:
    parent, other = a_priced_reseller(), a_priced_reseller()
    member = a_staff_user(parent)
    with transaction(scope_of(parent)) as session:
        session.execute(
            update(StaffUser).where(StaffUser.id == member.id).values(role="accounting")
        )
    strangers = [
        Actor(Realm.STAFF.value, member.id),
        Actor(Realm.STAFF.value, a_staff_user(other).id),
        Actor(Realm.STAFF.value, None),
        Actor(Realm.CUSTOMER.value, a_staff_user(parent).id),
        Actor("api", new_id()),
    ]

    for actor in strangers:
        with pytest.raises(OwnerNeededError):
            opened(parent, actor=actor)
    assert below(parent) == []

    for actor in (Actor(Realm.STAFF.value, a_staff_user(parent).id), Actor("platform", new_id())):
        opened(parent, actor=actor)
    assert len(below(parent)) == 2


@pytest.mark.parametrize(
    ("slug", "refusal"),
    [
        ("scheisse", NameOffensiveError),
        ("adm1n", LookalikeError),
        ("zahlung-bei-{platform}", LookalikeError),
        ("{parent}-", LookalikeError),
        ("{parent}", SlugTakenError),
    ],
)
def test_a_name_that_no_stranger_may_choose_opens_nothing(
    slug: str, refusal: type[AppError]
) -> None:
    platform, parent = a_platform(), a_priced_reseller()
    own = slug_from(platform.name)
    chosen = slug.format(platform=own, parent=parent.slug)
    if chosen.endswith("-"):
        chosen = parent.slug.replace("-", "", 1)

    with pytest.raises(refusal):
        opened(parent, slug=chosen)

    with transaction(scope_of(parent)) as session:
        assert list_sub_resellers(session, scope_of(parent)) == []
