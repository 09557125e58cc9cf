"""A forgotten password: one link, one hour, once, and the same for everybody who asks."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select

from app.audit import AuditRecord
from app.identity import (
    AccountLink,
    AnyUser,
    InvalidEmailError,
    LinkExpiredError,
    LinkPurpose,
    LinkRefusedError,
    LinkSupersededError,
    LinkUnknownError,
    LinkUsedError,
    Realm,
    RealmScopeError,
    SignInRefusedError,
    SignInScope,
    WeakPasswordError,
    find_api_key,
    find_signed_in,
    invite_staff_user,
    read_password_reset,
    request_password_reset,
    reset_password,
    sign_in,
)
from app.identity.models import StaffRole
from app.kernel import OutboxEvent, now, transaction
from app.tenancy import PLATFORM_ID, PlatformScope, Tenant
from tests.conftest import Database
from tests.factories import (
    PASSWORD,
    a_customer,
    a_customer_user,
    a_platform_user,
    a_reseller,
    a_staff_user,
    an_api_key,
    scope_of,
    unique,
)
from tests.factories.counts import rows_of_all_tables
from tests.factories.links import deliver, links_to
from tests.web.portals import queries

pytestmark = pytest.mark.usefixtures("connected")
NEW = "a new password, longer"
HOST = "brand.test"


@pytest.fixture
def reseller(connected: object) -> Tenant:
    return a_reseller()


def ask(scope: SignInScope, realm: Realm, email: str, *, at: datetime | None = None) -> None:
    with transaction(scope) as session:
        request_password_reset(session, scope, realm=realm, email=email, now=at or now())


def use(
    scope: SignInScope,
    realm: Realm,
    link_id: UUID,
    *,
    password: str = NEW,
    at: datetime | None = None,
) -> None:
    with transaction(scope) as session:
        reset_password(
            session, scope, realm=realm, link_id=link_id, password=password, now=at or now()
        )


def can_sign_in(scope: SignInScope, realm: Realm, email: str, password: str) -> str | None:
    try:
        with transaction(scope) as session:
            return sign_in(
                session, scope, realm=realm, email=email, password=password, host=HOST, now=now()
            ).token
    except SignInRefusedError:
        return None


def a_user(realm: Realm, reseller: Tenant) -> tuple[SignInScope, AnyUser, Tenant | None]:
    if realm is Realm.PLATFORM:
        return PlatformScope(), a_platform_user(), None
    if realm is Realm.STAFF:
        return scope_of(reseller), a_staff_user(reseller), reseller
    return scope_of(reseller), a_customer_user(a_customer(reseller)), reseller


def a_sent_link(scope: SignInScope, realm: Realm, email: str, of: Tenant | None) -> AccountLink:
    ask(scope, realm, email)
    link = links_to(email, reseller=of)[-1]
    assert deliver(link) is not None
    return link


@pytest.mark.parametrize("realm", Realm)
def test_a_link_sets_a_new_password_and_ends_every_session(realm: Realm, reseller: Tenant) -> None:
    scope, user, of = a_user(realm, reseller)
    token = can_sign_in(scope, realm, user.email, PASSWORD)
    assert token is not None
    link = a_sent_link(scope, realm, user.email.upper(), of)

    use(scope, realm, link.id)

    with transaction(scope) as session:
        held = find_signed_in(session, scope, realm=realm, token=token, host=HOST, now=now())
    assert held is None
    assert can_sign_in(scope, realm, user.email, PASSWORD) is None
    assert can_sign_in(scope, realm, user.email, NEW) is not None


def test_a_reset_leaves_api_keys_alone_and_is_told_and_audited(reseller: Tenant) -> None:
    scope, user = scope_of(reseller), a_staff_user(reseller)
    _, secret = an_api_key(reseller)
    link = a_sent_link(scope, Realm.STAFF, user.email, reseller)

    use(scope, Realm.STAFF, link.id)

    with transaction(scope) as session:
        holder = find_api_key(session, scope, secret=secret)
        kinds = select(OutboxEvent).where(OutboxEvent.reseller_id == reseller.id)
        told = [event.body for event in session.scalars(kinds) if event.kind == "security_changed"]
        query = select(AuditRecord.action).where(AuditRecord.actor_id == user.id)
        actions = session.scalars(query).all()
    assert holder is not None
    assert told == [{"realm": "staff", "user_id": str(user.id), "what": "password_changed"}]
    assert "identity.password_reset" in actions


def test_a_used_link_says_so(reseller: Tenant) -> None:
    scope, user = scope_of(reseller), a_customer_user(a_customer(reseller))
    link = a_sent_link(scope, Realm.CUSTOMER, user.email, reseller)
    use(scope, Realm.CUSTOMER, link.id)

    with pytest.raises(LinkUsedError):
        use(scope, Realm.CUSTOMER, link.id, password="yet another password")

    assert can_sign_in(scope, Realm.CUSTOMER, user.email, NEW) is not None


def test_a_newer_link_ends_the_one_before(reseller: Tenant) -> None:
    scope, user = scope_of(reseller), a_customer_user(a_customer(reseller))
    first = a_sent_link(scope, Realm.CUSTOMER, user.email, reseller)
    second = a_sent_link(scope, Realm.CUSTOMER, user.email, reseller)

    with pytest.raises(LinkSupersededError):
        use(scope, Realm.CUSTOMER, first.id)
    use(scope, Realm.CUSTOMER, second.id)

    assert can_sign_in(scope, Realm.CUSTOMER, user.email, NEW) is not None


def test_a_link_works_for_an_hour(reseller: Tenant) -> None:
    scope, user = scope_of(reseller), a_customer_user(a_customer(reseller))
    link = a_sent_link(scope, Realm.CUSTOMER, user.email, reseller)
    over = link.created_at + timedelta(hours=1)

    with pytest.raises(LinkExpiredError):
        use(scope, Realm.CUSTOMER, link.id, at=over)
    use(scope, Realm.CUSTOMER, link.id, at=over - timedelta(seconds=1))

    assert can_sign_in(scope, Realm.CUSTOMER, user.email, NEW) is not None


def test_a_weak_password_leaves_link_and_account_as_they_are(reseller: Tenant) -> None:
    scope, user = scope_of(reseller), a_customer_user(a_customer(reseller))
    link = a_sent_link(scope, Realm.CUSTOMER, user.email, reseller)

    with pytest.raises(WeakPasswordError):
        use(scope, Realm.CUSTOMER, link.id, password="short")

    assert can_sign_in(scope, Realm.CUSTOMER, user.email, PASSWORD) is not None
    use(scope, Realm.CUSTOMER, link.id)


def test_a_link_of_another_site_or_realm_is_none(reseller: Tenant) -> None:
    email = f"{unique('both')}@example.com"
    customer = a_customer_user(a_customer(reseller), email=email)
    a_staff_user(reseller, email=email)
    other = a_reseller()
    a_customer_user(a_customer(other), email=email)
    link = a_sent_link(scope_of(reseller), Realm.CUSTOMER, email, reseller)

    for scope, realm in ((scope_of(other), Realm.CUSTOMER), (scope_of(reseller), Realm.STAFF)):
        with pytest.raises(LinkUnknownError):
            use(scope, realm, link.id)
    with pytest.raises(LinkUnknownError):
        use(PlatformScope(), Realm.PLATFORM, link.id)

    assert can_sign_in(scope_of(other), Realm.CUSTOMER, email, PASSWORD) is not None
    assert can_sign_in(scope_of(reseller), Realm.STAFF, email, PASSWORD) is not None
    assert customer.email == email


@pytest.mark.parametrize("realm", Realm)
def test_an_unknown_address_costs_what_a_known_one_does(
    realm: Realm, reseller: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    scope, user, _ = a_user(realm, reseller)
    hashes: list[str] = []
    for name in ("hash", "verify"):
        monkeypatch.setattr(PasswordHasher, name, lambda *_: hashes.append("hashed"))

    with queries() as for_known:
        ask(scope, realm, user.email)
    with queries() as for_unknown:
        ask(scope, realm, f"{unique('nobody')}@example.com")

    assert [query.split()[0] for query in for_known] == [query.split()[0] for query in for_unknown]
    assert len(for_known) == len(for_unknown) > 0
    assert hashes == []


def test_an_unknown_address_is_forgotten_and_nothing_is_sent(reseller: Tenant) -> None:
    email = f"{unique('nobody')}@example.com"
    ask(scope_of(reseller), Realm.CUSTOMER, email)
    (link,) = links_to(email, reseller=reseller)

    letter = deliver(link)

    assert letter is None
    assert links_to(email, reseller=reseller) == []


def test_before_it_is_looked_up_a_link_for_an_unknown_address_opens_nothing(
    reseller: Tenant,
) -> None:
    email = f"{unique('nobody')}@example.com"
    ask(scope_of(reseller), Realm.CUSTOMER, email)
    (link,) = links_to(email, reseller=reseller)

    with pytest.raises(LinkRefusedError):
        use(scope_of(reseller), Realm.CUSTOMER, link.id)


def test_whoever_was_only_invited_gets_no_reset(reseller: Tenant) -> None:
    scope, email = scope_of(reseller), f"{unique('kim')}@example.com"
    with transaction(scope) as session:
        invite_staff_user(
            session, scope, email=email, name="Kim", role=StaffRole.SUPPORT, now=now()
        )
    ask(scope, Realm.STAFF, email)

    letters = [deliver(link) for link in links_to(email, reseller=reseller)]

    assert [letter.purpose for letter in letters if letter] == [LinkPurpose.INVITATION]


def test_nobody_is_flooded_and_the_last_link_that_was_sent_stays_good(reseller: Tenant) -> None:
    scope, user = scope_of(reseller), a_customer_user(a_customer(reseller))
    start = now()
    letters = []
    for minute in range(7):
        ask(scope, Realm.CUSTOMER, user.email, at=start + timedelta(minutes=minute))
        letters.append(deliver(links_to(user.email, reseller=reseller)[-1]))
    last = links_to(user.email, reseller=reseller)[-1]

    use(scope, Realm.CUSTOMER, last.id)

    assert [letter is not None for letter in letters] == [True] * 5 + [False] * 2
    assert len(links_to(user.email, reseller=reseller)) == 5
    assert can_sign_in(scope, Realm.CUSTOMER, user.email, NEW) is not None
    ask(scope, Realm.CUSTOMER, user.email, at=start + timedelta(hours=2))
    assert deliver(links_to(user.email, reseller=reseller)[-1]) is not None


def test_a_flood_that_comes_at_once_leaves_the_link_that_was_sent(reseller: Tenant) -> None:
    scope, user = scope_of(reseller), a_customer_user(a_customer(reseller))
    start = now()
    for minute in range(5):
        ask(scope, Realm.CUSTOMER, user.email, at=start + timedelta(minutes=minute))
        assert deliver(links_to(user.email, reseller=reseller)[-1]) is not None
    sent = links_to(user.email, reseller=reseller)[-1]
    for minute in range(5, 9):
        ask(scope, Realm.CUSTOMER, user.email, at=start + timedelta(minutes=minute))
    waiting = links_to(user.email, reseller=reseller)[5:]

    letters = [deliver(link) for link in waiting]

    assert letters == [None] * 4
    assert len(links_to(user.email, reseller=reseller)) == 5
    use(scope, Realm.CUSTOMER, sent.id)


def test_what_is_no_address_is_refused(reseller: Tenant, connected: Database) -> None:
    before = rows_of_all_tables(connected.owner_url)

    with pytest.raises(InvalidEmailError):
        ask(scope_of(reseller), Realm.CUSTOMER, "no address")

    assert rows_of_all_tables(connected.owner_url) == before


def test_a_reader_sees_whose_password_it_is(reseller: Tenant) -> None:
    scope, user = scope_of(reseller), a_staff_user(reseller)
    link = a_sent_link(scope, Realm.STAFF, user.email, reseller)

    with transaction(scope) as session:
        found = read_password_reset(session, scope, realm=Realm.STAFF, link_id=link.id, now=now())

    assert found.id == user.id


def test_a_letter_tells_whom_and_what_for(reseller: Tenant) -> None:
    user = a_platform_user()
    ask(PlatformScope(), Realm.PLATFORM, user.email)
    (link,) = links_to(user.email)

    letter, again = deliver(link), deliver(link)

    assert letter is not None
    assert letter == again
    assert (letter.purpose, letter.realm) == (LinkPurpose.PASSWORD_RESET, Realm.PLATFORM)
    assert (letter.user_id, letter.address, letter.name) == (user.id, user.email, user.name)
    assert link.reseller_id == PLATFORM_ID


def test_a_realm_of_another_scope_is_a_bug(reseller: Tenant) -> None:
    scope, user = scope_of(reseller), a_staff_user(reseller)
    link = a_sent_link(scope, Realm.STAFF, user.email, reseller)

    with pytest.raises(RealmScopeError), transaction(scope) as session:
        sign_in(
            session, scope, realm=Realm.PLATFORM, email=user.email, password=PASSWORD,
            host=HOST, now=now(),
        )  # fmt: skip

    assert links_to(user.email, reseller=reseller)[-1].used_at is link.used_at is None
