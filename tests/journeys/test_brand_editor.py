"""A reseller's owner dresses the site anew and takes it back; without scripts, too."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import FrameLocator, Page, expect

from tests.branding.drawings import a_picture
from tests.journeys.conftest import Stack, Visit

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

HOST, EMAIL, PASSWORD = "hafen.kontor.localhost", "admin@hafen.example", "hafen-demo"


def _editor(stack: Stack, tab: Visit) -> Page:
    tab.sign_in(stack.site(HOST) + "/reseller/login", EMAIL, PASSWORD)
    tab.page.goto(stack.site(HOST) + "/reseller/brand")
    return tab.page


def _preview(page: Page) -> FrameLocator:
    return page.frame_locator("iframe[name=preview]")


def test_upload_preview_publish_and_undo(
    stack: Stack, visit: Callable[..., Visit], tmp_path: Path
) -> None:
    logo = tmp_path / "logo.png"
    logo.write_bytes(a_picture(352, 72, colour=(120, 20, 90, 255)))
    owner, visitor = visit(), visit(phone=True)
    page = _editor(stack, owner)

    page.fill("input[name=name]", "Hafen Neu")
    page.fill("input[name=accent]", "#ffd400")
    page.set_input_files("input[name=logo_file]", logo)

    # The preview follows by itself, and the notes say what became of the yellow.
    expect(_preview(page).locator("header img[alt='Hafen Neu']")).to_be_visible()
    expect(_preview(page).locator("[data-live-balance]")).to_be_visible()
    expect(page.locator("[data-contrast]")).to_contain_text("#ffd400")
    page.click("button[data-preview][formaction$='/login']")
    expect(_preview(page).locator("input[type=password]")).to_be_visible()
    expect(_preview(page).locator("header img[alt='Hafen Neu']")).to_be_visible()
    visitor.page.goto(stack.site(HOST) + "/login")
    expect(visitor.page).not_to_have_title("Anmelden · Hafen Neu")

    page.click("button[name=then][value=publish]")

    expect(page.locator("main")).to_contain_text("Veröffentlicht. Ihre Seiten tragen")
    visitor.page.goto(stack.site(HOST) + "/login")
    expect(visitor.page).to_have_title("Anmelden · Hafen Neu")
    shown = visitor.page.locator("header img")
    assert shown.evaluate("image => image.currentSrc").endswith(".webp")
    assert shown.evaluate("image => image.naturalWidth") > 0

    page.click("button[aria-label='Fassung 1 wieder veröffentlichen']")

    expect(page.locator("main")).to_contain_text("holt 1 zurück")
    visitor.page.reload()
    expect(visitor.page).to_have_title("Anmelden · Hafen Büroservice")
    assert owner.complaints == visitor.complaints == []


def test_the_preview_works_by_its_buttons_without_any_script(
    stack: Stack, visit: Callable[..., Visit]
) -> None:
    tab = visit(scripts=False)
    page = _editor(stack, tab)

    page.fill("input[name=name]", "Ohne Skript")
    page.click("button[data-preview][formaction$='/portal']")

    expect(_preview(page).locator("header img[alt='Ohne Skript']")).to_be_visible()
    assert page.input_value("input[name=name]") == "Ohne Skript"
    page.goto(stack.site(HOST) + "/reseller/brand")
    assert page.input_value("input[name=name]") == "Hafen Büroservice"


@pytest.mark.parametrize("width", [360, 768, 1440])
def test_the_editor_fits_every_screen(
    stack: Stack, visit: Callable[..., Visit], width: int
) -> None:
    tab = visit()
    tab.page.set_viewport_size({"width": width, "height": 900})

    page = _editor(stack, tab)

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    expect(page.locator("button[name=then]")).to_be_visible()
    assert tab.complaints == []
