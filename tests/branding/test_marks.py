import io
from pathlib import Path

import pytest
from PIL import Image

from app.branding import (
    MARK_FILES,
    BrandLook,
    BrandTokens,
    app_icons,
    draw_mark,
    favicon_path,
    icon_path,
    initials,
    logo_file,
    mark_hash,
)

FONT = Path(__file__).parents[2] / "app/web/static/fonts/inter.woff2"
LOOK = BrandLook(name="Ärzte-Netz Öl", tokens=BrandTokens("#ffd400"))


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Nordlicht Telefonie", "NT"),
        ("Ärzte-Netz Öl", "ÄN"),
        ("hafen", "H"),
        ("1&1 Versatel", "1V"),
        ("Straße & Söhne", "SS"),
        ("ßoo", "SS"),
        ("Молния Телеком", ""),
        ("中文", ""),
        ("\N{EN DASH}", ""),
        ("", ""),
    ],
)
def test_initials_are_one_or_two_capitals_that_the_font_has(name: str, letters: str) -> None:
    assert initials(name) == letters


@pytest.mark.parametrize("name", MARK_FILES)
@pytest.mark.parametrize("brand", ["Nordlicht Telefonie", "中文"])
def test_a_brand_without_an_icon_has_one_drawn(name: str, brand: str) -> None:
    look = BrandLook(name=brand, tokens=BrandTokens("#0f6e84"))

    icon = Image.open(io.BytesIO(draw_mark(look, name, font=FONT))).convert("RGBA")

    side, is_full = MARK_FILES[name]
    corner = icon.getpixel((0, 0))
    assert icon.size == (side, side)
    assert corner == ((15, 110, 132, 255) if is_full else (0, 0, 0, 0))
    # Something is drawn on it.
    assert len(icon.getcolors(side * side) or []) > 2


def test_a_drawn_icon_has_another_address_when_it_looks_different() -> None:
    other = BrandLook(name=LOOK.name, tokens=BrandTokens("#0f6e84"))

    assert mark_hash(LOOK) != mark_hash(other)
    assert mark_hash(LOOK) == mark_hash(BrandLook(name="ä n", tokens=LOOK.tokens))


def test_icons_come_from_the_upload_where_there_is_one() -> None:
    png = BrandLook(name="A", tokens=LOOK.tokens, favicon_url="/brand/aa/icon-32.png")
    svg = BrandLook(name="A", tokens=LOOK.tokens, favicon_url="/brand/bb/icon.svg")

    assert [each.src for each in app_icons(png)] == [
        "/brand/aa/icon-192.png",
        "/brand/aa/icon-512.png",
        "/brand/aa/icon-maskable-512.png",
    ]
    assert [each.src for each in app_icons(svg)] == [
        "/brand/bb/icon.svg",
        *(f"/brand/{mark_hash(svg)}/{name}" for name in list(MARK_FILES)[2:]),
    ]
    assert favicon_path(png) == "/brand/aa/icon-32.png"
    assert favicon_path(LOOK) == f"/brand/{mark_hash(LOOK)}/icon-32.png"
    with pytest.raises(KeyError):
        icon_path(LOOK, "icon-9999.png")


def test_other_files_of_a_logo_exist_for_an_uploaded_picture_alone() -> None:
    def png_of(logo_url: str) -> str:
        return logo_file(BrandLook(name="A", tokens=LOOK.tokens, logo_url=logo_url), "logo.png")

    assert png_of("/brand/aa/logo.webp") == "/brand/aa/logo.png"
    assert [png_of(url) for url in ("", "/brand/aa/logo.svg", "/static/x/logo.png")] == [""] * 3
