"""Rate limits (requirement L3): by address, by account, by key; never an error of their own."""

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from app.edge import redis_client
from app.embedded import start_redis
from tests.apps import PLATFORM_DOMAIN, Browser
from tests.factories import a_customer, a_customer_user, a_reseller, unique


def a_site(app: Flask) -> Browser:
    return Browser(app, f"{a_reseller().slug}.{PLATFORM_DOMAIN}")


def try_to_sign_in(browser: Browser, email: str, address: str) -> tuple[int, str | None]:
    token = browser.token("/login")
    answer = browser.client.post(
        "/login",
        base_url=browser.base_url,
        data={"email": email, "password": "wrong password", "csrf_token": token},
        environ_overrides={"REMOTE_ADDR": address},
    )
    return answer.status_code, answer.headers.get("Retry-After")


def an_address() -> str:
    return f"2001:db8::{unique('')[1:5]}:{unique('')[1:5]}"


def test_an_address_has_so_many_attempts_at_a_site(make_app: Callable[..., Flask]) -> None:
    app = make_app(rate_limit_sign_in="3 per minute")
    site, other, address = a_site(app), a_site(app), an_address()

    tries = [try_to_sign_in(site, f"{number}@example.com", address)[0] for number in range(4)]
    elsewhere = try_to_sign_in(other, "0@example.com", address)
    from_elsewhere = try_to_sign_in(site, "9@example.com", an_address())

    assert tries == [401, 401, 401, 429]
    assert elsewhere[0] == from_elsewhere[0] == 401
    assert try_to_sign_in(site, "x@example.com", address) == (429, "60")


def test_an_account_has_so_many_attempts_from_wherever(make_app: Callable[..., Flask]) -> None:
    app = make_app(rate_limit_sign_in="3 per minute")
    reseller = a_reseller()
    email = a_customer_user(a_customer(reseller)).email
    site = Browser(app, f"{reseller.slug}.{PLATFORM_DOMAIN}")

    tries = [
        try_to_sign_in(site, spelling, an_address())[0]
        for spelling in (email, email.upper(), f" {email}", email)
    ]

    assert tries == [401, 401, 401, 429]


def test_looking_at_the_login_page_costs_nothing(make_app: Callable[..., Flask]) -> None:
    site = a_site(make_app(rate_limit_sign_in="1 per minute"))

    looks = [site.get("/login").status_code for _ in range(5)]

    assert looks == [200] * 5


def test_a_person_is_told_on_a_page_and_a_program_as_a_problem(
    make_app: Callable[..., Flask],
) -> None:
    site = a_site(make_app(rate_limit_sign_in="1 per minute"))
    site.sign_in("a@example.com")

    page = site.sign_in("a@example.com")
    problem = site.post(
        "/login", {"email": "a@example.com"}, headers={"Accept": "application/json"}
    )

    assert page.status_code == problem.status_code == 429
    assert page.mimetype == "text/html"
    assert problem.mimetype == "application/problem+json"
    assert (problem.json or {})["code"] == "http.too_many_requests"


def test_neither_address_nor_account_lies_in_redis(
    make_app: Callable[..., Flask], tmp_path: Path
) -> None:
    with start_redis(tmp_path / "redis") as redis:
        site = a_site(make_app(redis_url=redis.url))
        email, address = "anna.adler@example.com", "192.0.2.77"

        try_to_sign_in(site, email, address)

        client = redis_client(redis.url)
        keys = b" ".join(client.scan_iter())
        client.close()
    assert b"LIMITS" in keys
    assert b"anna" not in keys
    assert b"192.0.2" not in keys


@pytest.mark.parametrize("moment", ["from the start", "later"])
def test_without_redis_limits_are_counted_in_the_process(
    make_app: Callable[..., Flask], tmp_path: Path, moment: str
) -> None:
    redis = start_redis(tmp_path / "redis")
    site = a_site(make_app(redis_url=redis.url, rate_limit_sign_in="2 per minute"))
    if moment == "later":
        try_to_sign_in(site, "before@example.com", an_address())
    redis.stop()
    address = an_address()

    tries = [try_to_sign_in(site, f"{number}@example.com", address)[0] for number in range(3)]

    assert tries == [401, 401, 429]
