"""What a browser keeps and where it counts: rules R10 to R14, requirement A4."""

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.identity.models import UserSession
from app.kernel import transaction
from app.tenancy import Tenant
from tests.apps import PLATFORM_DOMAIN, Browser
from tests.factories import (
    PASSWORD,
    a_custom_host,
    a_customer,
    a_customer_user,
    a_platform_user,
    a_reseller,
    a_staff_user,
    scope_of,
    unique,
)

REALMS = {"/login": "__Host-session", "/reseller/login": "__Host-staff"}


def site_of(app: Flask, reseller: Tenant) -> Browser:
    return Browser(app, f"{reseller.slug}.{PLATFORM_DOMAIN}")


def is_signed_in(browser: Browser, login: str = "/login") -> bool:
    """A login page sends on whoever is signed in already."""
    return browser.get(login).status_code == 302


def carry(cookies: dict[str, str], to: Browser) -> None:
    for name, value in cookies.items():
        to.client.set_cookie(name, value, domain=to.host, secure=True)


def a_signed_in_customer(app: Flask, reseller: Tenant) -> Browser:
    user = a_customer_user(a_customer(reseller))
    browser = site_of(app, reseller)
    browser.sign_in(user.email)
    return browser


@pytest.mark.parametrize(("login", "name"), REALMS.items())
def test_r10_cookies_are_bound_to_one_host_and_hidden_from_scripts(
    app: Flask, login: str, name: str
) -> None:
    visitor = site_of(app, a_reseller())

    flags = visitor.get(login).headers["Set-Cookie"].split("; ")

    assert flags[0].startswith(f"{name}=")
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(flags)
    assert not any(flag.lower().startswith("domain") for flag in flags)


def test_r10_without_https_the_cookies_go_without_prefix_and_secure(
    make_app: Callable[..., Flask],
) -> None:
    plain = make_app(public_port=8000)
    visitor = Browser(plain, f"{a_reseller().slug}.{PLATFORM_DOMAIN}", scheme="http")

    flags = visitor.get("/login").headers["Set-Cookie"].split("; ")

    assert flags[0].startswith("session=")
    assert "Secure" not in flags
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(flags)


@pytest.mark.parametrize(
    "path", ["/", "/brand.css", "/manifest.webmanifest", "/nowhere", "/portal/"]
)
def test_a_visitor_who_needs_no_cookie_gets_none(app: Flask, path: str) -> None:
    visitor = site_of(app, a_reseller())

    answer = visitor.get(path)

    assert "Set-Cookie" not in answer.headers


def test_r11_a_session_cookie_of_one_brand_is_worthless_on_another(app: Flask) -> None:
    first, second = a_reseller(), a_reseller()
    owner = a_signed_in_customer(app, first)
    thief = site_of(app, second)

    carry(owner.cookies(), thief)

    assert is_signed_in(owner)
    assert not is_signed_in(thief)
    assert thief.get("/portal/").status_code == 302


def test_r11_a_session_cookie_of_one_host_is_worthless_on_another_of_the_same_brand(
    app: Flask,
) -> None:
    reseller = a_reseller()
    owner = a_signed_in_customer(app, reseller)
    same_brand = Browser(app, a_custom_host(reseller).host)

    carry(owner.cookies(), same_brand)

    assert is_signed_in(owner)
    assert not is_signed_in(same_brand)


def test_r14_a_cookie_of_one_realm_is_worthless_in_another(app: Flask) -> None:
    reseller = a_reseller()
    email = f"{unique('both')}@example.com"
    a_customer_user(a_customer(reseller), email=email)
    a_staff_user(reseller, email=email)
    browser = site_of(app, reseller)

    browser.sign_in(email)
    as_staff_at_first = is_signed_in(browser, "/reseller/login")
    carry({"__Host-staff": browser.cookies()["__Host-session"]}, browser)

    assert not as_staff_at_first
    assert not is_signed_in(browser, "/reseller/login")
    assert is_signed_in(browser)


def test_three_realms_are_signed_in_and_out_apart(app: Flask) -> None:
    reseller = a_reseller()
    email = f"{unique('three')}@example.com"
    a_customer_user(a_customer(reseller), email=email)
    a_staff_user(reseller, email=email)
    a_platform_user(email=email)
    browser, admin = site_of(app, reseller), Browser(app, PLATFORM_DOMAIN)
    browser.sign_in(email)
    browser.sign_in(email, at="/reseller/login")
    admin.sign_in(email, at="/admin/login")

    browser.post("/logout", form_on="/nowhere")

    assert not is_signed_in(browser)
    assert is_signed_in(browser, "/reseller/login")
    assert is_signed_in(admin, "/admin/login")
    assert set(admin.cookies()) == {"__Host-admin", "__Host-browser"}


def test_r12_signing_in_gives_a_new_session_and_ends_the_old_one(app: Flask) -> None:
    reseller = a_reseller()
    user = a_customer_user(a_customer(reseller))
    browser, copy = site_of(app, reseller), site_of(app, reseller)
    browser.get("/login")
    planted = browser.cookies()
    browser.sign_in(user.email)
    first = browser.cookies()

    browser.post("/login", {"email": user.email, "password": PASSWORD}, form_on="/nowhere")

    assert is_signed_in(browser)
    for old in (planted, first):
        carry(old, copy)
        assert old != browser.cookies()
        assert not is_signed_in(copy)
    with transaction(scope_of(reseller)) as session:
        living = session.scalar(
            select(func.count())
            .select_from(UserSession)
            .where(UserSession.reseller_id == reseller.id)
        )
    assert living == 1


def test_a_tampered_cookie_is_no_cookie(app: Flask) -> None:
    browser = a_signed_in_customer(app, a_reseller())
    value = browser.cookies()["__Host-session"]

    carry({"__Host-session": f"{value[:-2]}xx"}, browser)

    assert not is_signed_in(browser)


def test_a_signed_out_session_stays_ended_even_for_a_copied_cookie(app: Flask) -> None:
    reseller = a_reseller()
    browser = a_signed_in_customer(app, reseller)
    copied = browser.cookies()

    browser.post("/logout", form_on="/nowhere")
    carry(copied, browser)

    assert not is_signed_in(browser)
