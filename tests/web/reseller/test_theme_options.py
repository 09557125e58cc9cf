"""What a theme lets a reseller choose: shown by the brand editor, worn by the site (A3)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask

from tests.apps import Browser
from tests.web.portals import staff_of
from tests.web.reseller.test_brand_editor import LOOK, send
from tests.web.test_brand import a_branded

EDITOR = "/reseller/brand"


def an_editor(app: Flask, theme: str) -> tuple[Browser, Browser]:
    """Staff of a reseller whose brand wears a theme, and a visitor of her site."""
    reseller, visitor = a_branded(app, replace(LOOK, theme=theme))
    return staff_of(app, reseller), visitor


def test_the_editor_offers_what_the_theme_declares(app: Flask) -> None:
    page = an_editor(app, "pult")[0].get(EDITOR).get_data(as_text=True)

    assert 'name="option-stripes"' in page
    assert "Striped rows" in page
    assert 'name="option-width" type="number" value="84"' in page
    assert 'min="60"' in page
    assert 'name="option-hero"' not in page


def test_a_chosen_option_is_worn_once_it_is_published(app: Flask) -> None:
    staff, visitor = an_editor(app, "klar")
    before = visitor.get("/login").get_data(as_text=True)

    send(staff, {"option-hero": "quiet"})
    drafted = visitor.get("/login").get_data(as_text=True)
    send(staff, then="publish")

    assert 'data-theme-hero="filled"' in before
    assert 'data-theme-hero="filled"' in drafted
    assert 'data-theme-hero="quiet"' in visitor.get("/login").get_data(as_text=True)


def test_a_number_becomes_a_property_of_the_brands_style_sheet(app: Flask) -> None:
    staff, visitor = an_editor(app, "pult")

    send(staff, {"option-width": "72", "option-stripes": "off"}, then="publish")

    assert "--theme-width:72rem" in visitor.get("/brand.css").get_data(as_text=True)
    assert 'data-theme-stripes="off"' in visitor.get("/login").get_data(as_text=True)


@pytest.mark.parametrize("value", ["1000", "-1", "84rem", "84;}body{display:none", "", "x"])
def test_a_value_that_is_not_on_offer_is_never_worn(app: Flask, value: str) -> None:
    staff, visitor = an_editor(app, "pult")

    send(staff, {"option-width": value}, then="publish")

    css = visitor.get("/brand.css").get_data(as_text=True)
    assert "--theme-width:84rem" in css
    assert "display:none" not in css


def test_options_of_another_theme_do_no_harm(app: Flask) -> None:
    staff, visitor = an_editor(app, "pult")

    send(staff, {"option-width": "72"}, then="publish", theme="atelier")

    page = visitor.get("/login").get_data(as_text=True)
    assert 'data-theme="atelier"' in page
    assert 'data-theme-cover="colour"' in page
    assert "--theme-width" not in visitor.get("/brand.css").get_data(as_text=True)
