"""docs/themes.md: its example is installed as it stands, and what it lists is what there is."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from app.edge import edge_of
from tests.apps import PLATFORM_DOMAIN
from tests.architecture.sources import ROOT
from tests.edge.theme_folders import a_site_in, a_theme, an_app_with
from tests.factories import a_reseller

PAGE = (ROOT / "docs" / "themes.md").read_text(encoding="utf-8")
EXAMPLE = re.compile(r"^`sommer/([\w./-]+)`\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Jinja's own, harmless and in its documentation.
OF_JINJA = {"range", "dict", "lipsum", "cycler", "joiner", "namespace"}


def test_the_worked_example_can_be_installed_and_worn(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    files: dict[str, str | bytes] = dict(EXAMPLE.findall(PAGE))
    a_theme(tmp_path, files, name="sommer")
    made = an_app_with(make_app, monkeypatch, tmp_path)
    site = a_site_in(made, "sommer", name="Eisdiele")

    page = site.get("/login").get_data(as_text=True)

    (theme,) = edge_of(made).themes.installed
    assert len(files) == 4
    assert theme.title("de") == "Sommer"
    assert 'data-theme="sommer"' in page
    assert 'data-theme-line="thick"' in page
    assert '<p class="lead">Eisdiele</p>' in page
    assert 'name="password"' in page
    assert "--theme-gap:32px" in site.get("/brand.css").get_data(as_text=True)
    sheet = site.get(theme.css_url, buffered=True)
    assert (sheet.status_code, sheet.mimetype) == (200, "text/css")
    sheet.close()


def test_a_template_knows_what_the_page_lists_and_nothing_else(app: Flask) -> None:
    table = PAGE.partition("What every template knows")[2].partition("Texts in `_()`")[0]
    documented = {
        name
        for row in re.findall(r"^\| (`.+?) \|", table, re.MULTILINE)
        for name in re.findall(r"`(\w+)", row)
    }

    site = f"https://{a_reseller().slug}.{PLATFORM_DOMAIN}"

    with app.test_request_context("/login", base_url=site):
        app.preprocess_request()
        context: dict[str, object] = {}
        app.update_template_context(context)

    assert {*context, *app.jinja_env.globals} - OF_JINJA == documented


ROLES = re.findall(r"`(--[a-z-]+)`", PAGE.partition("## theme.css")[2].partition("## Templ")[0])


@pytest.mark.parametrize("role", ROLES)
def test_every_role_that_the_page_names_exists(role: str) -> None:
    sheet = (ROOT / "app/web/static/css/site.css").read_text(encoding="utf-8")

    assert f"{role}:" in sheet
