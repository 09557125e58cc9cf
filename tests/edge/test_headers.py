"""What every answer tells the browser: rules R20, R22 and R24."""

import re
from collections.abc import Callable

from flask import Flask

from tests.apps import PLATFORM_DOMAIN, Browser
from tests.factories import a_custom_host, a_customer, a_customer_user, a_reseller
from tests.web.paying import a_person


def a_site(app: Flask) -> Browser:
    return Browser(app, f"{a_reseller().slug}.{PLATFORM_DOMAIN}")


def policy_of(browser: Browser, path: str) -> dict[str, str]:
    header = browser.get(path).headers["Content-Security-Policy"]
    return dict(part.split(" ", 1) for part in header.split("; "))


def test_r22_a_page_trusts_its_own_host_alone(app: Flask) -> None:
    policy = policy_of(a_site(app), "/login")

    assert policy["default-src"] == "'self'"
    assert policy["form-action"] == "'self' https://checkout.stripe.com"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["base-uri"] == "'none'"
    assert policy["object-src"] == "'none'"
    assert re.fullmatch(r"'nonce-[\w-]{20,}' 'strict-dynamic'", policy["script-src"])
    assert "unsafe" not in str(policy)


def test_r22_no_policy_names_the_platform_or_a_neighbour(app: Flask) -> None:
    answer = a_site(app).get("/login")

    assert PLATFORM_DOMAIN not in answer.headers["Content-Security-Policy"]
    assert "*" not in answer.headers["Content-Security-Policy"]


def test_every_answer_has_a_nonce_of_its_own_and_its_scripts_carry_it(app: Flask) -> None:
    browser = a_site(app)

    pages = [browser.get("/login") for _ in range(2)]

    nonces = [
        re.findall(r"nonce-([\w-]+)", page.headers["Content-Security-Policy"])[0] for page in pages
    ]
    assert nonces[0] != nonces[1]
    for nonce, page in zip(nonces, pages, strict=True):
        scripts = re.findall(r"<script[^>]*>", page.get_data(as_text=True))
        assert scripts
        assert all(f'nonce="{nonce}"' in script for script in scripts)


def test_pages_are_kept_by_no_cache_that_others_read(app: Flask) -> None:
    reseller = a_reseller()
    user = a_customer_user(a_customer(reseller))
    browser = Browser(app, f"{reseller.slug}.{PLATFORM_DOMAIN}")

    before = browser.get("/login")
    browser.sign_in(user.email)
    after = browser.get("/nowhere")

    assert before.headers["Cache-Control"] == "private, no-cache"
    assert after.headers["Cache-Control"] == "no-store"
    assert {"Host", "Cookie"} <= set(before.vary)


def test_the_other_headers_are_strict(app: Flask) -> None:
    headers = a_site(app).get("/login").headers

    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "strict-origin-when-cross-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]


def test_r24_only_our_own_hosts_promise_https_for_long(
    app: Flask, make_app: Callable[..., Flask]
) -> None:
    reseller = a_reseller()
    ours = Browser(app, f"{reseller.slug}.{PLATFORM_DOMAIN}")
    theirs = Browser(app, a_custom_host(reseller).host)
    plain = Browser(make_app(public_port=8000), ours.host, scheme="http")

    assert ours.get("/login").headers["Strict-Transport-Security"].startswith("max-age=")
    assert "Strict-Transport-Security" not in theirs.get("/login").headers
    assert "Strict-Transport-Security" not in plain.get("/login").headers


def test_the_sandboxes_checkout_is_the_only_foreign_place_a_form_may_lead_to(
    make_app: Callable[..., Flask],
) -> None:
    sandboxed = make_app(stripe_api_base="http://127.0.0.1:12111")

    policy = policy_of(a_site(sandboxed), "/login")

    assert policy["form-action"] == "'self' http://127.0.0.1:12111"


def test_what_a_person_downloads_is_kept_by_no_cache(app: Flask) -> None:
    download = a_person(app).browser.get("/portal/transactions.csv")

    assert download.status_code == 200
    assert download.headers["Cache-Control"] == "private, no-store"
