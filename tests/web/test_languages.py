"""The switch at the foot of a page, and the language page of each realm (A7, E6)."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from sqlalchemy import select

from app.audit import AuditRecord
from app.identity import Customer, CustomerUser, get_customer
from app.kernel import transaction
from app.tenancy import Tenant, TenantScope
from tests.apps import Browser
from tests.conftest import Database
from tests.factories import a_customer_user, a_staff_user
from tests.factories.counts import rows_of_all_tables
from tests.factories.money import a_priced_reseller, a_wallet
from tests.web.portals import a_stranger, an_admin

FRENCH = {"language": "fr"}


@pytest.fixture
def reseller(connected: object) -> Tenant:
    return a_priced_reseller()


def a_customer_of(reseller: Tenant) -> Customer:
    wallet, scope = a_wallet(0, reseller=reseller), TenantScope(reseller.id)
    with transaction(scope) as session:
        return get_customer(session, scope, customer_id=wallet.customer_id)


def signed_in(app: Flask, reseller: Tenant, email: str) -> Browser:
    browser = a_stranger(app, reseller)
    browser.sign_in(email)
    return browser


def language_of(browser: Browser, path: str) -> str:
    page = browser.get(path).get_data(as_text=True)
    return page.partition('<html lang="')[2].partition('"')[0]


def own_language(user: CustomerUser) -> str | None:
    scope = TenantScope(user.reseller_id)
    with transaction(scope) as session:
        return session.scalar(
            select(CustomerUser.language).where(
                CustomerUser.reseller_id == user.reseller_id, CustomerUser.id == user.id
            )
        )


def test_a_visitor_switches_with_one_button_and_stays_where_she_is(
    app: Flask, reseller: Tenant
) -> None:
    visitor = a_stranger(app, reseller)
    door = visitor.get("/login?next=/portal/billing").get_data(as_text=True)

    answer = visitor.post(
        "/language", {**FRENCH, "next": "/login?next=/portal/billing"}, form_on="/login"
    )

    assert 'name="next" value="/login?next=/portal/billing"' in door
    assert answer.status_code == 303
    assert answer.location == "/login?next=/portal/billing"
    assert language_of(visitor, "/login") == "fr"


def test_every_language_is_offered_by_its_own_name(app: Flask, reseller: Tenant) -> None:
    page = a_stranger(app, reseller).get("/login").get_data(as_text=True)

    offered = re.findall(r'<button name="language" value="(\w+)" lang="(\w+)">(\w+)<', page)
    assert offered == [
        ("en", "en", "English"),
        ("fr", "fr", "Français"),
        ("es", "es", "Español"),
    ]
    assert '<span aria-current="true" lang="de">Deutsch</span>' in page


def test_r10_the_choice_is_bound_to_one_host_and_hidden_from_scripts(
    app: Flask, reseller: Tenant
) -> None:
    visitor = a_stranger(app, reseller)

    answer = visitor.post("/language", FRENCH, form_on="/login")

    (cookie,) = [each for each in answer.headers.getlist("Set-Cookie") if "language" in each]
    flags = cookie.split("; ")
    assert flags[0] == "__Host-language=fr"
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(flags)
    assert "Domain" not in cookie


@pytest.mark.parametrize("planted", ["", "xx", "de-DE", "../../etc", "fr;q=1"])
def test_a_cookie_that_names_no_language_of_ours_is_no_choice(
    app: Flask, reseller: Tenant, planted: str
) -> None:
    visitor = a_stranger(app, reseller)
    visitor.client.set_cookie("__Host-language", planted, domain=visitor.host, secure=True)

    assert language_of(visitor, "/login") == "de"


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example/", "/\\evil.example"])
def test_r16_the_way_back_stays_on_the_site(app: Flask, reseller: Tenant, target: str) -> None:
    answer = a_stranger(app, reseller).post(
        "/language", {**FRENCH, "next": target}, form_on="/login"
    )

    assert answer.location == "/language"


def test_r13_a_switch_from_another_site_is_refused(app: Flask, reseller: Tenant) -> None:
    visitor = a_stranger(app, reseller)

    answer = visitor.post(
        "/language", FRENCH, form_on="/login", headers={"Origin": "https://evil.example"}
    )

    assert answer.status_code == 422
    assert "__Host-language" not in visitor.cookies()


def test_a_customer_chooses_in_her_settings_and_it_follows_her_to_every_browser(
    app: Flask, reseller: Tenant
) -> None:
    user = a_customer_user(a_customer_of(reseller))
    browser = signed_in(app, reseller, user.email)

    answer = browser.post(
        "/language", {"language": "es", "next": "/portal/settings"}, form_on="/portal/settings"
    )

    assert answer.location == "/portal/settings"
    page = browser.get("/portal/settings").get_data(as_text=True)
    assert "Su idioma está guardado." in page
    assert '<option value="es" lang="es" selected>' in page
    assert own_language(user) == "es"
    other = signed_in(app, reseller, user.email)
    assert language_of(other, "/portal/") == "es"


def test_without_a_choice_of_her_own_she_reads_what_the_site_speaks(
    app: Flask, reseller: Tenant
) -> None:
    user = a_customer_user(a_customer_of(reseller))
    browser = signed_in(app, reseller, user.email)
    browser.post("/language", {"language": "es"})

    browser.post("/language", {"language": ""})

    assert "Ihre Sprache ist gespeichert." in browser.get("/language").get_data(as_text=True)
    assert language_of(browser, "/portal/") == "de"
    assert own_language(user) is None
    assert "__Host-language" not in browser.cookies()


def test_what_is_no_language_changes_nothing(
    app: Flask, reseller: Tenant, connected: Database
) -> None:
    user = a_customer_user(a_customer_of(reseller))
    browser = signed_in(app, reseller, user.email)
    before = rows_of_all_tables(connected.owner_url)

    answer = browser.post("/language", {"language": "klingon"})

    assert answer.status_code == 422
    assert rows_of_all_tables(connected.owner_url) == before


def test_staff_and_admins_have_a_page_of_their_own(app: Flask, reseller: Tenant) -> None:
    staff = a_stranger(app, reseller)
    staff.sign_in(a_staff_user(reseller).email, at="/reseller/login")
    admin = an_admin(app)

    for browser, path, home in (
        (staff, "/reseller/language", "/reseller/"),
        (admin, "/admin/language", "/admin/"),
    ):
        assert f'<a href="{path}">Sprache</a>' in browser.get(home).get_data(as_text=True)
        browser.post(path, FRENCH)

        page = browser.get(home).get_data(as_text=True)
        assert '<html lang="fr"' in page
        assert "Votre langue est enregistrée." in page


def test_an_admins_page_is_on_the_platforms_site_alone(app: Flask, reseller: Tenant) -> None:
    assert a_stranger(app, reseller).get("/admin/language").status_code == 404
    assert an_admin(app).get("/reseller/language").status_code == 404
    assert a_stranger(app).get("/language").status_code == 200


def test_the_choice_is_written_down_without_personal_data(app: Flask, reseller: Tenant) -> None:
    user = a_customer_user(a_customer_of(reseller))
    browser = signed_in(app, reseller, user.email)

    browser.post("/language", FRENCH)

    scope = TenantScope(reseller.id)
    with transaction(scope) as session:
        record = session.scalars(
            select(AuditRecord).where(
                AuditRecord.reseller_id == reseller.id,
                AuditRecord.action == "identity.language_chosen",
            )
        ).one()
    assert (record.actor_id, record.subject_id) == (user.id, user.id)
    assert record.facts == {"language": "fr"}


def test_a_page_that_reports_an_error_offers_no_switch(app: Flask, reseller: Tenant) -> None:
    page = a_stranger(app, reseller).get("/nowhere")

    assert "foot__languages" not in page.get_data(as_text=True)
    assert "Set-Cookie" not in page.headers
