"""The legal pages of a reseller on her own site."""

from dataclasses import replace

import pytest
from flask import Flask

from app.branding import BrandLook, BrandTokens, look_of, values_of
from tests.web.portals import text_of
from tests.web.test_brand import a_branded

LOOK = BrandLook(name="Hafenfunk", tokens=BrandTokens("#a3324f"), language="en")
TEXT = (
    "# Angaben\nHafenfunk GmbH\n\n- [Karte](https://karte.example/x)\n\n<script>alert(1)</script>"
)


@pytest.mark.parametrize("page", ["imprint", "privacy", "terms"])
def test_an_own_text_is_a_page_of_the_site_and_linked_from_every_other(
    app: Flask, page: str
) -> None:
    _, visitor = a_branded(app, look_of(values_of(LOOK) | {f"{page}_text": TEXT}))

    shown = visitor.get(f"/{page}")

    html = shown.get_data(as_text=True)
    assert shown.status_code == 200
    assert "<h2>Angaben</h2>" in html
    assert '<a href="https://karte.example/x" rel="noopener">Karte</a>' in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert f'<a href="/{page}">' in visitor.get("/login").get_data(as_text=True)


def test_an_address_elsewhere_is_linked_and_led_to(app: Flask) -> None:
    _, visitor = a_branded(app, replace(LOOK, terms_url="https://hafen.example/agb"))

    led = visitor.get("/terms")

    assert (led.status_code, led.location) == (302, "https://hafen.example/agb")
    assert 'href="https://hafen.example/agb"' in visitor.get("/login").get_data(as_text=True)


@pytest.mark.parametrize("look", [LOOK, replace(LOOK, terms_url="/terms", terms_text="  \n ")])
def test_a_page_that_nobody_wrote_is_not_there_and_leads_nowhere(
    app: Flask, look: BrandLook
) -> None:
    _, visitor = a_branded(app, look)

    assert visitor.get("/terms").status_code == 404


def test_a_greeting_stands_at_the_sign_in_escaped_like_any_text(app: Flask) -> None:
    _, visitor = a_branded(app, replace(LOOK, greeting="Ahoi <b>alle</b>!"))

    page = visitor.get("/login")

    assert "Ahoi &lt;b&gt;alle&lt;/b&gt;!" in page.get_data(as_text=True)
    assert "See your balance" not in text_of(page)
