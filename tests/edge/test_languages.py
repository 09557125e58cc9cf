"""Person, browser on this host, brand, browser's preference, German: in this order (A7)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.branding import BrandLook, BrandTokens, save_brand
from app.edge import edge_of
from app.identity import Realm, set_language
from app.kernel import Language, transaction
from app.tenancy import PLATFORM_ID, PlatformScope, Tenant, TenantScope
from tests.apps import PLATFORM_DOMAIN, Browser
from tests.conftest import Database
from tests.factories import (
    a_customer,
    a_customer_user,
    a_platform,
    a_platform_user,
    a_reseller,
    a_staff_user,
)
from tests.web.portals import undress

SPANISH = {"Accept-Language": "pt-BR, es-MX;q=0.9, fr;q=0.8"}


def speaks(app: Flask, scope: TenantScope, language: str) -> None:
    look = BrandLook("Kontor", BrandTokens("#a3324f"), language=language)
    with transaction(scope) as session:
        save_brand(session, scope, look=look)
    edge_of(app).brands.forget(scope.reseller_id)


def site_of(app: Flask, reseller: Tenant, language: str = "") -> Browser:
    if language:
        speaks(app, TenantScope(reseller.id), language)
    return Browser(app, f"{reseller.slug}.{PLATFORM_DOMAIN}")


def language_of(page: TestResponse) -> str:
    (found,) = re.findall(r'<html lang="(\w+)"', page.get_data(as_text=True))
    assert page.headers["Content-Language"] == found
    return str(found)


def test_a_site_speaks_its_brands_language_whatever_the_browser_prefers(app: Flask) -> None:
    visitor = site_of(app, a_reseller(), "fr")

    page = visitor.get("/login", headers=SPANISH)

    assert language_of(page) == "fr"
    assert "Mot de passe" in page.get_data(as_text=True)


def test_a_site_without_a_brand_speaks_the_first_of_the_browsers_languages(app: Flask) -> None:
    visitor = site_of(app, a_reseller())

    assert language_of(visitor.get("/login", headers=SPANISH)) == "es"


@pytest.mark.parametrize("header", ["", "*", "pt, ja;q=0.5", "fr;q=0", "\xff;;;q=x"])
def test_german_is_spoken_to_whoever_asks_for_none_of_ours(app: Flask, header: str) -> None:
    visitor = site_of(app, a_reseller())

    assert language_of(visitor.get("/login", headers={"Accept-Language": header})) == "de"


@pytest.fixture
def plain_platform(app: Flask, connected: Database) -> Iterator[None]:
    """The platform without a brand, before and after."""
    a_platform()
    undress(app, connected, PLATFORM_ID)
    yield
    undress(app, connected, PLATFORM_ID)


@pytest.mark.usefixtures("plain_platform")
def test_the_platforms_pages_follow_the_same_order(app: Flask) -> None:
    visitor = Browser(app, PLATFORM_DOMAIN)

    assert language_of(visitor.get("/admin/login", headers=SPANISH)) == "es"

    speaks(app, TenantScope(PLATFORM_ID), "en")
    assert language_of(visitor.get("/admin/login", headers=SPANISH)) == "en"

    visitor.post("/admin/language", {"language": "fr"})
    assert language_of(visitor.get("/admin/login", headers=SPANISH)) == "fr"


@pytest.mark.parametrize(
    ("realm", "login", "home"),
    [
        (Realm.CUSTOMER, "/login", "/portal/settings"),
        (Realm.STAFF, "/reseller/login", "/reseller/"),
    ],
)
def test_a_persons_own_choice_comes_before_the_brands(
    app: Flask, realm: Realm, login: str, home: str
) -> None:
    reseller = a_reseller()
    scope = TenantScope(reseller.id)
    user = (
        a_customer_user(a_customer(reseller)) if realm is Realm.CUSTOMER else a_staff_user(reseller)
    )
    with transaction(scope) as session:
        set_language(session, scope, realm=realm, user_id=user.id, language=Language.SPANISH)
    person = site_of(app, reseller, "fr")
    assert language_of(person.get(login)) == "fr"

    person.sign_in(user.email, at=login)

    assert language_of(person.get("/language" if realm is Realm.CUSTOMER else home)) == "es"


def test_an_admins_own_choice_comes_before_the_platforms(app: Flask) -> None:
    a_platform()
    user = a_platform_user()
    with transaction(PlatformScope()) as session:
        set_language(
            session,
            PlatformScope(),
            realm=Realm.PLATFORM,
            user_id=user.id,
            language=Language.FRENCH,
        )
    admin = Browser(app, PLATFORM_DOMAIN)

    admin.sign_in(user.email, at="/admin/login")

    assert language_of(admin.get("/admin/")) == "fr"


def test_a_page_not_found_is_told_in_the_readers_language(app: Flask) -> None:
    visitor = site_of(app, a_reseller(), "es")

    page = visitor.get("/nowhere")

    assert page.status_code == 404
    assert language_of(page) == "es"
    assert "Página no encontrada" in page.get_data(as_text=True)


def test_a_program_is_answered_in_the_language_it_asks_for_else_in_the_sites(app: Flask) -> None:
    program = site_of(app, a_reseller(), "fr")
    program.client.set_cookie("__Host-language", "es", domain=program.host, secure=True)
    of_site = "Envoyez une clé API valide"

    def detail(**headers: str) -> str:
        answer = program.client.post(
            "/api/v2/usage", base_url=program.base_url, json={}, headers=headers
        )
        assert {"Accept-Language", "Cookie"} <= set(answer.vary)
        assert answer.json is not None
        return str(answer.json["detail"])

    assert detail().startswith(of_site)
    assert detail(**{"Accept-Language": "*"}).startswith(of_site)
    assert detail(**{"Accept-Language": "en-GB"}).startswith("Send a valid API key")
    assert detail(**{"Accept-Language": "es"}).startswith("Envíe una clave de API válida")


def test_caches_keep_pages_of_several_languages_apart(app: Flask) -> None:
    page = site_of(app, a_reseller()).get("/login")

    assert {"Accept-Language", "Cookie", "Host"} <= set(page.vary)


def test_a_host_that_is_nobodys_says_the_same_to_everybody(app: Flask) -> None:
    stranger = Browser(app, "nobody.example")

    page = stranger.get("/", headers=SPANISH)

    assert page.status_code == 404
    assert "There is nothing at this address." in page.get_data(as_text=True)


def test_without_https_the_choice_is_remembered_without_prefix(
    make_app: Callable[..., Flask],
) -> None:
    plain = make_app(public_port=8000)
    visitor = Browser(plain, f"{a_reseller().slug}.{PLATFORM_DOMAIN}", scheme="http")

    visitor.post("/language", {"language": "fr"}, form_on="/login")

    assert visitor.cookies()["language"] == "fr"
    assert language_of(visitor.get("/login")) == "fr"
