"""Whoever registers becomes a customer by confirming her address, and by nothing else."""

from datetime import datetime, timedelta

import psycopg
import pytest
from argon2 import PasswordHasher
from sqlalchemy import select

from app.identity import (
    AccountLink,
    Customer,
    CustomerUser,
    LinkExpiredError,
    LinkPurpose,
    LinkSupersededError,
    LinkUsedError,
    NameRefusedError,
    OtherRegistrationError,
    Realm,
    Registration,
    RegistrationClosedError,
    ShownText,
    SignInRefusedError,
    TextKind,
    WeakPasswordError,
    confirm_registration,
    forget_links,
    invite_customer_user,
    is_registration_open,
    list_consents,
    list_customer_users,
    list_customers,
    read_password_reset,
    read_registration,
    register,
    set_registration,
    sign_in,
)
from app.kernel import AppError, now, transaction
from app.tenancy import PlatformScope, Tenant
from tests.conftest import Database
from tests.factories import (
    PASSWORD,
    a_customer,
    a_customer_user,
    a_reseller,
    scope_of,
    unique,
)
from tests.factories.counts import rows_of_all_tables
from tests.factories.links import deliver, links_to
from tests.web.portals import queries

pytestmark = pytest.mark.usefixtures("connected")
TERMS = ShownText(TextKind.TERMS, "Nordlicht", "https://nordlicht.example/terms-1")


@pytest.fixture
def reseller(connected: object) -> Tenant:
    made = a_reseller()
    open_to_all(made)
    return made


def open_to_all(reseller: Tenant, *, is_open: bool = True) -> None:
    with transaction(scope_of(reseller)) as session:
        set_registration(session, scope_of(reseller), is_open=is_open)


def send(
    reseller: Tenant,
    *,
    email: str | None = None,
    name: str = "Ida Ilves",
    company: str = "Ilves GmbH",
    password: str = PASSWORD,
    terms: ShownText | None = TERMS,
    at: datetime | None = None,
) -> AccountLink:
    address = email or f"{unique('ida')}@example.com"
    scope = scope_of(reseller)
    with transaction(scope) as session:
        register(
            session, scope, company=company, name=name, email=address, password=password,
            terms=terms, now=at or now(),
        )  # fmt: skip
    return links_to(address, reseller=reseller)[-1]


def confirm(
    reseller: Tenant, link: AccountLink, *, at: datetime | None = None, password: str = PASSWORD
) -> Customer:
    with transaction(scope_of(reseller)) as session:
        return confirm_registration(
            session, scope_of(reseller), link_id=link.id, password=password,
            number=unique("R"), now=at or now(),
        )  # fmt: skip


def users_at(reseller: Tenant, email: str) -> list[CustomerUser]:
    with transaction(scope_of(reseller)) as session:
        query = select(CustomerUser).where(
            CustomerUser.reseller_id == reseller.id, CustomerUser.email == email
        )
        return list(session.scalars(query))


def enters(reseller: Tenant, email: str) -> bool:
    try:
        with transaction(scope_of(reseller)) as session:
            return bool(
                sign_in(
                    session, scope_of(reseller), realm=Realm.CUSTOMER, email=email,
                    password=PASSWORD, host="brand.test", now=now(),
                )
            )  # fmt: skip
    except SignInRefusedError:
        return False


def test_until_the_reseller_says_so_registration_is_closed(connected: Database) -> None:
    reseller = a_reseller()
    before = rows_of_all_tables(connected.owner_url)

    with pytest.raises(RegistrationClosedError):
        send(reseller)

    assert rows_of_all_tables(connected.owner_url) == before
    open_to_all(reseller)
    send(reseller)
    open_to_all(reseller, is_open=False)
    with transaction(scope_of(reseller)) as session:
        assert not is_registration_open(session, scope_of(reseller))


def test_a_confirmed_address_becomes_a_customer_with_an_owner(reseller: Tenant) -> None:
    link = send(reseller)
    before = (enters(reseller, link.address), users_at(reseller, link.address))
    letter = deliver(link)

    customer = confirm(reseller, link)

    with transaction(scope_of(reseller)) as session:
        (owner,) = list_customer_users(session, scope_of(reseller), customer_id=customer.id)
        kept = session.scalars(select(Registration).where(Registration.id == link.id)).all()
    assert before == (False, [])
    assert letter is not None
    assert (letter.purpose, letter.user_id) == (LinkPurpose.EMAIL_CONFIRMATION, None)
    assert (letter.address, letter.name) == (link.address, "Ida Ilves")
    assert (customer.name, owner.role, owner.name) == ("Ilves GmbH", "owner", "Ida Ilves")
    assert enters(reseller, link.address)
    assert kept == []
    with pytest.raises(LinkUsedError):
        confirm(reseller, link)


def test_which_terms_were_accepted_and_when_is_kept_for_good(
    reseller: Tenant, connected: Database
) -> None:
    earlier = now() - timedelta(hours=5)
    first = confirm(reseller, send(reseller, at=earlier))
    newer = ShownText(TextKind.TERMS, "Nordlicht", "https://nordlicht.example/terms-2")
    second = confirm(reseller, send(reseller, terms=newer))
    without = confirm(reseller, send(reseller, terms=None))

    scope = scope_of(reseller)
    with transaction(scope) as session:
        (old,) = list_consents(session, scope, customer_id=first.id)
        (new,) = list_consents(session, scope, customer_id=second.id)
        none = list_consents(session, scope, customer_id=without.id)
    assert (old.content, old.accepted_at, old.title) == (TERMS.content, earlier, "Nordlicht")
    assert (new.kind, new.content) == (TextKind.TERMS, newer.content)
    assert none == []
    with psycopg.connect(connected.application_url, autocommit=True) as application:
        application.execute("SELECT set_config('app.reseller_id', %s, false)", [str(reseller.id)])
        for statement in (
            "UPDATE consents SET accepted_at = now()", "DELETE FROM consents",
            "UPDATE legal_texts SET content = ''", "DELETE FROM legal_texts",
        ):  # fmt: skip
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                application.execute(statement)


def test_an_address_with_an_account_gets_mail_and_no_second_one(reseller: Tenant) -> None:
    user = a_customer_user(a_customer(reseller))
    link = send(reseller, email=user.email.upper(), password="what a stranger would choose")

    letter = deliver(link)

    assert letter is not None
    assert (letter.purpose, letter.user_id) == (LinkPurpose.ACCOUNT_EXISTS, user.id)
    assert [each.id for each in users_at(reseller, user.email)] == [user.id]
    with transaction(scope_of(reseller)) as session:
        found = read_password_reset(
            session, scope_of(reseller), realm=Realm.CUSTOMER, link_id=link.id, now=now()
        )
    assert found.id == user.id
    hour_over = link.created_at + timedelta(hours=1)
    with pytest.raises(LinkExpiredError), transaction(scope_of(reseller)) as session:
        read_password_reset(
            session, scope_of(reseller), realm=Realm.CUSTOMER, link_id=link.id, now=hour_over
        )
    assert enters(reseller, user.email)


def test_a_known_address_costs_what_a_new_one_does(
    reseller: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = a_customer_user(a_customer(reseller)).email
    send(reseller)
    hashes: list[str] = []
    real = PasswordHasher.hash

    def counted(hasher: PasswordHasher, password: str) -> str:
        hashes.append(password)
        return real(hasher, password)

    monkeypatch.setattr(PasswordHasher, "hash", counted)

    with queries() as for_new:
        send(reseller)
    after_new = len(hashes)
    with queries() as for_known:
        send(reseller, email=known)

    assert after_new == len(hashes) - after_new == 1
    assert [query.split()[0] for query in for_known] == [query.split()[0] for query in for_new]


def test_the_address_of_a_customer_at_one_reseller_is_unknown_to_another(reseller: Tenant) -> None:
    user = a_customer_user(a_customer(a_reseller()))
    link = send(reseller, email=user.email)

    letter = deliver(link)

    assert letter is not None
    assert letter.purpose is LinkPurpose.EMAIL_CONFIRMATION
    confirm(reseller, link)
    assert len(users_at(reseller, user.email)) == 1


def test_whoever_was_invited_is_no_customer_by_registering(reseller: Tenant) -> None:
    customer, email, scope = a_customer(reseller), f"{unique('k')}@example.com", scope_of(reseller)
    with transaction(scope) as session:
        invite_customer_user(
            session, scope, customer_id=customer.id, email=email, name="Kim", now=now()
        )
    link = send(reseller, email=email)

    with pytest.raises(LinkSupersededError):
        confirm(reseller, link)

    assert deliver(link) is None
    assert [each.name for each in users_at(reseller, email)] == ["Kim"]


def test_the_newest_of_two_registrations_counts(reseller: Tenant) -> None:
    first = send(reseller, company="Erste")
    second = send(reseller, email=first.address, company="Zweite")

    with pytest.raises(LinkSupersededError):
        confirm(reseller, first)

    assert confirm(reseller, second).name == "Zweite"


def test_whose_password_it_is_not_opens_no_account_in_a_readers_name(
    reseller: Tenant, connected: Database
) -> None:
    hers = send(reseller)
    strangers = send(reseller, email=hers.address, password="what a stranger would choose")
    assert deliver(strangers) is not None
    before = rows_of_all_tables(connected.owner_url)

    with pytest.raises(OtherRegistrationError):
        confirm(reseller, strangers)

    assert rows_of_all_tables(connected.owner_url) == before
    again = send(reseller, email=hers.address)
    confirm(reseller, again)
    assert enters(reseller, hers.address)


def test_whoever_confirms_after_registration_was_closed_comes_too_late(
    reseller: Tenant, connected: Database
) -> None:
    link = send(reseller)
    open_to_all(reseller, is_open=False)
    before = rows_of_all_tables(connected.owner_url)

    with pytest.raises(RegistrationClosedError):
        confirm(reseller, link)

    assert rows_of_all_tables(connected.owner_url) == before


def test_a_confirmation_holds_for_three_days(reseller: Tenant) -> None:
    link = send(reseller)
    over = link.created_at + timedelta(days=3)

    with pytest.raises(LinkExpiredError):
        confirm(reseller, link, at=over)

    assert users_at(reseller, link.address) == []
    confirm(reseller, link, at=over - timedelta(seconds=1))


@pytest.mark.parametrize(
    ("wrong", "refusal"),
    [
        ({"password": "short"}, WeakPasswordError),
        ({"name": ""}, NameRefusedError),
        ({"company": "\n"}, NameRefusedError),
    ],
)
def test_a_refused_registration_leaves_nothing(
    reseller: Tenant, connected: Database, wrong: dict[str, str], refusal: type[AppError]
) -> None:
    before = rows_of_all_tables(connected.owner_url)

    with pytest.raises(refusal):
        send(reseller, **wrong)  # type: ignore[arg-type]

    assert rows_of_all_tables(connected.owner_url) == before


def test_what_was_typed_goes_with_its_link_when_it_is_long_over(reseller: Tenant) -> None:
    link = send(reseller, at=now() - timedelta(days=90))
    young = send(reseller)

    with transaction(PlatformScope()) as session:
        gone = forget_links(session, PlatformScope(), before=now() - timedelta(days=30))

    assert gone >= 1
    with transaction(scope_of(reseller)) as session:
        left = session.scalars(select(Registration.id)).all()
        found = read_registration(session, scope_of(reseller), link_id=young.id, now=now())
    assert link.id not in left
    assert found.company == "Ilves GmbH"


def test_a_registration_is_no_customer_of_the_list(reseller: Tenant) -> None:
    send(reseller)

    with transaction(scope_of(reseller)) as session:
        assert list_customers(session, scope_of(reseller)) == []
