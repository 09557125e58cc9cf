"""Rate limits (requirement L3): by address, by account, by key; never an error of their own."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from flask import Flask

from app.edge import redis_client
from app.embedded import start_redis
from app.kernel import new_id
from tests.apps import PLATFORM_DOMAIN, Browser
from tests.factories import a_customer, a_customer_user, a_reseller, an_api_key, unique


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
    return f"2001:db8:{unique('')[1:5]}:{unique('')[1:5]}::1"


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


def test_passwords_on_the_account_page_count_from_wherever(make_app: Callable[..., Flask]) -> None:
    app = make_app(rate_limit_sign_in="3 per minute")
    reseller, page = a_reseller(), "/portal/settings/account"
    stolen, other = (Browser(app, f"{reseller.slug}.{PLATFORM_DOMAIN}") for _ in range(2))
    for browser in (stolen, other):
        browser.sign_in(a_customer_user(a_customer(reseller)).email)

    tries = [
        guess.post(
            page,
            {
                "form": "factor_begin",
                "password": "a guess of mine",
                "email": f"{number}@example.com",
            },
            environ_overrides={"REMOTE_ADDR": an_address()},
        ).status_code
        for number, guess in enumerate([stolen] * 4 + [other])
    ]

    assert tries == [422, 422, 422, 429, 422]


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


def test_the_addresses_of_one_line_are_one(make_app: Callable[..., Flask]) -> None:
    site, home = a_site(make_app(rate_limit_sign_in="3 per minute")), an_address()

    tries = [
        try_to_sign_in(site, f"{number}@example.com", f"{home}{number}")[0] for number in range(4)
    ]

    assert tries == [401, 401, 401, 429]


def test_signing_out_is_never_an_attempt_to_sign_in(make_app: Callable[..., Flask]) -> None:
    app = make_app(rate_limit_sign_in="2 per minute")
    reseller = a_reseller()
    people = [Browser(app, f"{reseller.slug}.{PLATFORM_DOMAIN}") for _ in range(4)]

    left = [
        person.post(
            "/logout", form_on="/login", environ_overrides={"REMOTE_ADDR": "192.0.2.4"}
        ).status_code
        for person in people
    ]

    assert left == [303] * 4


def test_people_who_mistype_their_address_do_not_use_up_each_others_attempts(
    make_app: Callable[..., Flask],
) -> None:
    site = a_site(make_app(rate_limit_sign_in="2 per minute"))

    tries = [try_to_sign_in(site, "no address", an_address())[0] for _ in range(4)]

    assert tries == [401] * 4


def ask_for_a_balance(site: Browser, key: str, address: str) -> int:
    return site.client.get(
        f"/api/v2/customers/{new_id()}/balance",
        base_url=site.base_url,
        headers={"Authorization": f"Bearer {key}"},
        environ_overrides={"REMOTE_ADDR": address},
    ).status_code


def test_an_api_key_has_so_many_calls_from_wherever(make_app: Callable[..., Flask]) -> None:
    reseller = a_reseller()
    site = Browser(make_app(rate_limit_api="3 per minute"), f"{reseller.slug}.{PLATFORM_DOMAIN}")
    _key, secret = an_api_key(reseller)
    ask_for_a_balance(site, secret, an_address())

    calls = [ask_for_a_balance(site, secret, an_address()) for _ in range(4)]

    assert calls == [404, 404, 404, 429]


@pytest.mark.parametrize(
    ("body", "calls"), [(b"", 1), (b" " * 16_000, 1), (b" " * 40_000, 3), (b" " * 3_000_000, 184)]
)
def test_a_long_body_counts_as_the_calls_it_stands_for(
    make_app: Callable[..., Flask], body: bytes, calls: int
) -> None:
    reseller = a_reseller()
    site = Browser(make_app(rate_limit_api="200 per minute"), f"{reseller.slug}.{PLATFORM_DOMAIN}")
    _key, secret = an_api_key(reseller)
    ask_for_a_balance(site, secret, an_address())

    status = site.client.post(
        "/api/v2/usage/batch",
        base_url=site.base_url,
        data=body,
        headers={"Authorization": f"Bearer {secret}", "Content-Type": "application/x-ndjson"},
    ).status_code

    left = [ask_for_a_balance(site, secret, an_address()) for _ in range(201 - calls)]
    assert status == 200
    assert left == [404] * (200 - calls) + [429]


def test_a_body_of_unknown_length_counts_as_the_longest(make_app: Callable[..., Flask]) -> None:
    reseller = a_reseller()
    site = Browser(make_app(rate_limit_api="257 per minute"), f"{reseller.slug}.{PLATFORM_DOMAIN}")
    _key, secret = an_api_key(reseller)
    ask_for_a_balance(site, secret, an_address())

    statuses = [
        site.client.post(
            "/api/v2/usage/batch",
            base_url=site.base_url,
            input_stream=BytesIO(b""),
            environ_overrides={"wsgi.input_terminated": True},
            headers={
                "Authorization": f"Bearer {secret}",
                "Content-Type": "application/x-ndjson",
                "Transfer-Encoding": "chunked",
            },
        ).status_code
        for _ in range(2)
    ]

    assert statuses == [200, 429]


def test_invented_api_keys_count_for_their_address_and_hold_up_no_true_one(
    make_app: Callable[..., Flask],
) -> None:
    reseller, address = a_reseller(), an_address()
    site = Browser(make_app(rate_limit_api="3 per minute"), f"{reseller.slug}.{PLATFORM_DOMAIN}")
    _key, secret = an_api_key(reseller)
    accepted = ask_for_a_balance(site, secret, address)

    flood = [ask_for_a_balance(site, f"kk_{number}", address) for number in range(4)]

    assert accepted == 404
    assert flood == [401, 401, 429, 429]
    assert ask_for_a_balance(site, secret, address) == 404


def test_spaces_do_not_make_another_key_of_a_key(app: Flask) -> None:
    reseller = a_reseller()
    site = Browser(app, f"{reseller.slug}.{PLATFORM_DOMAIN}")
    _key, secret = an_api_key(reseller)

    assert ask_for_a_balance(site, f" {secret}", an_address()) == 401
