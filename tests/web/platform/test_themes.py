"""The page of the installed themes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from tests.apps import Browser
from tests.edge.theme_folders import a_site_in, a_theme, an_app_with
from tests.factories import a_reseller
from tests.web.portals import a_stranger, an_admin, cost_of, is_turned_away, staff_of, text_of

THEMES = "/admin/themes"


def test_nobody_but_an_admin_sees_the_themes(app: Flask) -> None:
    reseller = a_reseller()

    assert is_turned_away(a_stranger(app).get(THEMES))
    assert staff_of(app, reseller).get(THEMES).status_code == 404


def test_the_page_lists_every_theme_and_who_wears_it(app: Flask, admin: Browser) -> None:
    before = text_of(admin.get(THEMES))
    a_site_in(app, "gone-for-good")

    shown = text_of(admin.get(THEMES))

    assert "Atelier" in before
    assert "gone-for-good" not in before
    assert "1 Wiederverkäufer trägt die Gestaltung „gone-for-good“" in shown
    assert cost_of(admin, THEMES) <= 6


def test_a_broken_theme_and_one_that_fails_say_why(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    a_theme(tmp_path, {"static/app.js": "x"}, name="broken")
    a_theme(tmp_path, {"templates/customer/login.html": "{{ 1 // 0 }}"}, name="failing")
    app = an_app_with(make_app, monkeypatch, tmp_path)
    a_site_in(app, "failing").get("/login")

    shown = text_of(an_admin(app).get(THEMES))

    assert "Fehlerhaft, sieht schlicht aus" in shown
    assert "static/app.js: only .css" in shown
    assert "Versagt auf einigen Seiten" in shown
    assert "themes/failing/templates/customer/login.html" not in shown
    assert "themes/failing/customer/login.html: ZeroDivisionError" in shown


def test_without_themes_the_page_says_what_to_do(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shown = text_of(an_admin(an_app_with(make_app, monkeypatch, tmp_path)).get(THEMES))

    assert "Es sind keine Gestaltungen installiert" in shown
