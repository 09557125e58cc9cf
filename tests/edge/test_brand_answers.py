"""The brand's style sheet and a theme's files: kept long, never mixed up, harmless (R20 to R25)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask

from app.branding import BrandLook, BrandRefusedError, BrandTokens, save_brand
from app.edge import edge_of
from app.kernel import transaction
from app.tenancy import Tenant
from tests.apps import PLATFORM_DOMAIN, Browser
from tests.factories import a_custom_host, a_reseller, scope_of

ACCENTS = ("#a3324f", "#0f6e84")
PATHS = ("/brand.css", "/manifest.webmanifest", "/login", "/nowhere")


def a_branded(app: Flask, accent: str = ACCENTS[0], **look: str) -> tuple[Tenant, Browser]:
    reseller = a_reseller()
    shown = replace(BrandLook(name="Moin", tokens=BrandTokens(accent=accent)), **look)  # type: ignore[arg-type]
    with transaction(scope_of(reseller)) as session:
        save_brand(session, scope_of(reseller), look=shown)
    edge_of(app).brands.forget(reseller.id)
    return reseller, Browser(app, f"{reseller.slug}.{PLATFORM_DOMAIN}")


@pytest.mark.parametrize("path", PATHS)
def test_r20_what_differs_by_host_says_so_and_is_kept_by_no_shared_cache(
    app: Flask, path: str
) -> None:
    _, visitor = a_branded(app)

    answer = visitor.get(path)

    assert "Host" in answer.vary
    assert "public" not in answer.headers["Cache-Control"]
    assert {"private", "no-store"} & set(answer.headers["Cache-Control"].split(", "))


def test_r20_one_address_has_as_many_style_sheets_as_there_are_hosts(app: Flask) -> None:
    visitors = [a_branded(app, accent)[1] for accent in ACCENTS]

    sheets = [each.get("/brand.css?v=the-same") for each in visitors]
    other = visitors[1].get("/brand.css", headers={"If-None-Match": sheets[0].headers["ETag"]})

    for accent, sheet in zip(ACCENTS, sheets, strict=True):
        assert f"--brand:{accent}" in sheet.get_data(as_text=True)
    assert sheets[0].headers["ETag"] != sheets[1].headers["ETag"]
    assert other.status_code == 200


def test_r20_all_hosts_of_a_reseller_share_a_look_and_keep_it_apart(app: Flask) -> None:
    reseller, visitor = a_branded(app)
    own = Browser(app, a_custom_host(reseller).host)

    sheets = [each.get("/brand.css") for each in (visitor, own)]

    assert sheets[0].data == sheets[1].data
    assert all("Host" in sheet.vary for sheet in sheets)


def test_r21_an_address_with_a_version_is_kept_for_good_and_changes_with_its_content(
    app: Flask,
) -> None:
    reseller, visitor = a_branded(app)
    address = edge_of(app).brands.at_hand(edge_of(app).sites.find(visitor.host)).css_url  # type: ignore[arg-type]
    first = visitor.get("/brand.css")

    look = BrandLook(name="Moin", tokens=BrandTokens(accent=ACCENTS[1]))
    with transaction(scope_of(reseller)) as session:
        save_brand(session, scope_of(reseller), look=look)
    edge_of(app).brands.forget(reseller.id)
    page = visitor.get("/login").get_data(as_text=True)

    assert first.headers["Cache-Control"] == "private, max-age=60"
    assert "immutable" in visitor.get(address).headers["Cache-Control"]
    assert "/brand.css?v=" in page
    assert address not in page


def test_the_style_sheet_takes_no_query_and_less_than_a_millisecond(
    app: Flask, connections: Callable[[], int]
) -> None:
    _, visitor = a_branded(app)
    visitor.get("/brand.css")
    view = app.view_functions["brand.style_sheet"]
    before = connections()

    with app.test_request_context("/brand.css?v=1", base_url=visitor.base_url):
        app.preprocess_request()
        best = min(_seconds(view) for _ in range(50))
    visitor.get("/brand.css?v=1")

    assert connections() == before
    assert best <= 0.001


def test_r22_no_brand_and_no_theme_loosens_the_policy(app: Flask) -> None:
    policies = []

    for theme in ("plain", "klar", "atelier", "pult", "gone"):
        _, visitor = a_branded(app, theme=theme)
        policy = visitor.get("/login").headers["Content-Security-Policy"]
        policies.append(" ".join(part for part in policy.split() if "nonce-" not in part))

    assert len(set(policies)) == 1
    assert "default-src 'self'" in policies[0]
    assert "unsafe" not in policies[0]


@pytest.mark.parametrize("text", ["a\r\nSet-Cookie: b=c", "a\nb", "a\rb", "a\u2028b", "a\x00b"])
def test_r23_a_text_with_a_line_break_is_refused(text: str) -> None:
    with pytest.raises(BrandRefusedError):
        BrandLook(name=text, tokens=BrandTokens(accent="#123456"))


@pytest.mark.parametrize("path", PATHS)
def test_r23_nothing_that_a_reseller_writes_becomes_a_header(app: Flask, path: str) -> None:
    marked = {"name": "MARK name", "support_phone": "MARK 1", "terms_url": "https://mark.example"}
    _, plain = a_branded(app)
    _, marked_site = a_branded(app, **marked)

    before, after = (site.get(path).headers for site in (plain, marked_site))

    assert [name for name, _ in before] == [name for name, _ in after]
    assert "mark" not in str(after).lower()


@pytest.mark.parametrize("path", ["/brand.css", "/theme/atelier/theme.css", "/static/css/site.css"])
def test_r25_every_file_is_what_it_says_and_loads_nothing(app: Flask, path: str) -> None:
    _, visitor = a_branded(app)

    answer = visitor.get(path, buffered=True)
    css = answer.get_data(as_text=True)
    answer.close()

    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    assert answer.mimetype == "text/css"
    assert "@import" not in css
    assert "//" not in css


def _seconds(view: Callable[[], object]) -> float:
    started = time.perf_counter()
    view()
    return time.perf_counter() - started
