import re
from pathlib import Path

import pytest

from app.branding import FONTS, SYSTEM_FONT, font_css

FOLDER = Path(__file__).parents[2] / "app/web/static/fonts"
LOADED = [name for name in FONTS if name != SYSTEM_FONT]


@pytest.mark.parametrize("font", LOADED)
def test_every_font_is_ours_small_and_under_an_open_licence(font: str) -> None:
    file = FOLDER / f"{font}.woff2"

    assert file.read_bytes().startswith(b"wOF2")
    assert file.stat().st_size < 50_000
    assert "SIL OPEN FONT LICENSE" in (FOLDER / f"{font}.LICENSE.txt").read_text().upper()


def test_no_font_lies_there_that_nobody_can_choose() -> None:
    assert {path.stem for path in FOLDER.glob("*.woff2")} == set(LOADED)


@pytest.mark.parametrize("font", LOADED)
def test_r25_a_font_is_loaded_from_the_site_itself_and_has_a_stand_in(font: str) -> None:
    css = font_css(font, f"/static/fonts/{font}.woff2?v=1")

    assert re.findall(r"url\(\"([^\"]+)\"\)", css) == [f"/static/fonts/{font}.woff2?v=1"]
    assert "font-display:optional" in css
    assert css.count("size-adjust:") == css.count("line-gap-override:0%") >= 1
    assert css.count("{") == css.count("}")
    assert not re.search(r"@import|//|<|expression", css)


def test_the_systems_own_font_loads_nothing_and_leaves_the_theme_its_own() -> None:
    assert font_css(SYSTEM_FONT, "") == ""
