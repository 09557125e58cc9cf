"""The ways in beside signing in, of all three realms."""

import re

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.identity import (
    LinkPurpose,
    Realm,
    StaffRole,
    invite_customer_user,
    invite_platform_user,
    invite_staff_user,
)
from app.kernel import new_id, now, transaction
from app.tenancy import PlatformScope, Tenant
from tests.apps import PLATFORM_DOMAIN, SECRET_KEY, Browser
from tests.conftest import Database
from tests.factories import (
    PASSWORD,
    a_custom_host,
    a_customer,
    a_customer_user,
    a_platform,
    a_platform_user,
    a_reseller,
    a_staff_user,
    scope_of,
    unique,
)
from tests.factories.counts import rows_of_all_tables
from tests.factories.links import delivered_path, links_to, path_of
from tests.web.portals import a_stranger, queries, text_of

NEW = "a new password, longer"
BELOW = {Realm.CUSTOMER: "", Realm.STAFF: "/reseller", Realm.PLATFORM: "/admin"}


@pytest.fixture
def reseller(connected: object) -> Tenant:
    return a_reseller()


def at_home(app: Flask, realm: Realm, reseller: Tenant) -> tuple[Browser, Tenant | None]:
    """A stranger's browser on the site of a realm, and whose site it is."""
    if realm is Realm.PLATFORM:
        a_platform()
        return a_stranger(app), None
    return a_stranger(app, reseller), reseller


def an_account(realm: Realm, reseller: Tenant) -> str:
    if realm is Realm.PLATFORM:
        return a_platform_user().email
    if realm is Realm.STAFF:
        return a_staff_user(reseller).email
    return a_customer_user(a_customer(reseller)).email


def invited(realm: Realm, reseller: Tenant) -> str:
    email = f"{unique('kim')}@example.com"
    scope = scope_of(reseller)
    if realm is Realm.PLATFORM:
        with transaction(PlatformScope()) as session:
            invite_platform_user(session, PlatformScope(), email=email, name="Kim Ko", now=now())
    elif realm is Realm.STAFF:
        with transaction(scope) as session:
            invite_staff_user(
                session, scope, email=email, name="Kim Ko", role=StaffRole.SUPPORT, now=now()
            )
    else:
        customer = a_customer(reseller)
        with transaction(scope) as session:
            invite_customer_user(
                session, scope, customer_id=customer.id, email=email, name="Kim Ko", now=now()
            )
    return email


def shown(page: TestResponse) -> str:
    """A page without what differs for everybody: tokens, nonces, references."""
    text = re.sub(r'(nonce|value)="[^"]*"', "", page.get_data(as_text=True))
    return re.sub(r"[0-9a-f]{32}", "", text)


@pytest.mark.parametrize("realm", Realm)
def test_a_forgotten_password_is_replaced_by_mail(
    app: Flask, realm: Realm, reseller: Tenant
) -> None:
    browser, of = at_home(app, realm, reseller)
    email, login = an_account(realm, reseller), f"{BELOW[realm]}/login"
    signed_in = Browser(app, browser.host)
    signed_in.sign_in(email, at=login)

    offered = browser.get(login).get_data(as_text=True)
    asked = browser.post(f"{BELOW[realm]}/password/forgot", {"form": "forgot", "email": email})
    link = delivered_path(SECRET_KEY, email, reseller=of)
    page = browser.get(link)
    weak = browser.post(link, {"form": "reset", "password": "short"})
    done = browser.post(link, {"form": "reset", "password": NEW})
    used = browser.get(link)

    assert f'href="{BELOW[realm]}/password/forgot"' in offered
    assert asked.status_code == 303
    assert (page.status_code, page.headers["Cache-Control"]) == (200, "private, no-store")
    assert email in text_of(page)
    assert (weak.status_code, "10 bis 256" in text_of(weak)) == (422, True)
    assert (done.status_code, done.location) == (303, login)
    assert (used.status_code, "schon benutzt" in text_of(used)) == (409, True)
    assert signed_in.get(f"{BELOW[realm]}/login").status_code == 200
    assert browser.sign_in(email, at=login).status_code == 401
    assert browser.sign_in(email, at=login, password=NEW).status_code == 303


@pytest.mark.parametrize("realm", Realm)
def test_an_unknown_address_gets_the_same_answer_for_the_same_work(
    app: Flask, realm: Realm, reseller: Tenant
) -> None:
    browser, _ = at_home(app, realm, reseller)
    path, known = f"{BELOW[realm]}/password/forgot", an_account(realm, reseller)
    browser.post(path, {"form": "forgot", "email": known})

    with queries() as for_known:
        first = browser.post(path, {"form": "forgot", "email": known})
    with queries() as for_unknown:
        second = browser.post(path, {"form": "forgot", "email": f"{unique('no')}@example.com"})

    assert (first.status_code, first.location) == (second.status_code, second.location)
    assert shown(browser.get(first.location)) == shown(browser.get(second.location))
    assert [each.split()[:2] for each in for_known] == [each.split()[:2] for each in for_unknown]


@pytest.mark.parametrize("realm", Realm)
def test_an_invited_person_comes_in(app: Flask, realm: Realm, reseller: Tenant) -> None:
    browser, of = at_home(app, realm, reseller)
    email, login = invited(realm, reseller), f"{BELOW[realm]}/login"
    link = delivered_path(SECRET_KEY, email, reseller=of)

    page = browser.get(link)
    weak = browser.post(link, {"form": "invitation", "password": "short"})
    done = browser.post(link, {"form": "invitation", "password": PASSWORD})
    used = browser.get(link)
    entered = browser.sign_in(email, at=login)

    assert (page.status_code, page.headers["Cache-Control"]) == (200, "private, no-store")
    assert "Willkommen, Kim Ko" in text_of(page)
    assert email in text_of(page)
    assert weak.status_code == 422
    assert "short" not in weak.get_data(as_text=True)
    assert (done.status_code, done.location, used.status_code) == (303, login, 409)
    assert entered.status_code == 303


def test_what_is_no_address_comes_back_with_the_reason(app: Flask, reseller: Tenant) -> None:
    browser = a_stranger(app, reseller)

    page = browser.post("/password/forgot", {"form": "forgot", "email": "no address"})

    assert page.status_code == 422
    assert 'value="no address"' in page.get_data(as_text=True)
    assert "name@example.com" in text_of(page)


@pytest.mark.parametrize("purpose", [LinkPurpose.INVITATION, LinkPurpose.PASSWORD_RESET])
@pytest.mark.parametrize("realm", Realm)
def test_a_link_that_is_none_says_so_in_words(
    app: Flask, realm: Realm, reseller: Tenant, purpose: LinkPurpose, connected: Database
) -> None:
    browser, _ = at_home(app, realm, reseller)
    invented = path_of("somebody else's secret", realm, purpose, new_id())
    unknown = path_of(SECRET_KEY, realm, purpose, new_id())
    before = rows_of_all_tables(connected.owner_url)

    for path in (invented, unknown, f"{invented.rpartition('/')[0]}/nonsense"):
        page = browser.get(path)
        posted = browser.post(
            path,
            {"form": "reset", "password": NEW},
            form_on=f"{BELOW[realm]}/password/forgot",
        )

        assert (page.status_code, "Dieser Link" in text_of(page)) == (404, True)
        assert posted.status_code in {400, 404}
    assert rows_of_all_tables(connected.owner_url) == before


def test_a_link_of_one_site_or_realm_opens_no_other(app: Flask, reseller: Tenant) -> None:
    email = invited(Realm.STAFF, reseller)
    link = delivered_path(SECRET_KEY, email, reseller=reseller)
    token = link.rpartition("/")[2]
    other, home = a_stranger(app, a_reseller()), a_stranger(app, reseller)

    pages = [
        other.get(link),
        home.get(f"/invitation/{token}"),
        home.get(f"/reseller/password/reset/{token}"),
        a_stranger(app).get(f"/admin/invitation/{token}"),
    ]

    assert [page.status_code for page in pages] == [404, 404, 404, 404]
    assert home.get(link).status_code == 200


def test_r18_a_link_is_made_from_the_tenants_own_host_whatever_the_request_says(
    app: Flask, reseller: Tenant
) -> None:
    email = a_customer_user(a_customer(reseller)).email
    own = a_custom_host(reseller).host
    forged = {"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
    browser = a_stranger(app, reseller)

    asked = browser.post(
        "/password/forgot", {"form": "forgot", "email": email}, headers=dict(forged)
    )
    elsewhere = browser.client.post(
        "/password/forgot",
        base_url="https://evil.example",
        data={"form": "forgot", "email": email},
    )
    links = links_to(email, reseller=reseller)

    assert (asked.status_code, asked.location) == (303, "/password/forgot?sent=1")
    assert elsewhere.status_code == 404
    assert len(links) == 1
    for stored in vars(links[0]).values():
        assert "evil" not in str(stored)
        assert own not in str(stored)
    assert delivered_path(SECRET_KEY, email, reseller=reseller).startswith("/password/reset/")


def test_the_doors_of_a_realm_exist_on_its_sites_alone(app: Flask, reseller: Tenant) -> None:
    a_platform()
    site, platform = a_stranger(app, reseller), a_stranger(app)

    found = {
        (host, path): browser.get(path).status_code
        for host, browser in (("site", site), ("platform", platform))
        for path in ("/password/forgot", "/reseller/password/forgot", "/admin/password/forgot")
    }

    assert found == {
        ("site", "/password/forgot"): 200,
        ("site", "/reseller/password/forgot"): 200,
        ("site", "/admin/password/forgot"): 404,
        ("platform", "/password/forgot"): 404,
        ("platform", "/reseller/password/forgot"): 404,
        ("platform", "/admin/password/forgot"): 200,
    }
    assert platform.host == PLATFORM_DOMAIN
