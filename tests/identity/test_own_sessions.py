"""A person's own account: sessions, password, browsers that are known again."""

from contextlib import suppress
from datetime import datetime, timedelta
from threading import Thread
from uuid import UUID

import pytest
from sqlalchemy import select

from app.identity import (
    BROWSER_LIFETIME,
    CustomerUser,
    LinkRefusedError,
    OwnSession,
    Realm,
    SessionNotFoundError,
    SignedIn,
    SignInRefusedError,
    WeakPasswordError,
    WrongPasswordError,
    change_password,
    end_other_sessions,
    end_session,
    find_signed_in,
    is_seen_long_ago,
    list_sessions,
    note_seen,
    rename_self,
    request_password_reset,
    reset_password,
    sign_in,
)
from app.identity.second_step_rules import browser_hash
from app.identity.sign_in_models import KnownBrowser
from app.kernel import now, transaction
from app.kernel.outbox import OutboxEvent
from app.tenancy import PlatformScope, TenantScope
from tests.factories import (
    PASSWORD,
    a_customer,
    a_customer_user,
    a_platform,
    a_platform_user,
    a_reseller,
)
from tests.factories.links import deliver, links_to

pytestmark = pytest.mark.usefixtures("connected")
HOST = "nordlicht.kontor.test"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:146.0) Gecko/20100101 Firefox/146.0"
NEW_PASSWORD = "another good password"


def a_person() -> tuple[CustomerUser, TenantScope]:
    user = a_customer_user(a_customer(a_reseller()))
    return user, TenantScope(user.reseller_id)


def enter(
    user: CustomerUser,
    *,
    password: str = PASSWORD,
    browser: str = "",
    agent: str = "",
    at: datetime | None = None,
) -> str:
    scope = TenantScope(user.reseller_id)
    with transaction(scope) as session:
        return sign_in(
            session, scope, realm=Realm.CUSTOMER, email=user.email, password=password,
            host=HOST, now=at or now(), agent=agent, browser=browser,
        ).token  # fmt: skip


def holder(user: CustomerUser, token: str) -> SignedIn | None:
    scope = TenantScope(user.reseller_id)
    with transaction(scope) as session:
        return find_signed_in(
            session, scope, realm=Realm.CUSTOMER, token=token, host=HOST, now=now()
        )


def sessions_of(user: CustomerUser, token: str) -> list[OwnSession]:
    scope = TenantScope(user.reseller_id)
    with transaction(scope) as session:
        return list(
            list_sessions(
                session, scope, realm=Realm.CUSTOMER, user_id=user.id, token=token, now=now()
            )
        )


def told(reseller_id: UUID) -> list[str]:
    with transaction(PlatformScope()) as session:
        events = session.scalars(
            select(OutboxEvent)
            .where(OutboxEvent.reseller_id == reseller_id, OutboxEvent.kind == "security_changed")
            .order_by(OutboxEvent.id)
        ).all()
    return [each.body["what"] for each in events]


def test_sessions_are_listed_with_browser_and_host_this_one_first() -> None:
    user, _ = a_person()
    this = enter(user, agent=FIREFOX)
    enter(user, agent="unheard of")
    other = a_person()[0]
    enter(other)

    listed = sessions_of(user, this)

    assert [(each.browser, each.host, each.is_this) for each in listed] == [
        ("Firefox/Linux", HOST, True),
        ("", HOST, False),
    ]


def test_one_session_is_ended_and_the_others_live() -> None:
    user, scope = a_person()
    this, lost, kept = (enter(user) for _ in range(3))
    name = next(each.name for each in sessions_of(user, lost) if each.is_this)

    with transaction(scope) as session:
        end_session(session, scope, realm=Realm.CUSTOMER, user_id=user.id, name=name, now=now())

    assert holder(user, lost) is None
    assert holder(user, this)
    assert holder(user, kept)


def test_nobody_ends_somebody_elses_session() -> None:
    user, scope = a_person()
    victim, _ = a_person()
    token = enter(victim)
    name = next(each.name for each in sessions_of(victim, token))

    for wanted in (name, "no name", "00"):
        with pytest.raises(SessionNotFoundError), transaction(scope) as session:
            end_session(
                session, scope, realm=Realm.CUSTOMER, user_id=user.id, name=wanted, now=now()
            )

    assert holder(victim, token)


def test_all_others_end_and_the_person_is_told() -> None:
    user, scope = a_person()
    this, *others = (enter(user) for _ in range(3))

    with transaction(scope) as session:
        ended = end_other_sessions(
            session, scope, realm=Realm.CUSTOMER, user_id=user.id, token=this, now=now()
        )
    with transaction(scope) as session:
        again = end_other_sessions(
            session, scope, realm=Realm.CUSTOMER, user_id=user.id, token=this, now=now()
        )

    assert (ended, again) == (2, 0)
    assert holder(user, this)
    assert [holder(user, token) for token in others] == [None, None]
    assert told(user.reseller_id) == ["sessions_ended"]


def test_an_admin_lists_and_ends_sessions_like_everybody() -> None:
    a_platform()
    admin, scope = a_platform_user(), PlatformScope()
    with transaction(scope) as session:
        this, _other = (
            sign_in(
                session, scope, realm=Realm.PLATFORM, email=admin.email, password=PASSWORD,
                host=HOST, now=now(),
            ).token
            for _ in range(2)
        )  # fmt: skip

    with transaction(scope) as session:
        ended = end_other_sessions(
            session, scope, realm=Realm.PLATFORM, user_id=admin.id, token=this, now=now()
        )
        left = list_sessions(
            session, scope, realm=Realm.PLATFORM, user_id=admin.id, token=this, now=now()
        )

    assert ended == 1
    assert [each.is_this for each in left] == [True]


def test_a_session_is_noted_as_seen_once_a_minute() -> None:
    user, scope = a_person()
    began = now() - timedelta(minutes=10)
    token = enter(user, at=began)

    before = holder(user, token)
    with transaction(scope) as session:
        note_seen(session, scope, token=token, now=began + timedelta(minutes=5))
    after = holder(user, token)

    assert before is not None
    assert after is not None
    assert before.last_seen_at == began
    assert after.last_seen_at == began + timedelta(minutes=5)
    assert not is_seen_long_ago(after, now=began + timedelta(minutes=5, seconds=59))
    assert is_seen_long_ago(after, now=began + timedelta(minutes=6))


def test_a_changed_password_ends_the_other_sessions_and_is_told() -> None:
    user, scope = a_person()
    this, other = enter(user), enter(user)

    with transaction(scope) as session:
        change_password(
            session, scope, realm=Realm.CUSTOMER, user_id=user.id, old=PASSWORD, new=NEW_PASSWORD,
            token=this, now=now(),
        )  # fmt: skip

    assert holder(user, this)
    assert holder(user, other) is None
    with pytest.raises(SignInRefusedError):
        enter(user)
    assert enter(user, password=NEW_PASSWORD)
    assert told(user.reseller_id) == ["password_changed"]


@pytest.mark.parametrize("is_looked_up", [True, False], ids=["sent", "on its way"])
def test_a_changed_password_ends_links_that_would_set_another(is_looked_up: bool) -> None:  # noqa: FBT001
    reseller = a_reseller()
    user, scope = a_customer_user(a_customer(reseller)), TenantScope(reseller.id)
    this = enter(user)
    with transaction(scope) as session:
        request_password_reset(session, scope, realm=Realm.CUSTOMER, email=user.email, now=now())
    (link,) = links_to(user.email, reseller=reseller)
    if is_looked_up:
        assert deliver(link) is not None

    with transaction(scope) as session:
        change_password(
            session, scope, realm=Realm.CUSTOMER, user_id=user.id, old=PASSWORD, new=NEW_PASSWORD,
            token=this, now=now(),
        )  # fmt: skip

    if not is_looked_up:
        assert deliver(link) is None
    with pytest.raises(LinkRefusedError), transaction(scope) as session:
        reset_password(
            session, scope, realm=Realm.CUSTOMER, link_id=link.id, password=PASSWORD, now=now()
        )
    assert enter(user, password=NEW_PASSWORD)


def test_whoever_types_the_old_password_while_it_is_changed_does_not_get_in() -> None:
    user, scope = a_person()
    this, opened = enter(user), []

    def sign_in_meanwhile() -> None:
        with suppress(SignInRefusedError):
            opened.append(enter(user))

    with transaction(scope) as session:
        change_password(
            session, scope, realm=Realm.CUSTOMER, user_id=user.id, old=PASSWORD, new=NEW_PASSWORD,
            token=this, now=now(),
        )  # fmt: skip
        thief = Thread(target=sign_in_meanwhile)
        thief.start()
        # Long enough for a password to be checked; it waits for us then.
        thief.join(timeout=1)
    thief.join()

    assert opened == []
    assert [each.is_this for each in sessions_of(user, this)] == [True]


@pytest.mark.parametrize(
    ("old", "new", "refusal"),
    [
        ("not the password", NEW_PASSWORD, WrongPasswordError),
        (PASSWORD, "short", WeakPasswordError),
    ],
)
def test_a_refused_password_changes_nothing(old: str, new: str, refusal: type[Exception]) -> None:
    user, scope = a_person()
    this, other = enter(user), enter(user)

    with pytest.raises(refusal), transaction(scope) as session:
        change_password(
            session, scope, realm=Realm.CUSTOMER, user_id=user.id, old=old, new=new,
            token=this, now=now(),
        )  # fmt: skip

    assert holder(user, other)
    assert enter(user)
    assert told(user.reseller_id) == []


def test_a_person_changes_what_she_is_called() -> None:
    user, scope = a_person()
    token = enter(user)

    with transaction(scope) as session:
        rename_self(session, scope, realm=Realm.CUSTOMER, user_id=user.id, name="  Anna Öz ")

    found = holder(user, token)
    assert found is not None
    assert found.name == "Anna Öz"


def test_a_browser_that_is_new_to_a_person_is_told_once() -> None:
    user, _ = a_person()

    for browser in ("first", "first", "second", "second", "first"):
        enter(user, browser=browser)

    assert told(user.reseller_id) == ["new_device"]


def test_two_people_in_one_browser_are_not_seen_to_be() -> None:
    user, _ = a_person()
    colleague = a_customer_user(a_customer(a_reseller()))
    enter(user, browser="shared")
    enter(user, browser="own")

    enter(colleague, browser="shared")

    assert told(colleague.reseller_id) == []
    assert told(user.reseller_id) == ["new_device"]


def test_the_first_browser_of_an_old_account_is_told() -> None:
    user, _ = a_person()

    enter(user, browser="first", at=now() + timedelta(days=2))

    assert told(user.reseller_id) == ["new_device"]


def test_a_browser_that_was_away_longer_than_its_cookie_lives_is_forgotten() -> None:
    user, scope = a_person()
    enter(user, browser="first")

    enter(user, browser="second", at=now() + BROWSER_LIFETIME + timedelta(days=1))

    with transaction(scope) as session:
        kept = session.scalars(
            select(KnownBrowser.browser_hash).where(KnownBrowser.reseller_id == user.reseller_id)
        ).all()
    assert kept == [browser_hash(user.id, "second")]
