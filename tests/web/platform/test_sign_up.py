"""The public sign-up, page by page, and the front page it begins on."""

from __future__ import annotations

import re
from collections.abc import Callable
from io import BytesIO
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.identity import link_token
from app.kernel import transaction
from app.onboarding import ResellerApplication
from app.tenancy import PlatformScope, Tenant
from tests.apps import PLATFORM_DOMAIN, SECRET_KEY, Browser
from tests.branding.drawings import a_picture
from tests.factories import PASSWORD, a_platform, a_reseller, unique
from tests.factories.sign_ups import a_plan
from tests.web.portals import a_stranger, an_admin, text_of

_PLATFORM = PlatformScope()
MakeApp = Callable[..., Flask]
WRONG = re.compile(r'class="field field--wrong">.*?<p class="field__error".*?</p>', re.DOTALL)


@pytest.fixture
def open_app(make_app: MakeApp) -> Flask:
    """The app of a platform where anybody may sign up."""
    a_platform()
    return make_app(**open_settings())


def open_settings() -> dict[str, object]:
    return {
        "sign_up_plan": a_plan(),
        "sign_up_terms_url": "/terms",
        "sign_up_data_processing_url": "/dpa",
        "rate_limit_sign_up": "1000 per minute",
        "rate_limit_name_check": "1000 per minute",
    }


def a_form(**changes: str) -> dict[str, str]:
    """What a person sends who signs up."""
    slug = unique("sonnenfunk")
    return {
        "form": "sign_up",
        "request_key": unique("form"),
        "company": "Sonnenfunk GmbH",
        "slug": slug,
        "country": "AT",
        "accent": "#b5541c",
        "name": "Sina Sommer",
        "email": f"sina@{slug}.example",
        "password": PASSWORD,
        "terms": "1",
        "data_processing": "1",
        **changes,
    }


def kept(slug: str) -> ResellerApplication | None:
    with transaction(_PLATFORM) as session:
        return session.scalar(select(ResellerApplication).where(ResellerApplication.slug == slug))


def link_of(slug: str) -> str:
    application = kept(slug)
    assert application is not None
    return f"/signup/confirm/{link_token(SECRET_KEY, application.id)}"


def is_there(slug: str) -> bool:
    with transaction(_PLATFORM) as session:
        return bool(session.scalar(select(func.count()).where(Tenant.slug == slug)))


def test_a_visitor_signs_up_confirms_and_signs_in_on_her_own_site(open_app: Flask) -> None:
    browser, form = a_stranger(open_app), a_form()
    host = f"{form['slug']}.{PLATFORM_DOMAIN}"
    unknown = Browser(open_app, host).get("/login")

    sent = browser.post("/signup", form)
    looked_at = browser.get(link_of(form["slug"]))
    before = is_there(form["slug"])
    confirmed = browser.post(link_of(form["slug"]))
    shown = text_of(browser.get(link_of(form["slug"])))

    assert (unknown.status_code, sent.status_code, sent.location) == (404, 303, "/signup/sent")
    assert (looked_at.status_code, before, confirmed.status_code) == (200, False, 303)
    assert host in shown
    hers = Browser(open_app, host)
    entered = hers.sign_in(form["email"], at="/reseller/login")
    assert (entered.status_code, entered.location) == (303, "/reseller/")
    home = hers.get("/reseller/").get_data(as_text=True)
    assert "Ihre Seite ist in der Testphase." in home
    assert "Testphase" not in Browser(open_app, host).get("/login").get_data(as_text=True)


def test_a_logo_that_is_chosen_with_the_confirmation_stands_on_the_new_site(
    open_app: Flask,
) -> None:
    browser, form = a_stranger(open_app), a_form()
    browser.post("/signup", form)
    path = link_of(form["slug"])

    no_picture = browser.post(path, {"logo_file": (BytesIO(b"GIF89a"), "logo.png")})
    before = is_there(form["slug"])
    opened = browser.post(path, {"logo_file": (BytesIO(a_picture(300, 60)), "logo.png")})
    page = Browser(open_app, f"{form['slug']}.{PLATFORM_DOMAIN}").get("/login")

    assert (no_picture.status_code, before) == (422, False)
    assert "kein lesbares Bild" in text_of(no_picture)
    assert opened.status_code == 303
    logo = re.search(r'<img[^>]+src="(/brand/[^"]+/logo\.webp)"', page.get_data(as_text=True))
    assert logo is not None
    shown = Browser(open_app, f"{form['slug']}.{PLATFORM_DOMAIN}").get(logo[1])
    assert (shown.status_code, shown.mimetype) == (200, "image/webp")


def test_a_mail_scanner_that_follows_the_link_opens_nothing(open_app: Flask) -> None:
    browser, form = a_stranger(open_app), a_form()
    browser.post("/signup", form)

    for path in (
        link_of(form["slug"]),
        link_of(form["slug"]).replace("/signup", "/reseller/email"),
    ):
        browser.get(path, follow_redirects=True)

    assert not is_there(form["slug"])


def test_the_address_of_the_mail_leads_to_the_confirmation(open_app: Flask) -> None:
    browser, form = a_stranger(open_app), a_form()
    browser.post("/signup", form)
    path = link_of(form["slug"])

    answer = browser.get(path.replace("/signup/confirm", "/reseller/email/confirm"))

    assert (answer.status_code, answer.location) == (302, path)


@pytest.mark.parametrize("token", ["x", "A" * 48, link_token("another secret", UUID(int=7))])
def test_an_invented_link_is_nobodys(open_app: Flask, token: str) -> None:
    page = a_stranger(open_app).get(f"/signup/confirm/{token}")

    assert page.status_code == 404
    assert 'href="/admin/' not in page.get_data(as_text=True)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("company", "", "Namen Ihres Unternehmens"),
        ("email", "sina", "E-Mail-Adresse"),
        ("password", "kurz", "10 bis 256"),
        ("slug", "fuck", "nicht möglich"),
        ("slug", "adm1n", "zu ähnlich"),
        ("slug", "kontor", "reserviert"),
        ("terms", "", "stimmen Sie zu"),
        ("data_processing", "", "stimmen Sie zu"),
        ("country", "US", "aus der Liste"),
    ],
)
def test_a_refused_field_says_why_and_keeps_the_rest_but_the_password(
    open_app: Flask, field: str, value: str, words: str
) -> None:
    form = a_form(**{field: value})

    page = a_stranger(open_app).post("/signup", form)

    shown = page.get_data(as_text=True)
    wrong = WRONG.findall(shown)
    assert page.status_code in {409, 422}
    assert len(wrong) == 1
    assert words in wrong[0]
    assert 'value="Sina Sommer"' in shown
    assert form["request_key"] in shown
    assert PASSWORD not in shown
    assert kept(form["slug"]) is None


def test_the_answer_is_the_same_for_a_program_a_crowd_and_a_person(open_app: Flask) -> None:
    browser = a_stranger(open_app)
    trap = a_form(website="https://spam.example")
    crowd = [a_form(email="mia@gmail.com", slug=unique("mia")) for _ in range(4)]

    answers = [browser.post("/signup", form) for form in (trap, *crowd)]

    assert {(each.status_code, each.location) for each in answers} == {(303, "/signup/sent")}
    assert kept(trap["slug"]) is None
    assert kept(crowd[3]["slug"]) is None


def test_r13_a_sign_up_from_another_site_is_refused(open_app: Flask) -> None:
    form = a_form()

    page = a_stranger(open_app).post("/signup", form, headers={"Origin": "https://evil.example"})

    assert page.status_code == 422
    assert kept(form["slug"]) is None


def test_one_address_may_try_so_often_and_no_more(make_app: MakeApp) -> None:
    app = make_app(**{**open_settings(), "rate_limit_sign_up": "2 per hour"})
    browser, forms = a_stranger(app), [a_form() for _ in range(3)]

    answers = [browser.post("/signup", form).status_code for form in forms]

    assert answers == [303, 303, 429]
    assert kept(forms[2]["slug"]) is None


def test_a_name_is_checked_as_it_is_typed(open_app: Flask) -> None:
    browser, taken = a_stranger(open_app), a_reseller().slug
    asked = {"headers": {"Accept": "application/json"}}
    free = unique("frei")

    queries = [f"slug={free}", f"slug={taken}", "slug=Fuck", "slug=", "slug=a", "slug=xn--a-b"]
    answers = {query: browser.get(f"/signup/name?{query}", **asked).get_json() for query in queries}
    suggested = browser.get("/signup/name?company=Funkhaus+Ost+GmbH&accent=%23b5541c").get_json()

    assert answers[f"slug={free}"]["is_free"]
    assert [each["is_free"] for query, each in answers.items() if free not in query] == [False] * 5
    assert "vergeben" in answers[f"slug={taken}"]["text"]
    assert f"{taken}-2" in answers[f"slug={taken}"]["text"]
    assert answers["slug="]["text"] == ""
    assert suggested["slug"].startswith("funkhaus-ost")
    assert suggested["accent"].startswith("#")


def test_where_no_plan_is_named_nobody_signs_up(app: Flask) -> None:
    a_platform()
    browser = a_stranger(app)

    assert browser.get("/signup").status_code == 404
    assert "/signup" not in browser.get("/").get_data(as_text=True)


def test_the_front_page_is_for_visitors_and_an_admin_goes_on(open_app: Flask) -> None:
    visitor = a_stranger(open_app).get("/")
    admin = an_admin(open_app).get("/")

    assert visitor.status_code == 200
    assert 'href="/signup"' in visitor.get_data(as_text=True)
    assert (admin.status_code, admin.location) == (302, "/admin/")


@pytest.mark.parametrize("path", ["/signup", "/signup/sent", "/signup/name?slug=abc", "/signin"])
def test_r8_the_sign_up_exists_on_the_platforms_site_alone(open_app: Flask, path: str) -> None:
    site = a_stranger(open_app, a_reseller())

    assert site.get(path).status_code == 404
    assert a_stranger(open_app).get(path).status_code == 200


def test_staff_finds_the_way_to_her_own_site(open_app: Flask) -> None:
    browser, slug = a_stranger(open_app), a_reseller().slug
    address = f"https://{slug}.{PLATFORM_DOMAIN}/reseller/login"

    found = [browser.get(f"/signin?site={typed}") for typed in (slug, f"{slug}.{PLATFORM_DOMAIN}")]
    unknown = browser.get(f"/signin?site={unique('niemand')}")

    assert [(each.status_code, each.location) for each in found] == [(303, address)] * 2
    assert unknown.status_code == 404
    assert "Es gibt keine Seite" in unknown.get_data(as_text=True)


@pytest.mark.parametrize(
    "typed", ["evil.example", "//evil.example", "x@evil.example", "%0d%0a", "\0"]
)
def test_r16_the_way_to_a_site_leads_nowhere_else(open_app: Flask, typed: str) -> None:
    answer = a_stranger(open_app).get("/signin", query_string={"site": typed})

    assert answer.status_code in {200, 404}
    assert "Location" not in answer.headers
