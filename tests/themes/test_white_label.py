"""Nobody on a reseller's site meets the platform's name, or another reseller's (requirement A3)."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import (
    BadRequest,
    Conflict,
    Forbidden,
    MethodNotAllowed,
    NotFound,
    RequestEntityTooLarge,
    TooManyRequests,
    Unauthorized,
    UnprocessableEntity,
)

from app.cli.demo import cast
from tests.apps import PLATFORM_DOMAIN, Browser
from tests.themes.crawling import Crawl, Found
from tests.themes.demo_site import CUSTOMER, DOMAIN, DemoSite, brand_of

# Whose name staff may meet: a reseller below, which they made, and the one above, with whom they
# have their contract, where a charge says who earned what of it.
PARTNERS = {"nordlicht": {"hafen"}, "hafen": {"nordlicht"}}
# Pages that show addresses of platform subdomains: where partners are, where somebody signed in,
# where the links of an e-mail lead.
SHOWING_ADDRESSES = (
    "/reseller/sub-resellers", "/portal/settings/account", "/reseller/account",
    "/reseller/brand/preview/email",
)  # fmt: skip
ADDRESS = re.compile(rf"[\w-]*\.(?:{re.escape(DOMAIN)}|{re.escape(PLATFORM_DOMAIN)})(?::\d+)?")
SLUGS = [brand.slug for brand in cast.BRANDS]
EVERYBODY = ["visitor", "customer", "staff"]
TROUBLE: list[Exception] = [
    BadRequest(), Unauthorized(), Forbidden(), NotFound(), MethodNotAllowed(), Conflict(),
    RequestEntityTooLarge(), UnprocessableEntity(), TooManyRequests(), RuntimeError("a bug"),
    OperationalError("SELECT kontor", {}, Exception("kontor_app at kontor.localhost")),
]  # fmt: skip


def a_person(demo: DemoSite, slug: str, who: str, host: str) -> Browser:
    browser = demo.visitor(host)
    brand = brand_of(slug)
    if who == "customer":
        browser.sign_in(brand.offices[0].email, password=brand.password)
    if who == "staff":
        browser.sign_in(brand.admin, at="/reseller/login", password=brand.password)
    return browser


def names_of_others(slug: str, who: str) -> re.Pattern[str]:
    """The platform's name and those of all resellers that this person must not meet."""
    known = {slug} | (PARTNERS.get(slug, set()) if who == "staff" else set())
    others = [brand for brand in cast.BRANDS if brand.slug not in known]
    words = [cast.PLATFORM_NAME, *(brand.look.name for brand in others)]
    words += [brand.slug for brand in others]
    forms = (rf"\b{re.escape(word)}|_{re.escape(word)}" for word in words)
    return re.compile("|".join(forms), re.IGNORECASE)


def traces(found: Found, forbidden: re.Pattern[str], host: str) -> Iterator[str]:
    """Every place of an answer that names somebody else.

    The site's own address does not count, nor do addresses where a page is about them.
    """
    for part in (found.headers, found.text):
        shown = part.replace(host, "")
        if found.path.startswith(SHOWING_ADDRESSES):
            shown = ADDRESS.sub("", shown)
        for hit in forbidden.finditer(shown):
            around = shown[max(hit.start() - 40, 0) : hit.end() + 40].replace("\n", " ")
            yield f"{found.path}: …{around}…"


@pytest.mark.parametrize("who", EVERYBODY)
@pytest.mark.parametrize("slug", SLUGS)
def test_a_whole_site_names_its_brand_alone(demo: DemoSite, slug: str, who: str) -> None:
    host = demo.host(slug)
    browser = a_person(demo, slug, who, host)

    crawl = Crawl(browser)
    found = crawl.walk()

    hits = [
        hit for each in found.values() for hit in traces(each, names_of_others(slug, who), host)
    ]
    cookies = {each.key for each in (browser.client._cookies or {}).values()}
    assert hits == []
    assert cookies <= {"session", "staff", "browser", "language"}
    assert len(crawl.pages()) >= {"visitor": 2, "customer": 6, "staff": 8}[who]
    assert any(each.kind == "text/css" for each in found.values())
    assert any(each.kind == "text/javascript" for each in found.values())
    assert not [each.path for each in found.values() if each.status >= 500]


@pytest.mark.parametrize("who", EVERYBODY)
def test_on_a_domain_of_its_own_a_site_never_names_the_platforms(demo: DemoSite, who: str) -> None:
    host = brand_of("nordlicht").custom_host
    assert host is not None

    found = Crawl(a_person(demo, "nordlicht", who, host)).walk()

    forbidden = names_of_others("nordlicht", who)
    assert [hit for each in found.values() for hit in traces(each, forbidden, host)] == []


@pytest.mark.parametrize("error", TROUBLE, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_error_pages_name_the_brand_alone(
    demo: DemoSite, monkeypatch: pytest.MonkeyPatch, error: Exception, accept: str
) -> None:
    _fails_with(monkeypatch, demo.app, error)
    host = demo.host("nordlicht")

    answer = demo.visitor(host).get("/brand.css", headers={"Accept": accept})

    text = answer.get_data(as_text=True)
    found = Found(
        "/brand.css", answer.status_code, answer.mimetype or "", str(answer.headers), text
    )
    assert answer.status_code >= 400
    assert list(traces(found, names_of_others("nordlicht", "visitor"), host)) == []
    if accept == "text/html":
        assert "Nordlicht Telefonie" in text


@pytest.mark.parametrize("host", ["nobody.kontor.localhost", "nobody.example", "a_b"])
def test_a_host_that_is_nobodys_names_nobody(demo: DemoSite, host: str) -> None:
    answer = demo.visitor(host).get("/")

    shown = str(answer.headers) + answer.get_data(as_text=True)
    assert answer.status_code in {400, 404}
    assert not names_of_others("", "visitor").search(shown.replace(host, ""))


def test_the_same_person_at_two_resellers_is_told_of_neither(demo: DemoSite) -> None:
    for slug, other in (("nordlicht", "Brightline"), ("brightline", "Nordlicht")):
        browser = a_person(demo, slug, "customer", demo.host(slug))

        page = browser.get("/portal/settings").get_data(as_text=True)

        assert CUSTOMER in page
        assert other not in page


def test_the_crawl_sees_a_name(demo: DemoSite) -> None:
    demo.wear("hafen", support_phone="ask Brightline Voice")

    found = Crawl(demo.visitor(demo.host("hafen"))).walk()

    demo.wear("hafen", support_phone=brand_of("hafen").look.support_phone)
    hits = [
        hit
        for each in found.values()
        for hit in traces(each, names_of_others("hafen", "visitor"), demo.host("hafen"))
    ]
    assert any("Brightline Voice" in hit for hit in hits)


def _fails_with(monkeypatch: pytest.MonkeyPatch, app: Flask, error: Exception) -> None:
    def view() -> None:
        raise error

    monkeypatch.setitem(app.view_functions, "brand.style_sheet", view)
