"""Every page is for everybody: no violation of WCAG 2.2 AA, in no theme and no mode (axe-core)."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, expect

from app.edge import edge_of
from tests.themes.crawling import Crawl
from tests.themes.demo_site import DemoSite
from tests.themes.seeing import DESK, PHONE, Person, seen_by, violations

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

THEMES = sorted(
    folder.parent.name for folder in (Path(__file__).parents[2] / "themes").glob("*/theme.toml")
)
MODES = {"light": False, "dark": True}
EVERYBODY = [Person("visitor"), Person("customer"), Person("staff"), Person("admin", "")]
# Pages that hold every kind of piece: hero, lists, tables, forms, door, error.
REPRESENTATIVE = {
    Person("visitor"): ["/login"],
    Person("customer"): [
        "/portal/", "/portal/transactions", "/portal/billing/topup", "/portal/settings",
        "/nowhere",
    ],
    Person("staff"): ["/reseller/", "/reseller/customers"],
}  # fmt: skip


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("person", EVERYBODY, ids=lambda person: person.who)
def test_every_page_is_without_violations(
    chromium: Chromium, demo: DemoSite, person: Person, mode: str
) -> None:
    browser = person.browser(demo)
    pages = Crawl(browser).pages_of_one_visit()

    with seen_by(chromium, demo, browser, dark=MODES[mode]) as tab:
        found = [each for path in pages for each in violations(tab, browser.base_url + path)]

    assert found == []
    assert len(pages) >= {"visitor": 2, "customer": 6, "staff": 8, "admin": 6}[person.who]


@pytest.mark.parametrize(
    ("size", "mode"), [(DESK, "light"), (PHONE, "dark")], ids=["desk-light", "phone-dark"]
)
@pytest.mark.parametrize("theme", THEMES)
def test_every_theme_is_without_violations(
    chromium: Chromium, demo: DemoSite, theme: str, size: tuple[int, int], mode: str
) -> None:
    demo.wear("nordlicht", theme=theme)
    found = []

    for person, paths in REPRESENTATIVE.items():
        browser = person.browser(demo)
        with seen_by(chromium, demo, browser, size=size, dark=MODES[mode]) as tab:
            for path in paths:
                found += violations(tab, browser.base_url + path)
                expect(tab.locator("html")).to_have_attribute("data-theme", theme)

    demo.wear("nordlicht", theme="klar")
    assert found == []


def test_axe_sees_a_violation(chromium: Chromium, demo: DemoSite) -> None:
    browser = Person("visitor").browser(demo)

    with seen_by(chromium, demo, browser) as tab:
        violations(tab, f"{browser.base_url}/login")
        tab.evaluate("document.querySelector('label').remove()")
        found = tab.evaluate("axe.run().then(seen => seen.violations.map(rule => rule.id))")

    assert "label" in found


def test_every_installed_theme_is_looked_at(demo: DemoSite) -> None:
    assert [theme.name for theme in edge_of(demo.app).themes.installed] == THEMES


@pytest.mark.parametrize("theme", THEMES)
def test_a_customer_tops_up_with_the_keyboard_alone(
    chromium: Chromium, demo: DemoSite, theme: str
) -> None:
    demo.wear("nordlicht", theme=theme)
    browser = Person("customer").browser(demo)

    with seen_by(chromium, demo, browser) as tab:
        tab.goto(f"{browser.base_url}/portal/")
        tab.keyboard.press("Tab")
        expect(tab.locator(":focus")).to_have_attribute("href", "#main")
        tab.keyboard.press("Enter")
        _tab_to(tab, "main a[href='/portal/billing/topup']")
        tab.keyboard.press("Enter")
        tab.wait_for_url("**/portal/billing/topup")
        _tab_to(tab, "input[name=amount]:checked")
        tab.keyboard.press("ArrowRight")
        chosen = tab.input_value("input[name=amount]:checked")
        _tab_to(tab, "main form button[type=submit]")
        with tab.expect_request("**/portal/billing/topup") as sent:
            tab.keyboard.press("Enter")

    demo.wear("nordlicht", theme="klar")
    assert f"amount={chosen}&" in (sent.value.post_data or "")


def _tab_to(tab: Page, selector: str) -> None:
    """Press Tab until the element has the focus; every stop on the way must show where it is."""
    for _ in range(40):
        tab.keyboard.press("Tab")
        stop = tab.evaluate(_STOP, selector)
        assert stop["shows"], stop["html"]
        if stop["arrived"]:
            return
    raise AssertionError(f"no way to {selector} with the keyboard")


# A ring around the element itself, or around what stands for it.
_STOP = """selector => {
  const at = document.activeElement;
  const ringed = [at, at.parentElement].some(each => {
    const style = getComputedStyle(each);
    return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  });
  return {arrived: at.matches(selector), shows: ringed, html: at.outerHTML.slice(0, 200)};
}"""
