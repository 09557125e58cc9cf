"""Customers who register by themselves at a reseller that lets them."""

import pytest
from flask import Flask

from app import billing
from app.branding import BrandLook, BrandTokens, save_brand
from app.edge import edge_of
from app.identity import list_consents, list_customers, set_registration
from app.kernel import transaction
from app.tenancy import Tenant
from tests.apps import SECRET_KEY, Browser
from tests.conftest import Database
from tests.factories import (
    PASSWORD,
    a_customer,
    a_customer_user,
    a_reseller,
    scope_of,
    unique,
)
from tests.factories.counts import rows_of_all_tables
from tests.factories.links import deliver, delivered_path, links_to
from tests.factories.money import a_priced_reseller
from tests.web.portals import a_stranger, text_of

TERMS_URL = "https://nordlicht.example/agb"


@pytest.fixture
def reseller(connected: object) -> Tenant:
    """A reseller that sells, has terms, and takes whoever comes."""
    made = a_priced_reseller()
    scope = scope_of(made)
    with transaction(scope) as session:
        set_registration(session, scope, is_open=True)
        look = BrandLook(
            name="Nordlicht",
            tokens=BrandTokens(accent="#0f6e84", surface="#f1f7f8"),
            terms_url=TERMS_URL,
        )
        save_brand(session, scope, look=look)
    return made


def a_form(browser: Browser, **changed: str) -> dict[str, str]:
    page = browser.get("/register").get_data(as_text=True)
    version = page.partition('name="terms_version" value="')[2].partition('"')[0]
    return {
        "form": "register",
        "name": "Ida Ilves",
        "company": "Ilves GmbH",
        "email": f"{unique('ida')}@example.com",
        "password": PASSWORD,
        "terms": "1",
        "terms_version": version,
        **changed,
    }


def test_a_stranger_registers_confirms_and_signs_in(app: Flask, reseller: Tenant) -> None:
    browser, scope = a_stranger(app, reseller), scope_of(reseller)
    form = a_form(browser)

    offered = browser.get("/login").get_data(as_text=True)
    sent = browser.post("/register", form)
    waiting = browser.sign_in(form["email"])
    link = delivered_path(SECRET_KEY, form["email"], reseller=reseller)
    asked = browser.get(link)
    with transaction(scope) as session:
        before = list_customers(session, scope)
    refused = browser.post(link, {"form": "confirm", "password": "another password"})
    confirmed = browser.post(link, {"form": "confirm", "password": PASSWORD})
    entered = browser.sign_in(form["email"])
    again = browser.get(link)

    with transaction(scope) as session:
        (customer,) = list_customers(session, scope)
        wallet = billing.get_wallet(session, scope, customer_id=customer.id)
        (consent,) = list_consents(session, scope, customer_id=customer.id)
    assert 'href="/register"' in offered
    assert (sent.status_code, sent.location) == (303, "/register?sent=1")
    assert (waiting.status_code, asked.status_code, before) == (401, 200, [])
    assert "Ilves GmbH" in text_of(asked)
    assert refused.status_code == 422
    assert "mit einem anderen Passwort" in text_of(refused)
    assert (confirmed.status_code, confirmed.location) == (303, "/login")
    assert (entered.status_code, again.status_code) == (303, 409)
    assert (customer.name, wallet.currency) == ("Ilves GmbH", "EUR")
    assert (consent.content, consent.title) == (TERMS_URL, "Nordlicht")
    assert browser.get("/portal/").status_code == 200


def test_where_the_terms_are_a_text_the_text_itself_is_kept(app: Flask, reseller: Tenant) -> None:
    browser, scope = a_stranger(app, reseller), scope_of(reseller)
    with transaction(scope) as session:
        look = BrandLook(
            name="Nordlicht",
            tokens=BrandTokens(accent="#0f6e84", surface="#f1f7f8"),
            terms_text="Wer anruft, zahlt.",
        )
        save_brand(session, scope, look=look)
    edge_of(app).brands.forget(reseller.id)
    form = a_form(browser)

    browser.post("/register", form)
    link = delivered_path(SECRET_KEY, form["email"], reseller=reseller)
    browser.post(link, {"form": "confirm", "password": PASSWORD})

    with transaction(scope) as session:
        (customer,) = list_customers(session, scope)
        (consent,) = list_consents(session, scope, customer_id=customer.id)
    assert consent.content == "Wer anruft, zahlt."


def test_an_address_that_has_an_account_gets_the_same_answer(app: Flask, reseller: Tenant) -> None:
    known = a_customer_user(a_customer(reseller)).email
    browser = a_stranger(app, reseller)

    new = browser.post("/register", a_form(browser))
    old = browser.post("/register", a_form(browser, email=known))
    letter = deliver(links_to(known, reseller=reseller)[-1])

    assert (new.status_code, new.location) == (old.status_code, old.location)
    assert letter is not None
    assert letter.purpose.value == "account_exists"
    assert browser.sign_in(known).status_code == 303
    with transaction(scope_of(reseller)) as session:
        assert len(list_customers(session, scope_of(reseller))) == 1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"terms": ""}, ("register-terms", "stimmen Sie ihnen zu")),
        ({"terms_version": "0f"}, ("register-terms", "gerade geändert")),
        ({"email": "no address"}, ("register-email", "name@example.com")),
        ({"password": "short"}, ("password", "10 bis 256")),
        ({"name": ""}, ("register-name", "höchstens 200")),
        ({"company": ""}, ("register-company", "höchstens 200")),
    ],
)
def test_a_refused_form_comes_back_with_what_was_typed(
    app: Flask,
    reseller: Tenant,
    connected: Database,
    wrong: dict[str, str],
    said: tuple[str, str],
) -> None:
    about, words = said
    browser = a_stranger(app, reseller)
    form = a_form(browser, **wrong)
    before = rows_of_all_tables(connected.owner_url)

    page = browser.post("/register", form)

    text = page.get_data(as_text=True)
    after_field = (
        text.partition(f'id="field-{about}-error"')[2] or text.partition(f'id="{about}-error"')[2]
    )
    assert page.status_code in {409, 422}
    assert words in after_field.partition("</p>")[0]
    assert PASSWORD not in text
    assert rows_of_all_tables(connected.owner_url) == before
    for name in ("name", "company", "email"):
        assert f'value="{form[name]}"' in text


@pytest.mark.parametrize("reason", ["closed", "nothing is sold"])
def test_by_invitation_only_nobody_registers(app: Flask, connected: Database, reason: str) -> None:
    reseller, is_open = a_reseller(), reason == "nothing is sold"
    scope = scope_of(reseller)
    with transaction(scope) as session:
        set_registration(session, scope, is_open=is_open)
    browser = a_stranger(app, reseller)

    page = browser.get("/register")
    login = browser.get("/login").get_data(as_text=True)
    before = rows_of_all_tables(connected.owner_url)
    sent = browser.post("/register", a_form(browser), form_on="/login")

    assert page.status_code == 200
    assert "Auf Einladung" in text_of(page)
    main = page.get_data(as_text=True).partition("<main")[2].partition("</main>")[0]
    assert "<form" not in main
    assert 'href="/register"' not in login
    assert sent.status_code == 403
    assert rows_of_all_tables(connected.owner_url) == before


def test_there_is_no_registration_on_the_platforms_site(app: Flask) -> None:
    assert a_stranger(app).get("/register").status_code == 404
