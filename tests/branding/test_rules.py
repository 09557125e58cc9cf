import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.branding.rules import (
    BrandTokenError,
    BrandTokens,
    Density,
    InvalidColourError,
    Mode,
    Radius,
    brand_css,
    colour_roles,
    contrast,
)

ROOT = Path(__file__).parents[2]
KONTOR = BrandTokens("#2f3e5c", "#f6f7f9", "small", "compact")

SHEETS = ("surface", "surface-raised", "surface-sunken")
GROUNDS = (*SHEETS, "accent-soft", "positive-soft", "warning-soft", "danger-soft")
TEXTS = ("text", "text-muted", "accent", "positive", "warning", "danger")

colours = st.integers(min_value=0, max_value=0xFFFFFF).map(lambda number: f"#{number:06x}")
tokens = st.builds(BrandTokens, accent=colours, surface=colours)


def blocks(css: str) -> list[dict[str, str]]:
    """Read the roles of every rule back from the sheet that a browser gets."""
    rules = [dict(re.findall(r"--([a-z-]+):(#[0-9a-f]{6});", rule)) for rule in css.split("}")]
    return [rule for rule in rules if rule]


@given(tokens)
def test_every_text_is_readable_on_every_ground_in_both_modes(brand: BrandTokens) -> None:
    sheet = blocks(brand_css(brand))

    assert len(sheet) == 3
    for roles in sheet:
        for text in TEXTS:
            for ground in GROUNDS:
                assert contrast(roles[text], roles[ground]) >= 4.5, (text, ground, roles)
        for fill in ("accent", "accent-strong"):
            assert contrast(roles["on-accent"], roles[fill]) >= 4.5, (fill, roles)


@given(tokens)
def test_controls_and_focus_stand_out_in_both_modes(brand: BrandTokens) -> None:
    for roles in blocks(brand_css(brand)):
        for ground in GROUNDS:
            assert contrast(roles["focus"], roles[ground]) >= 3, (ground, roles)
        for sheet in ("surface", "surface-raised"):
            assert contrast(roles["line-strong"], roles[sheet]) >= 3, (sheet, roles)
            assert contrast(roles["accent"], roles[sheet]) >= 3, (sheet, roles)


@given(tokens)
def test_light_is_light_and_dark_is_dark_whatever_surface_is_asked_for(brand: BrandTokens) -> None:
    assert contrast(colour_roles(brand, "light")["surface"], "#000000") > 17
    assert contrast(colour_roles(brand, "dark")["surface"], "#ffffff") > 16


@given(st.text(), st.sampled_from(["accent", "surface"]))
def test_only_six_hexadecimal_digits_are_a_colour(text: str, field: str) -> None:
    if re.fullmatch(r"#[0-9a-fA-F]{6}", text):
        return

    with pytest.raises(InvalidColourError):
        BrandTokens(**{"accent": "#123456", field: text})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "colour",
    [
        "",
        "red",
        "#fff",
        "#12345",
        "#1234567",
        "123456",
        "#12345g",
        "#123456\n",
        " #123456",
        "#１２３４５６",  # noqa: RUF001 - full-width digits are the point
        "#123456;}body{display:none",
        "url(//x)",
    ],
)
def test_a_colour_that_could_carry_anything_else_is_refused(colour: str) -> None:
    with pytest.raises(InvalidColourError):
        BrandTokens(colour)


def test_shapes_that_are_not_on_offer_are_refused() -> None:
    with pytest.raises(BrandTokenError):
        BrandTokens("#123456", radius="9px;}")  # type: ignore[arg-type]
    with pytest.raises(BrandTokenError):
        BrandTokens("#123456", density="")  # type: ignore[arg-type]
    with pytest.raises(BrandTokenError):
        BrandTokens("#123456", mode="sepia")  # type: ignore[arg-type]


def test_every_refusal_is_a_value_error() -> None:
    assert issubclass(InvalidColourError, BrandTokenError)
    assert issubclass(BrandTokenError, ValueError)


@pytest.mark.parametrize("accent", ["#0f6e84", "#a3324f", "#2f3e5c"])
def test_an_accent_that_is_readable_already_is_kept(accent: str) -> None:
    roles = colour_roles(BrandTokens(accent), "light")

    assert roles["accent"] == accent


def test_a_pale_accent_darkens_but_keeps_the_brand_colour_for_ornament() -> None:
    roles = colour_roles(BrandTokens("#FFD400"), "light")

    assert roles["brand"] == "#ffd400"
    assert contrast(roles["accent"], "#ffffff") >= 4.5


@given(
    colours,
    st.sampled_from(("none", "small", "large")),
    st.sampled_from(("comfortable", "compact")),
    st.sampled_from(("auto", "light", "dark")),
)
def test_the_sheet_holds_declarations_and_nothing_that_loads(
    accent: str, radius: Radius, density: Density, mode: Mode
) -> None:
    css = brand_css(BrandTokens(accent, "#ffffff", radius, density, mode))

    assert css.count("{") == css.count("}")
    assert not re.search(r"url|@import|//|<|expression", css)
    assert re.fullmatch(r"[-a-z0-9#:;{}()\[\]=@. \n]+", css)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_a_brand_with_one_mode_outweighs_the_wish_of_the_system(mode: Mode) -> None:
    css = brand_css(BrandTokens("#0f6e84", mode=mode))

    assert css.startswith(":root:root{")
    assert f"color-scheme:{mode};" in css
    assert "@media" not in css


def test_black_and_white_have_the_contrast_of_the_norm() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_the_base_style_carries_the_roles_of_the_platform() -> None:
    sheet = (ROOT / "app/web/static/css/site.css").read_text(encoding="utf-8")

    assert brand_css(KONTOR) in sheet


def test_no_style_sheet_loads_from_elsewhere() -> None:
    sheets = [*ROOT.glob("app/web/static/css/*.css"), *ROOT.glob("themes/*/static/*.css")]

    assert len(sheets) >= 3
    for path in sheets:
        assert not re.search(r"@import|url\(|https?:|//", path.read_text(encoding="utf-8")), path
