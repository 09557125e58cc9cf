"""Which host is whose: rules R2 to R8 of the domain guide, requirement A2."""

from collections.abc import Callable

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update
from werkzeug.test import TestResponse, create_environ, run_wsgi_app

from app.edge import edge_of
from app.kernel import transaction
from app.tenancy import Host, HostState, InvalidHostError, PlatformScope, Tenant, normalise_host
from tests.apps import PLATFORM_DOMAIN, Browser
from tests.factories import (
    PASSWORD,
    a_custom_host,
    a_customer,
    a_customer_user,
    a_platform_user,
    a_reseller,
    a_staff_user,
    unique,
)


def ask(app: Flask, host: str, path: str = "/login", **headers: str) -> TestResponse:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return app.test_client().get(
        path, environ_overrides={"HTTP_HOST": host}, headers=sent, base_url="https://any.test"
    )


def names(answer: TestResponse, tenant: Tenant) -> bool:
    return tenant.name in answer.get_data(as_text=True)


@given(st.text(max_size=300))
def test_r2_any_text_is_a_host_in_one_form_or_refused(raw: str) -> None:
    try:
        host = normalise_host(raw)
    except InvalidHostError:
        return

    assert normalise_host(host) == host
    assert host == host.lower()
    assert host.isascii()


@pytest.mark.parametrize(
    "spelling",
    ["{slug}.{domain}", "{SLUG}.{DOMAIN}", "{slug}.{domain}.", "{slug}.{domain}:443"],
)
def test_r2_every_spelling_of_a_host_is_the_same_site(app: Flask, spelling: str) -> None:
    reseller = a_reseller()
    host = spelling.format(
        slug=reseller.slug,
        SLUG=reseller.slug.upper(),
        domain=PLATFORM_DOMAIN,
        DOMAIN=PLATFORM_DOMAIN.upper(),
    )

    answer = ask(app, host)

    assert answer.status_code == 200
    assert names(answer, reseller)


def test_r2_a_name_beyond_ascii_is_found_by_its_a_label(app: Flask) -> None:
    reseller = a_reseller()
    host = a_custom_host(reseller, f"{unique('straße')}.example").host
    # Not Flask's client: it decodes host names with Python's own codec, which knows no ß.
    environ = create_environ("/login", environ_overrides={"HTTP_HOST": host})

    body, status, _ = run_wsgi_app(app.wsgi_app, environ)

    assert host.startswith("xn--strae-")
    assert status == "200 OK"
    assert reseller.name.encode() in b"".join(body)


@pytest.mark.parametrize(
    "host",
    [
        "", " ", "evil@kontor.test", "a b.test", "x/path", "a_b.test", "h:80:90", "-a.test",
        "straße.test", "a..b", "*.kontor.test", f"{'a' * 64}.test", "kontor.test\u00e9",
    ],
)  # fmt: skip
def test_r2_an_invalid_host_is_a_400_that_asks_no_database(
    app: Flask, connections: Callable[[], int], host: str
) -> None:
    answer = ask(app, host.encode().decode("latin-1"))

    assert answer.status_code == 400
    assert "Set-Cookie" not in answer.headers
    assert connections() == 0


@pytest.mark.parametrize(
    "start", ["a.b", "www", "admin", "xx--yy", "-abc", "a" * 64], ids=lambda start: start[:6]
)
def test_r3_only_one_label_that_is_a_slug_stands_before_the_platforms_domain(
    app: Flask, start: str
) -> None:
    answer = ask(app, f"{start}.{PLATFORM_DOMAIN}")

    assert answer.status_code in {400, 404}


def test_r4_the_platforms_domain_elsewhere_in_a_host_is_a_400(app: Flask) -> None:
    reseller = a_reseller()

    answer = ask(app, f"{reseller.slug}.{PLATFORM_DOMAIN}.evil.test")

    assert answer.status_code == 400
    assert not names(answer, reseller)


def test_r5_an_unknown_host_is_a_neutral_404_that_names_nobody(app: Flask) -> None:
    reseller = a_reseller()

    one = ask(app, f"{unique('nobody')}.example")
    other = ask(app, f"{unique('nobody')}.{PLATFORM_DOMAIN}", "/portal/")

    assert one.status_code == other.status_code == 404
    assert one.data == other.data
    assert one.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in one.headers
    assert not names(one, reseller)
    assert b"kontor" not in one.data.lower()


def test_r5_a_program_is_told_as_problem_json(app: Flask) -> None:
    answer = ask(app, f"{unique('nobody')}.example", "/api/v2/usage")

    assert answer.status_code == 404
    assert answer.mimetype == "application/problem+json"


@pytest.mark.parametrize("state", [HostState.PENDING, HostState.DETACHED])
def test_r6_only_an_active_domain_shows_its_tenant(app: Flask, state: HostState) -> None:
    reseller = a_reseller()
    host = a_custom_host(reseller).host
    before = ask(app, host)

    with transaction(PlatformScope()) as session:
        session.execute(update(Host).where(Host.host == host).values(state=state.value))
    edge_of(app).sites.forget(host)
    after = ask(app, host)

    assert names(before, reseller)
    assert after.status_code == 404
    assert not names(after, reseller)


@pytest.mark.parametrize("forged", ["{victim}", "{victim}, {victim}", "evil.test"])
def test_r1_a_forged_forwarded_host_changes_nothing(
    make_app: Callable[..., Flask], forged: str
) -> None:
    behind_proxy = make_app(trusted_proxies=1)
    reseller, victim = a_reseller(name="Attacker Ltd"), a_reseller(name="Victim Ltd")
    name = forged.format(victim=f"{victim.slug}.{PLATFORM_DOMAIN}")

    answer = ask(
        behind_proxy,
        f"{reseller.slug}.{PLATFORM_DOMAIN}",
        "/login",
        X_Forwarded_Host=name,
        Forwarded=f"host={name}",
    )

    assert names(answer, reseller)
    assert not names(answer, victim)


def test_r8_the_platforms_pages_exist_on_its_own_host_alone(app: Flask) -> None:
    reseller = a_reseller()
    email = f"{unique('admin')}@example.com"
    a_platform_user(email=email)
    a_staff_user(reseller, email=email)
    admin = Browser(app, PLATFORM_DOMAIN)
    admin.sign_in(email, at="/admin/login")
    elsewhere = Browser(app, f"{reseller.slug}.{PLATFORM_DOMAIN}")
    elsewhere.sign_in(email, at="/reseller/login")
    for key, value in admin.cookies().items():
        elsewhere.client.set_cookie(key, value, domain=elsewhere.host, secure=True)

    answers = [
        elsewhere.get(path).status_code
        for path in ("/admin/login", "/admin/", "/admin", "/admin/logout")
    ]
    wrong_method = elsewhere.client.put("/admin/login", base_url=elsewhere.base_url)

    assert admin.get("/admin/login").status_code == 302
    assert answers == [404] * 4
    assert wrong_method.status_code == 404


def test_r8_the_resellers_pages_do_not_exist_on_the_platforms_host(app: Flask) -> None:
    platform = Browser(app, PLATFORM_DOMAIN)

    answers = [
        platform.get(path).status_code
        for path in ("/login", "/portal/", "/reseller/", "/reseller/login")
    ]

    assert answers == [404] * 4


def test_a_reseller_is_reached_by_its_subdomain_and_its_own_domain(app: Flask) -> None:
    reseller = a_reseller()
    user = a_customer_user(a_customer(reseller))
    own = a_custom_host(reseller).host

    for host in (f"{reseller.slug}.{PLATFORM_DOMAIN}", own):
        visitor = Browser(app, host)

        answer = visitor.sign_in(user.email, password=PASSWORD)

        assert answer.status_code == 303


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_probes_need_no_site(app: Flask, connections: Callable[[], int], path: str) -> None:
    answer = ask(app, "10.0.0.7:8000", path)

    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    assert connections() <= 2
