"""Signing in with a code, in all three realms, as a browser sees it."""

import re
from base64 import b32decode
from datetime import timedelta

import pytest
from flask import Flask

from app.audit import Actor
from app.identity import (
    CustomerUser,
    PlatformUser,
    Realm,
    SignInScope,
    StaffUser,
    demand_second_factor,
)
from app.kernel import now, transaction
from app.tenancy import PlatformScope, Tenant, TenantScope
from tests.apps import PLATFORM_DOMAIN, Browser
from tests.factories import (
    PASSWORD,
    AuthenticatorApp,
    a_custom_host,
    a_customer,
    a_customer_user,
    a_platform,
    a_platform_user,
    a_reseller,
    a_second_factor,
    a_staff_user,
)
from tests.web.portals import text_of

HOMES = {"/login": "/portal/", "/reseller/login": "/reseller/", "/admin/login": "/admin/"}
Person = CustomerUser | StaffUser | PlatformUser


def site_of(app: Flask, reseller: Tenant) -> Browser:
    return Browser(app, f"{reseller.slug}.{PLATFORM_DOMAIN}")


def a_person(app: Flask, login: str) -> tuple[Browser, Person]:
    reseller = a_reseller()
    if login == "/admin/login":
        a_platform()
        return Browser(app, PLATFORM_DOMAIN), a_platform_user()
    if login == "/reseller/login":
        return site_of(app, reseller), a_staff_user(reseller)
    return site_of(app, reseller), a_customer_user(a_customer(reseller))


def a_customer_with_app(app: Flask) -> tuple[Browser, CustomerUser, AuthenticatorApp]:
    reseller = a_reseller()
    user = a_customer_user(a_customer(reseller))
    return site_of(app, reseller), user, a_second_factor(user)


def is_in(browser: Browser, login: str = "/login") -> bool:
    return browser.get(login).status_code == 302


@pytest.mark.parametrize(("login", "home"), HOMES.items())
def test_each_realm_asks_for_the_code_after_the_password(app: Flask, login: str, home: str) -> None:
    browser, user = a_person(app, login)
    apps = a_second_factor(user)

    first = browser.sign_in(user.email, at=login, next=f"{home}?x=1")
    half = is_in(browser, login)
    page = browser.get(first.location)
    second = browser.post(first.location, {"code": apps.code(now()), "next": f"{home}?x=1"})

    assert first.status_code == 303
    assert first.location.startswith(f"{login}/code?next=")
    assert not half
    assert "Code eingeben" in text_of(page)
    assert page.headers["Cache-Control"] == "private, no-store"
    assert (second.status_code, second.location) == (303, f"{home}?x=1")
    assert is_in(browser, login)


def test_a_wrong_password_never_reaches_the_code(app: Flask) -> None:
    browser, user, _ = a_customer_with_app(app)

    wrong = browser.sign_in(user.email, password="a wrong password")
    unknown = browser.sign_in("nobody@example.com")
    asked = browser.get("/login/code")

    assert wrong.status_code == unknown.status_code == 401
    assert "Code" not in text_of(wrong)
    assert (asked.status_code, asked.location) == (302, "/login")


def test_a_wrong_code_is_said_and_the_fifth_begins_anew(app: Flask) -> None:
    browser, user, apps = a_customer_with_app(app)
    browser.sign_in(user.email)

    pages = [browser.post("/login/code", {"code": apps.wrong_code(now())}) for _ in range(5)]
    after = browser.post("/login/code", {"code": apps.code(now())}, form_on="/login")

    assert [page.status_code for page in pages] == [422] * 4 + [401]
    assert 'role="alert"' in pages[0].get_data(as_text=True)
    assert 'action="/login"' in pages[4].get_data(as_text=True)
    assert (after.status_code, after.location) == (302, "/login")
    assert not is_in(browser)


def test_a_recovery_code_lets_in_without_the_app(app: Flask) -> None:
    browser, user, apps = a_customer_with_app(app)
    browser.sign_in(user.email)

    answer = browser.post("/login/code", {"code": apps.recovery_codes[0]})

    assert answer.status_code == 303
    assert is_in(browser)


def test_r11_a_half_signed_in_cookie_is_worthless_on_another_host(app: Flask) -> None:
    reseller = a_reseller()
    user = a_customer_user(a_customer(reseller))
    apps = a_second_factor(user)
    browser = site_of(app, reseller)
    browser.sign_in(user.email)
    elsewhere = Browser(app, a_custom_host(reseller).host)
    for name, value in browser.cookies().items():
        elsewhere.client.set_cookie(name, value, domain=elsewhere.host, secure=True)

    answer = elsewhere.post("/login/code", {"code": apps.code(now())}, form_on="/login")

    assert (answer.status_code, answer.location) == (302, "/login")
    assert not is_in(elsewhere)


def test_r12_the_second_step_gives_a_new_cookie_and_the_old_one_opens_nothing(app: Flask) -> None:
    browser, user, apps = a_customer_with_app(app)
    browser.sign_in(user.email)
    half = browser.cookies()["__Host-session"]

    browser.post("/login/code", {"code": apps.code(now())})
    full = browser.cookies()["__Host-session"]
    browser.client.set_cookie("__Host-session", half, domain=browser.host, secure=True)

    assert full != half
    assert not is_in(browser)
    assert browser.get("/login/code").status_code == 401


def test_typing_the_password_anew_ends_the_session_of_before(app: Flask) -> None:
    browser, user, apps = a_customer_with_app(app)
    browser.sign_in(user.email)
    browser.post("/login/code", {"code": apps.code(now())})

    browser.post("/login", {"email": user.email, "password": PASSWORD}, form_on="/nowhere")

    assert not is_in(browser)


def test_the_browser_is_known_again_by_a_cookie_that_says_nothing(app: Flask) -> None:
    browser, user, apps = a_customer_with_app(app)
    first = browser.sign_in(user.email)
    answer = browser.post("/login/code", {"code": apps.code(now())})

    (cookie,) = [
        each for each in answer.headers.getlist("Set-Cookie") if each.startswith("__Host-browser=")
    ]

    assert not any("browser" in each for each in first.headers.getlist("Set-Cookie"))
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert "Domain" not in cookie
    assert int(re.findall(r"Max-Age=(\d+)", cookie)[0]) == timedelta(days=400).total_seconds()


@pytest.mark.parametrize("login", ["/reseller/login", "/admin/login"])
def test_where_it_is_demanded_it_is_set_up_on_the_way_in(app: Flask, login: str) -> None:
    browser, user = a_person(app, login)
    _demand(user, is_demanded=True)
    try:
        asked = browser.sign_in(user.email, at=login)
        page = browser.get(asked.location).get_data(as_text=True)
        key = "".join(re.findall(r"data-copy-value>([A-Z2-7 ]+)<", page)).replace(" ", "")
        apps = AuthenticatorApp(b32decode(key), ())
        wrong = browser.post(asked.location, {"code": apps.wrong_code(now())})
        done = browser.post(asked.location, {"code": apps.code(now())})
    finally:
        _demand(user, is_demanded=False)

    codes = re.findall(r"<li><code>([0-9a-z-]{19})</code></li>", done.get_data(as_text=True))
    assert "<svg" in page
    assert wrong.status_code == 422
    assert key in wrong.get_data(as_text=True).replace(" ", "")
    assert done.status_code == 200
    assert done.headers["Cache-Control"] == "private, no-store"
    assert len(set(codes)) == 10
    assert is_in(browser, login)


def test_the_picture_leaks_nothing_and_runs_nothing(app: Flask) -> None:
    browser, user = a_person(app, "/reseller/login")
    _demand(user, is_demanded=True)

    asked = browser.sign_in(user.email, at="/reseller/login")
    page = browser.get(asked.location).get_data(as_text=True)

    picture = page[page.index("<svg viewBox") : page.index("</svg>", page.index("<svg viewBox"))]
    assert not re.search(r"<script|href|style=|url\(|http", picture)


def _demand(user: Person, *, is_demanded: bool) -> None:
    scope: SignInScope = PlatformScope()
    realm = Realm.PLATFORM
    if not isinstance(user, PlatformUser):
        scope, realm = TenantScope(user.reseller_id), Realm.STAFF
    with transaction(scope) as session:
        demand_second_factor(
            session, scope, is_demanded=is_demanded, actor=Actor(realm.value, user.id)
        )
