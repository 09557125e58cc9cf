"""Themes: whose files they are, what they may override, what they may not see (requirement A3)."""

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from app.branding import BrandLook, BrandTokens, save_brand
from app.edge.themes import ThemeShelf
from app.kernel import transaction
from tests.apps import PLATFORM_DOMAIN, Browser
from tests.factories import a_reseller, scope_of

PAGE = """{% extends "customer/login.html" %}
{% block content %}<p>Moin!</p>{{ super() }}{% endblock %}"""


def a_themed_site(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch, folder: Path, page: str
) -> Browser:
    """A site whose theme brings its own version of the login page."""
    theme = folder / "moin"
    (theme / "templates" / "customer").mkdir(parents=True)
    (theme / "theme.toml").write_text('name = "moin"')
    (theme / "templates" / "customer" / "login.html").write_text(page)
    monkeypatch.setattr("app.factory.THEMES", folder)
    app, reseller = make_app(), a_reseller()
    look = BrandLook(name="Moin", tokens=BrandTokens(accent="#123456"), theme="moin")
    with transaction(scope_of(reseller)) as session:
        save_brand(session, scope_of(reseller), look=look)
    return Browser(app, f"{reseller.slug}.{PLATFORM_DOMAIN}")


def test_a_theme_may_extend_any_page_of_its_site(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    site = a_themed_site(make_app, monkeypatch, tmp_path, PAGE)

    page = site.get("/login").get_data(as_text=True)

    assert "<p>Moin!</p>" in page
    assert 'name="password"' in page
    assert "<p>Moin!</p>" not in site.get("/reseller/login").get_data(as_text=True)


@pytest.mark.parametrize(
    "greed",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ url_for.__globals__ }}",
        "{{ csrf_token.__globals__['current_app'].config }}",
        "{{ brand.__init__.__globals__ }}",
        "{{ get_flashed_messages.__code__ }}",
    ],
)
def test_a_theme_cannot_leave_the_sandbox(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, greed: str
) -> None:
    site = a_themed_site(make_app, monkeypatch, tmp_path, greed)

    answer = site.get("/login")

    # Jinja refuses some of it aloud; of the rest nothing is there.
    assert answer.status_code == 500 or answer.data == b""
    assert b"subclass" not in answer.data


@pytest.mark.parametrize("name", ["config", "session", "g", "request"])
def test_a_theme_sees_no_secrets(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    site = a_themed_site(make_app, monkeypatch, tmp_path, f"{{{{ {name} is defined }}}}")

    assert site.get("/login").get_data(as_text=True) == "False"


def test_an_uninstalled_theme_looks_plain(tmp_path: Path) -> None:
    shelf = ThemeShelf(tmp_path)

    theme = shelf.get("gone")

    assert (theme.name, theme.layout, theme.css_url) == ("kontor", "layout.html", "")
    assert shelf.find("gone") is None


def test_a_static_file_is_kept_for_good_under_the_address_of_its_content(app: Flask) -> None:
    site = Browser(app, f"{a_reseller().slug}.{PLATFORM_DOMAIN}")
    page = site.get("/login").get_data(as_text=True)
    address = page.partition('href="/static/css/')[2].partition('"')[0]

    with_version = site.get(f"/static/css/{address}", buffered=True)
    without = site.get("/static/css/site.css", buffered=True)

    assert address.startswith("site.css?v=")
    assert "max-age=31536000" in with_version.headers["Cache-Control"]
    assert "max-age" not in without.headers["Cache-Control"]
    with_version.close()
    without.close()
