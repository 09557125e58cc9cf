"""Cross-site request forgery: rule R13."""

import pytest
from flask import Flask

from tests.apps import PLATFORM_DOMAIN, Browser
from tests.factories import PASSWORD, a_customer, a_customer_user, a_reseller


def a_login_page(app: Flask) -> tuple[Browser, dict[str, str]]:
    """A visitor at the login page of a site of its own, and what to fill in there."""
    reseller = a_reseller()
    user = a_customer_user(a_customer(reseller))
    browser = Browser(app, f"{reseller.slug}.{PLATFORM_DOMAIN}")
    return browser, {"email": user.email, "password": PASSWORD}


def send(browser: Browser, form: dict[str, str], **headers: str) -> tuple[int, str]:
    answer = browser.client.post(
        "/login",
        base_url=browser.base_url,
        data=form,
        headers={"Accept": "application/json", **headers},
    )
    return answer.status_code, (answer.json or {}).get("code", "")


REFUSED = (422, "edge.foreign_origin")


def test_r13_a_form_with_the_sites_own_token_is_taken(app: Flask) -> None:
    browser, form = a_login_page(app)

    answer = send(browser, {**form, "csrf_token": browser.token("/login")})

    assert answer == (303, "")


@pytest.mark.parametrize("token", ["", "made-up"])
def test_r13_a_form_without_a_true_token_is_refused(app: Flask, token: str) -> None:
    browser, form = a_login_page(app)
    browser.get("/login")

    answer = send(browser, {**form, "csrf_token": token})

    assert answer == REFUSED


def test_r13_the_token_of_another_brand_is_refused(app: Flask) -> None:
    browser, form = a_login_page(app)
    other, _ = a_login_page(app)
    browser.get("/login")

    answer = send(browser, {**form, "csrf_token": other.token("/login")})

    assert answer == REFUSED


def test_r13_the_token_and_cookie_of_another_brand_together_are_refused(app: Flask) -> None:
    browser, form = a_login_page(app)
    other, _ = a_login_page(app)
    token = other.token("/login")
    for name, value in other.cookies().items():
        browser.client.set_cookie(name, value, domain=browser.host, secure=True)

    answer = send(browser, {**form, "csrf_token": token})

    assert answer == REFUSED


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.test",
        "https://other.kontor.test",
        "https://kontor.test",
        "https://{host}.evil.test",
        "http://{host}",
        "https://user@evil.test",
        "null",
        "https://{host}@evil.test",
    ],
)
def test_r13_another_origin_is_refused_even_with_the_token(app: Flask, origin: str) -> None:
    browser, form = a_login_page(app)
    form["csrf_token"] = browser.token("/login")

    by_origin = send(browser, form, Origin=origin.format(host=browser.host))
    by_referrer = send(browser, form, Referer=f"{origin.format(host=browser.host)}/page")

    assert by_origin == REFUSED
    assert by_referrer == REFUSED


@pytest.mark.parametrize("origin", ["https://{host}", "https://{HOST}", "https://{host}:8443"])
def test_r13_the_own_origin_is_taken_in_any_spelling(app: Flask, origin: str) -> None:
    browser, form = a_login_page(app)
    form["csrf_token"] = browser.token("/login")

    answer = send(browser, form, Origin=origin.format(host=browser.host, HOST=browser.host.upper()))

    assert answer == (303, "")


def test_a_token_serves_as_header_too(app: Flask) -> None:
    browser, form = a_login_page(app)

    answer = send(browser, form, **{"X-CSRFToken": browser.token("/login")})

    assert answer == (303, "")


def test_the_api_asks_for_a_key_instead(app: Flask) -> None:
    browser, _ = a_login_page(app)

    answer = browser.client.post(
        "/api/v2/usage",
        base_url=browser.base_url,
        json={
            "id": "call-1",
            "customer_id": "00000000-0000-7000-8000-000000000001",
            "meter": "call_minutes",
            "quantity": "1",
            "occurred_at": "2026-11-20T09:15:00Z",
        },
        headers={"Origin": "https://evil.test"},
    )

    assert (answer.json or {})["code"] == "api.key_refused"


def test_r13_an_origin_that_is_no_address_is_refused(app: Flask) -> None:
    browser, form = a_login_page(app)
    form["csrf_token"] = browser.token("/login")

    assert send(browser, form, Origin="http://[") == REFUSED
