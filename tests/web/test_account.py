"""The page of one's own account, the same in all three realms."""

import re
from base64 import b32decode

import pytest
from flask import Flask
from sqlalchemy import select

from app.identity import CustomerUser, PlatformUser, StaffUser
from app.identity.sign_in_models import SignInPolicy
from app.kernel import now, transaction
from app.tenancy import PlatformScope, TenantScope
from tests.apps import PLATFORM_DOMAIN, Browser
from tests.factories import (
    PASSWORD,
    AuthenticatorApp,
    a_customer,
    a_customer_user,
    a_platform,
    a_platform_user,
    a_reseller,
    a_second_factor,
    a_staff_user,
    unique,
)
from tests.web.portals import a_stranger, is_turned_away, text_of

ACCOUNTS = {
    "/login": "/portal/settings/account",
    "/reseller/login": "/reseller/account",
    "/admin/login": "/admin/account",
}
NEW_PASSWORD = "another good password"
FIREFOX = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:146.0) Firefox/146.0"}
Person = CustomerUser | StaffUser | PlatformUser


def a_person(login: str) -> tuple[str, Person]:
    """The host somebody signs in at, and who it is."""
    if login == "/admin/login":
        a_platform()
        return PLATFORM_DOMAIN, a_platform_user()
    reseller = a_reseller()
    host = f"{reseller.slug}.{PLATFORM_DOMAIN}"
    if login == "/reseller/login":
        return host, a_staff_user(reseller)
    return host, a_customer_user(a_customer(reseller))


@pytest.fixture(params=ACCOUNTS)
def login(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def account(login: str) -> str:
    return ACCOUNTS[login]


@pytest.fixture
def person(login: str) -> tuple[str, Person]:
    return a_person(login)


@pytest.fixture
def browser(app: Flask, login: str, person: tuple[str, Person]) -> Browser:
    host, user = person
    visitor = Browser(app, host)
    visitor.sign_in(user.email, at=login)
    return visitor


def test_strangers_and_people_of_other_realms_are_turned_away(app: Flask) -> None:
    reseller = a_reseller()
    customer = a_customer_user(a_customer(reseller))
    stranger, visitor = a_stranger(app, reseller), a_stranger(app, reseller)
    visitor.sign_in(customer.email)

    assert is_turned_away(stranger.get("/portal/settings/account"))
    assert is_turned_away(stranger.get("/reseller/account"))
    assert is_turned_away(visitor.get("/reseller/account"))
    assert visitor.get("/admin/account").status_code == 404
    assert is_turned_away(a_stranger(app).get("/admin/account"))


def test_the_page_says_who_one_is_and_where_one_is_signed_in(
    app: Flask, browser: Browser, login: str, account: str, person: tuple[str, Person]
) -> None:
    host, user = person
    Browser(app, host).post(login, {"email": user.email, "password": PASSWORD}, headers=FIREFOX)

    text = text_of(browser.get(account))

    assert user.email in text
    assert "Firefox auf Linux" in text
    assert "diese hier" in text
    assert host in text


def test_the_name_is_changed_and_a_refused_one_stays_typed(browser: Browser, account: str) -> None:
    name = unique("Anna Öz ")

    done = browser.post(account, {"form": "name", "name": name})
    page = browser.get(account).get_data(as_text=True)
    refused = browser.post(account, {"form": "name", "name": "x" * 201})

    assert (done.status_code, done.location) == (303, account)
    assert f'value="{name}"' in page
    assert refused.status_code == 422
    assert "x" * 201 in refused.get_data(as_text=True)


def test_the_password_is_changed_and_others_are_signed_out(
    app: Flask, browser: Browser, login: str, account: str, person: tuple[str, Person]
) -> None:
    host, user = person
    other = Browser(app, host)
    other.sign_in(user.email, at=login)

    wrong = browser.post(
        account, {"form": "password", "password": "not it at all", "new": NEW_PASSWORD}
    )
    weak = browser.post(account, {"form": "password", "password": PASSWORD, "new": "short"})
    still = other.get(account).status_code
    done = browser.post(account, {"form": "password", "password": PASSWORD, "new": NEW_PASSWORD})

    assert (wrong.status_code, weak.status_code, still) == (422, 422, 200)
    assert "nicht Ihr Passwort" in text_of(wrong)
    assert "not it at all" not in wrong.get_data(as_text=True)
    assert done.status_code == 303
    assert browser.get(account).status_code == 200
    assert is_turned_away(other.get(account))
    assert Browser(app, host).sign_in(user.email, at=login).status_code == 401
    again = Browser(app, host).sign_in(user.email, at=login, password=NEW_PASSWORD)
    assert again.status_code == 303


def test_a_second_factor_is_set_up_used_and_turned_off(
    app: Flask, browser: Browser, login: str, account: str, person: tuple[str, Person]
) -> None:
    host, user = person

    refused = browser.post(account, {"form": "factor_begin", "password": "not it at all"})
    begun = browser.post(account, {"form": "factor_begin", "password": PASSWORD})
    page = browser.get(account).get_data(as_text=True)
    apps = AuthenticatorApp(b32decode(_key_on(page)), ())
    wrong = browser.post(account, {"form": "factor_confirm", "code": apps.wrong_code(now())})
    done = browser.post(account, {"form": "factor_confirm", "code": apps.code(now())})
    codes = re.findall(r"<li><code>([0-9a-z-]{19})</code></li>", done.get_data(as_text=True))
    again = browser.get(account).get_data(as_text=True)
    asked = Browser(app, host).sign_in(user.email, at=login)
    off = browser.post(account, {"form": "factor_off", "password": PASSWORD})
    free = Browser(app, host).sign_in(user.email, at=login)

    assert (refused.status_code, begun.status_code, wrong.status_code) == (422, 303, 422)
    assert _key_on(wrong.get_data(as_text=True)) == _key_on(page)
    assert len(set(codes)) == 10
    assert done.headers["Cache-Control"] == "private, no-store"
    assert not any(code in again for code in codes)
    assert _key_on(again) == ""
    assert asked.location == f"{login}/code"
    assert off.status_code == 303
    assert not free.location.startswith(f"{login}/code")


def test_setting_up_can_be_put_off(browser: Browser, account: str) -> None:
    browser.post(account, {"form": "factor_begin", "password": PASSWORD})

    done = browser.post(account, {"form": "factor_cancel"})

    assert done.status_code == 303
    assert _key_on(browser.get(account).get_data(as_text=True)) == ""


def test_a_key_that_is_being_set_up_is_shown_in_that_session_alone(
    app: Flask, browser: Browser, login: str, account: str, person: tuple[str, Person]
) -> None:
    host, user = person
    other = Browser(app, host)
    other.sign_in(user.email, at=login)

    browser.post(account, {"form": "factor_begin", "password": PASSWORD})

    assert _key_on(browser.get(account).get_data(as_text=True))
    assert _key_on(other.get(account).get_data(as_text=True)) == ""


def test_new_recovery_codes_are_shown_once(
    browser: Browser, account: str, person: tuple[str, Person]
) -> None:
    old = a_second_factor(person[1]).recovery_codes

    refused = browser.post(account, {"form": "codes", "password": "not it at all"})
    page = browser.post(account, {"form": "codes", "password": PASSWORD}).get_data(as_text=True)
    codes = re.findall(r"<li><code>([0-9a-z-]{19})</code></li>", page)

    assert refused.status_code == 422
    assert len(set(codes)) == 10
    assert not set(codes) & set(old)
    assert "noch 10 Wiederherstellungscodes" in text_of(browser.get(account))


def test_one_session_is_ended_then_all_others(
    app: Flask, browser: Browser, login: str, account: str, person: tuple[str, Person]
) -> None:
    host, user = person
    others = [Browser(app, host) for _ in range(3)]
    for other in others:
        other.sign_in(user.email, at=login)
    names = re.findall(r'name="session" value="(\w+)"', browser.get(account).get_data(as_text=True))

    one = browser.post(account, {"form": "session_end", "session": names[0]})
    twice = browser.post(account, {"form": "session_end", "session": names[0]})
    left = [other.get(account).status_code for other in others].count(200)
    rest = browser.post(account, {"form": "sessions_end"})

    assert len(names) == 3
    assert (one.status_code, twice.status_code, left) == (303, 404, 2)
    assert rest.status_code == 303
    assert all(is_turned_away(other.get(account)) for other in others)
    assert browser.get(account).status_code == 200


def test_a_form_that_does_not_exist_is_refused(browser: Browser, account: str) -> None:
    assert browser.post(account, {"form": "nonsense"}).status_code == 400


def test_customers_demand_nothing_of_anybody(app: Flask) -> None:
    host, user = a_person("/login")
    browser = Browser(app, host)
    browser.sign_in(user.email)

    answer = browser.post("/portal/settings/account", {"form": "demand", "is_demanded": "1"})

    assert answer.status_code == 400


def test_an_owner_demands_it_and_then_nobody_turns_it_off(app: Flask) -> None:
    host, user = a_person("/reseller/login")
    a_second = a_second_factor(user)
    browser = Browser(app, host)
    browser.sign_in(user.email, at="/reseller/login")
    browser.post("/reseller/login/code", {"code": a_second.code(now())})

    done = browser.post("/reseller/account", {"form": "demand", "is_demanded": "1"})
    off = browser.post("/reseller/account", {"form": "factor_off", "password": PASSWORD})
    undone = browser.post("/reseller/account", {"form": "demand", "is_demanded": ""})
    off_now = browser.post("/reseller/account", {"form": "factor_off", "password": PASSWORD})

    assert (done.status_code, off.status_code) == (303, 409)
    assert (undone.status_code, off_now.status_code) == (303, 303)


def test_who_is_no_owner_demands_nothing(app: Flask) -> None:
    host, user = a_person("/reseller/login")
    assert isinstance(user, StaffUser)
    with transaction(TenantScope(user.reseller_id)) as session:
        row = session.scalar(select(StaffUser).where(StaffUser.id == user.id))
        assert row is not None
        row.role = "support"
    browser = Browser(app, host)
    browser.sign_in(user.email, at="/reseller/login")

    refused = browser.post("/reseller/account", {"form": "demand", "is_demanded": "1"})

    assert refused.status_code == 403
    with transaction(PlatformScope()) as session:
        assert session.get(SignInPolicy, user.reseller_id) is None


def _key_on(page: str) -> str:
    return "".join(re.findall(r"data-copy-value>([A-Z2-7 ]{39})<", page)).replace(" ", "")
