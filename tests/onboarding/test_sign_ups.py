"""From the form to a site on trial."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select

from app import branding, commissions, onboarding, pricing, tenancy
from app.audit import AuditRecord
from app.identity import (
    OWNER_ROLE,
    EmailTakenError,
    InvalidEmailError,
    Realm,
    StaffUser,
    WeakPasswordError,
    sign_in,
)
from app.kernel import AppError, OutboxEvent, now, transaction
from app.onboarding import (
    LINK_LIFETIME,
    AcceptanceMissingError,
    CompanyRefusedError,
    CountryRefusedError,
    ResellerApplication,
    SignUpClosedError,
    SignUpNotFoundError,
)
from app.tenancy import (
    PLATFORM_ID,
    LookalikeError,
    NameOffensiveError,
    PlatformScope,
    PublicScope,
    SlugRefusedError,
    SlugTakenError,
    Tenant,
    TenantScope,
    TenantState,
)
from tests.factories import PASSWORD, a_reseller, a_staff_user, scope_of, unique
from tests.factories.races import all_at_once, answers
from tests.factories.sign_ups import (
    NAMES_OF_THE_PLATFORM,
    a_trial,
    a_wish,
    confirmed,
    sent,
    some_terms,
)

pytestmark = pytest.mark.usefixtures("connected")

_PLATFORM = PlatformScope()


def stored(application_id: UUID | None) -> ResellerApplication:
    with transaction(_PLATFORM) as session:
        return session.get_one(ResellerApplication, application_id)


def applications_of(email: str) -> int:
    with transaction(_PLATFORM) as session:
        mine = ResellerApplication.email == email
        return session.scalar(select(func.count()).where(mine)) or 0


def events(reseller_id: UUID, kind: str) -> list[str]:
    with transaction(_PLATFORM) as session:
        bodies = session.scalars(
            select(OutboxEvent.body).where(
                OutboxEvent.reseller_id == reseller_id, OutboxEvent.kind == kind
            )
        )
        return [body["application_id"] for body in bodies]


def test_a_sign_up_waits_for_its_address_and_opens_nothing() -> None:
    wish, terms = a_wish(), some_terms()

    application_id = sent(wish, terms)

    kept = stored(application_id)
    assert (kept.company, kept.slug, kept.state) == (wish.company, wish.slug, "unconfirmed")
    assert (kept.terms_version, kept.data_processing_version) == ("2026-11", "7")
    assert kept.password_hash is not None
    assert PASSWORD not in kept.password_hash
    assert str(application_id) in events(PLATFORM_ID, "sign_up_made")
    with pytest.raises(tenancy.TenantNotFoundError), transaction(_PLATFORM) as session:
        tenancy.get_reseller(session, _PLATFORM, slug=wish.slug)


def test_a_confirmed_sign_up_has_a_site_on_trial_that_looks_and_sells() -> None:
    terms, at = some_terms(), now()
    wish = a_wish()

    confirmed(sent(wish, terms, at=at), terms, at=at)

    with transaction(_PLATFORM) as session:
        tenant = tenancy.get_reseller(session, _PLATFORM, slug=wish.slug)
        site = tenancy.find_site(
            session, PublicScope(), host=f"{wish.slug}.kontor.test", platform_domain="kontor.test"
        )
    scope = scope_of(tenant)
    with transaction(scope) as session:
        look = branding.find_brand(session, scope)
        sold = pricing.sold_offers(session, scope)
        agreed = commissions.agreements_of(session, scope)
        changes = tenancy.state_changes(session, scope)
    assert (tenant.state, tenant.trial_ends_at) == ("trial", at + timedelta(days=30))
    assert site is not None
    assert (site.state, site.is_closed) == (TenantState.TRIAL, False)
    assert look is not None
    assert (look.name, look.tokens.accent, look.language) == (wish.company, "#b5541c", "de")
    assert look.support_email == ""
    assert [slug for _, slug in sold] == [terms.plan]
    assert [each.rate for each in agreed.values()] == [terms.commission]
    assert [change.cause for change in changes] == ["trial_begun"]


def test_the_founder_owns_her_site_and_signs_in_with_the_password_she_chose() -> None:
    wish, terms = a_wish(), some_terms()

    application = confirmed(sent(wish, terms), terms)

    assert application.reseller_id is not None
    assert application.password_hash is None
    scope = TenantScope(application.reseller_id)
    with transaction(scope) as session:
        owner = session.scalars(select(StaffUser)).one()
        token = sign_in(
            session,
            scope,
            realm=Realm.STAFF,
            email=wish.email,
            password=PASSWORD,
            host=f"{wish.slug}.kontor.test",
            now=now(),
        )
    assert (owner.role, bool(token)) == (OWNER_ROLE, True)
    assert events(application.reseller_id, "trial_begun") == [str(application.id)]


def test_the_same_form_sent_twice_is_one_sign_up() -> None:
    wish, terms = a_wish(), some_terms()

    both = answers(all_at_once([lambda: sent(wish, terms), lambda: sent(wish, terms)]))

    assert both[0] == both[1] is not None
    assert applications_of(wish.email) == 1


def test_a_mistyped_address_is_put_right_and_the_first_link_is_worthless() -> None:
    wish, terms = a_wish(), some_terms()
    mistyped = sent(replace(wish, email=f"typo@{unique('typo')}.example"), terms)

    right = sent(wish, terms)

    assert stored(right).email == wish.email
    with pytest.raises(SignUpNotFoundError):
        confirmed(mistyped, terms)


def test_one_form_sent_with_two_addresses_in_turn_passes_no_limit() -> None:
    wish, terms = a_wish(), some_terms()
    other = replace(wish, email=f"other@{unique('other')}.example")

    made = [sent(each, terms) for each in [wish, other] * 5]

    # Her last one sent again is that one still; the other address has had its share.
    assert len(set(made[:6])) == 6
    assert made[6:] == [None, made[5]] * 2
    told = set(events(PLATFORM_ID, "sign_up_made"))
    assert {str(each) for each in made if each} <= told
    assert stored(made[5]).state == "unconfirmed"
    assert applications_of(wish.email) == applications_of(other.email) == terms.per_address
    for replaced in made[:5]:
        with pytest.raises(SignUpNotFoundError):
            confirmed(replaced, terms)
    confirmed(made[5], terms)


def test_a_link_that_is_followed_twice_opens_one_site() -> None:
    wish, terms = a_wish(), some_terms()
    application_id = sent(wish, terms)

    opened = answers(all_at_once([lambda: confirmed(application_id, terms)] * 2))

    assert len({each.reseller_id for each in opened}) == 1 < len(opened)
    with transaction(_PLATFORM) as session:
        named = select(func.count()).where(Tenant.slug == wish.slug)
        assert session.scalar(named) == 1


def test_an_old_link_and_an_invented_one_open_nothing() -> None:
    wish, terms, at = a_wish(), some_terms(), now()
    application_id = sent(wish, terms, at=at)

    for each, moment in ((application_id, at + LINK_LIFETIME), (uuid4(), at)):
        with pytest.raises(SignUpNotFoundError):
            confirmed(each, terms, at=moment)

    assert stored(application_id).reseller_id is None


@pytest.mark.parametrize(
    ("changes", "refusal", "field"),
    [
        ({"company": "  "}, CompanyRefusedError, "company"),
        ({"name": ""}, AppError, "name"),
        ({"email": "sina"}, InvalidEmailError, "email"),
        ({"password": "short"}, WeakPasswordError, "password"),
        ({"slug": "Admin"}, SlugRefusedError, "slug"),
        ({"slug": "admin"}, SlugRefusedError, "slug"),
        ({"slug": "adm1n"}, LookalikeError, "slug"),
        ({"slug": "scheisse"}, NameOffensiveError, "slug"),
        ({"slug": "kontor-hilfe"}, LookalikeError, "slug"),
        ({"country": "XX"}, CountryRefusedError, "country"),
        ({"accent": "red;}"}, AppError, "accent"),
        ({"accepts_terms": False}, AcceptanceMissingError, "terms"),
        ({"accepts_data_processing": False}, AcceptanceMissingError, "data_processing"),
    ],
)
def test_what_cannot_be_is_refused_by_its_field_and_nothing_is_kept(
    changes: dict[str, object], refusal: type[AppError], field: str
) -> None:
    wish = a_wish(**{"email": f"{unique('sina')}@example.com", **changes})

    with pytest.raises(refusal) as refused:
        sent(wish)

    assert refused.value.facts["field"] == field
    assert applications_of(wish.email) == 0


def test_a_taken_name_one_that_is_waited_for_and_their_look_alikes_are_refused() -> None:
    taken = a_reseller(unique("lilo")).slug
    waiting = a_wish(slug=unique("lilo"))
    sent(waiting)
    wishes = [taken, taken.replace("lilo", "1i1o"), waiting.slug, waiting.slug.replace("o", "0", 1)]

    for slug in wishes:
        with pytest.raises((SlugTakenError, LookalikeError)):
            sent(a_wish(slug=slug))


def test_a_name_is_free_again_once_nobody_confirmed_it() -> None:
    wish, at = a_wish(), now()
    sent(wish, at=at)

    again = sent(a_wish(slug=wish.slug), at=at + LINK_LIFETIME)

    assert again is not None


def test_a_name_that_was_lost_meanwhile_is_replaced_at_the_confirmation() -> None:
    wish, terms, other = a_wish(), some_terms(), unique("anders")
    application_id = sent(wish, terms)
    a_reseller(wish.slug)

    with pytest.raises(SlugTakenError) as refused:
        confirmed(application_id, terms)
    application = confirmed(application_id, terms, slug=other)

    assert refused.value.facts["field"] == "slug"
    assert application.slug == other


def test_a_known_address_signs_up_like_an_unknown_one_and_owns_accounts_apart() -> None:
    email = f"{unique('sina')}@gmail.com"
    other = a_reseller()
    a_staff_user(other, email=email)

    (first, _), (second, _) = a_trial(email=email), a_trial(email=email)

    with transaction(_PLATFORM) as session:
        owners = session.scalars(select(StaffUser).where(StaffUser.email == email)).all()
    assert {each.reseller_id for each in owners} == {other.id, first.id, second.id}


@pytest.mark.parametrize("domain", ["gmail.com", "own"])
def test_one_address_signs_up_a_few_times_a_day_and_then_is_told_nothing_else(
    domain: str,
) -> None:
    at, terms = now(), some_terms()
    host = domain if domain != "own" else f"{unique('firma')}.example"
    email = f"{unique('sina')}@{host}"

    made = [sent(a_wish(email=email), terms, at=at) for _ in range(5)]
    tomorrow = sent(a_wish(email=email), terms, at=at + timedelta(days=1, minutes=1))

    assert [each is not None for each in made] == [True, True, True, False, False]
    assert applications_of(email) == 4
    assert tomorrow is not None


def test_one_company_is_limited_by_its_domain_and_a_public_mailbox_is_not() -> None:
    terms, company = some_terms(per_domain=2), f"{unique('firma')}.example"

    of_company = [sent(a_wish(email=f"{unique('a')}@{company}"), terms) for _ in range(3)]
    of_public = [sent(a_wish(email=f"{unique('a')}@web.de"), terms) for _ in range(3)]

    assert [each is not None for each in of_company] == [True, True, False]
    assert None not in of_public


def test_without_a_plan_nobody_signs_up() -> None:
    wish = a_wish()

    with pytest.raises(SignUpClosedError):
        sent(wish, some_terms(plan=""))

    assert applications_of(wish.email) == 0


def test_a_company_is_offered_a_name_that_is_free() -> None:
    company = unique("Lilofunk").replace("-", "")
    at = now()

    def offered() -> str:
        with transaction(_PLATFORM) as session:
            return onboarding.suggest_name(
                session,
                _PLATFORM,
                company=f"{company} GmbH",
                platform_names=NAMES_OF_THE_PLATFORM,
                now=at,
            )

    first = offered()
    a_reseller(first)

    assert first == company.lower()
    assert offered() == f"{company.lower()}-2"


def test_the_audit_trail_holds_versions_and_no_person() -> None:
    tenant, application = a_trial()

    with transaction(scope_of(tenant)) as session:
        record = session.scalars(
            select(AuditRecord).where(AuditRecord.action == "onboarding.trial_begun")
        ).one()

    assert record.facts == {"terms": "2026-11", "data_processing": "7"}
    assert application.email not in str(record.facts)


def test_an_address_that_staff_of_the_reseller_has_cannot_be_added_twice() -> None:
    tenant, application = a_trial()

    with pytest.raises(EmailTakenError):
        a_staff_user(tenant, email=application.email)
