import re
from dataclasses import replace

import pytest
from flask import Flask

from app.audit import SYSTEM
from app.branding import (
    BrandLook,
    BrandRefusedError,
    BrandTokens,
    PictureKind,
    keep_pictures,
    make_pictures,
    save_brand,
)
from app.edge import edge_of
from app.kernel import now, transaction
from app.tenancy import PLATFORM_ID, Tenant, TenantScope
from tests.apps import PLATFORM_DOMAIN, Browser
from tests.branding.drawings import a_picture
from tests.factories import a_platform, a_reseller

HAFEN = BrandLook(
    name="Hafenfunk",
    tokens=BrandTokens(accent="#a3324f", surface="#fbf5ec"),
    theme="atelier",
    language="fr",
    logo_url="/static/demo/logo-hafen.svg",
    favicon_url="/static/demo/logo-hafen.svg",
    support_email="hilfe@hafenfunk.example",
    imprint_url="https://hafenfunk.example/impressum",
)


def a_branded(app: Flask, look: BrandLook = HAFEN) -> tuple[Tenant, Browser]:
    reseller = a_reseller()
    dress(app, TenantScope(reseller.id), look)
    return reseller, Browser(app, f"{reseller.slug}.{PLATFORM_DOMAIN}")


def dress(app: Flask, scope: TenantScope, look: BrandLook) -> None:
    with transaction(scope) as session:
        save_brand(session, scope, look=look)
    edge_of(app).brands.forget(scope.reseller_id)


def test_a_page_wears_the_brand_and_its_theme(app: Flask) -> None:
    _, visitor = a_branded(app)

    page = visitor.get("/login").get_data(as_text=True)

    assert 'lang="fr" data-theme="atelier"' in page
    assert 'class="rail"' in page
    assert "/theme/atelier/theme.css?v=" in page
    assert "hilfe@hafenfunk.example" in page


def test_the_style_sheet_is_kept_by_its_content_and_differs_by_tenant(app: Flask) -> None:
    _, visitor = a_branded(app)
    other = Browser(app, f"{a_reseller().slug}.{PLATFORM_DOMAIN}")

    first = visitor.get("/brand.css")
    again = visitor.get("/brand.css", headers={"If-None-Match": first.headers["ETag"]})

    assert first.mimetype == "text/css"
    assert "--brand:#a3324f" in first.get_data(as_text=True)
    assert (again.status_code, again.data) == (304, b"")
    assert other.get("/brand.css").headers["ETag"] != first.headers["ETag"]
    assert "private" in first.headers["Cache-Control"]
    assert "Host" in first.vary


def upload(reseller: Tenant, kind: PictureKind, content: bytes) -> str:
    scope = TenantScope(reseller.id)
    made = make_pictures(kind, content)
    with transaction(scope) as session:
        return keep_pictures(session, scope, made=made, now=now(), actor=SYSTEM)


def test_a_published_brand_shows_at_once(app: Flask) -> None:
    reseller, visitor = a_branded(app)
    visitor.get("/login")

    dress(app, TenantScope(reseller.id), BrandLook(name="Neu & Co", tokens=HAFEN.tokens))

    page = visitor.get("/login").get_data(as_text=True)
    assert "Neu &amp; Co" in page
    assert "Hafenfunk" not in page


def test_r21_a_picture_is_served_on_its_tenants_own_hosts_alone(app: Flask) -> None:
    owner, visitor = a_branded(app)
    _, stranger = a_branded(app)
    url = upload(owner, PictureKind.LOGO, a_picture(300, 60))

    mine, theirs = visitor.get(url), stranger.get(url)

    assert (mine.status_code, mine.mimetype) == (200, "image/webp")
    assert theirs.status_code == 404
    assert "immutable" in mine.headers["Cache-Control"]
    assert "private" in mine.headers["Cache-Control"]
    assert "Host" in mine.vary
    again = visitor.get(url, headers={"If-None-Match": mine.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_a_picture_may_be_shown_by_a_mail_program_on_another_origin(app: Flask) -> None:
    owner, visitor = a_branded(app)

    picture = visitor.get(upload(owner, PictureKind.LOGO, a_picture(300, 60)))
    page = visitor.get("/login")

    assert picture.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert page.headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_r21_drawn_initials_are_their_own_tenants_too(app: Flask) -> None:
    _, visitor = a_branded(app, replace(HAFEN, favicon_url=""))
    _, stranger = a_branded(app, replace(HAFEN, name="Anders", favicon_url=""))
    url = re.findall(r'rel="icon" href="([^"]+)"', visitor.get("/login").get_data(as_text=True))[0]

    assert visitor.get(url).mimetype == "image/png"
    assert stranger.get(url).status_code == 404


def test_r25_an_uploaded_drawing_shows_and_can_do_nothing_else(app: Flask) -> None:
    owner, visitor = a_branded(app)
    drawing = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script><path/></svg>'

    picture = visitor.get(upload(owner, PictureKind.FAVICON, drawing))

    assert picture.mimetype == "image/svg+xml"
    assert picture.headers["X-Content-Type-Options"] == "nosniff"
    policy = picture.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert policy.endswith("sandbox")
    assert b"script" not in picture.data


@pytest.mark.parametrize(
    "path",
    [
        "/brand/" + "0" * 32 + "/logo.webp",
        "/brand/" + "0" * 32 + "/logo.webp%00",
        "/brand/%00/logo.webp",
        "/brand/x/../../etc/passwd",
        "/brand/" + "0" * 32 + "/%2e%2e",
    ],
)
def test_a_picture_that_is_nobodys_is_not_there(app: Flask, path: str) -> None:
    _, visitor = a_branded(app)

    assert visitor.get(path).status_code == 404


def test_the_platforms_pages_never_wear_a_theme(app: Flask) -> None:
    a_platform()
    dress(app, TenantScope(PLATFORM_ID), HAFEN)

    page = Browser(app, PLATFORM_DOMAIN).get("/admin/login").get_data(as_text=True)

    dress(app, TenantScope(PLATFORM_ID), BrandLook(name="Kontor", tokens=HAFEN.tokens))
    assert "Hafenfunk" in page
    assert 'class="rail"' not in page


@pytest.mark.parametrize(
    "path",
    [
        "/theme/nothing/theme.css",
        "/theme/atelier/../theme.toml",
        "/theme/atelier/%2e%2e/theme.toml",
        "/theme/atelier/templates/layout.html",
        "/theme/../../etc/passwd",
    ],
)
def test_theme_files_are_those_of_the_static_folder_alone(app: Flask, path: str) -> None:
    visitor = Browser(app, f"{a_reseller().slug}.{PLATFORM_DOMAIN}")

    assert visitor.get(path).status_code == 404


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "a\nb"),
        ("theme", "../secrets"),
        ("language", "xx"),
        ("imprint_url", "javascript:alert(1)"),
        ("privacy_url", "//evil.test"),
        ("terms_url", "http://plain.test"),
        ("logo_url", "https://elsewhere.test/logo.svg"),
        ("logo_url", "//elsewhere.test/logo.svg"),
        ("support_phone", "0" * 501),
    ],
)
def test_a_brand_with_a_dangerous_value_is_refused(field: str, value: str) -> None:
    with pytest.raises(BrandRefusedError):
        BrandLook(**{"name": "Hafenfunk", "tokens": HAFEN.tokens, field: value})  # type: ignore[arg-type]
