"""A real browser's look at the demo: signed in without typing, in one mode, with axe at hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser as Chromium
from playwright.sync_api import BrowserContext, Page

from app.cli.demo import cast
from tests.apps import Browser
from tests.themes.demo_site import DemoSite, brand_of

AXE = Path(__file__).parents[1] / "vendored" / "axe" / "axe.min.js"
PHONE, TABLET, DESK = (360, 740), (768, 1024), (1440, 900)
# WCAG 2.2 AA and what axe calls good practice. The frames of a preview run no script, so axe would
# wait for them for ever; what they show is looked at as pages of its own.
_RUN = """() => axe.run(document, {resultTypes: ['violations'], iframes: false}).then(found =>
  found.violations.flatMap(rule => rule.nodes.map(node =>
    `${rule.id}: ${node.html.slice(0, 160)} | ${node.failureSummary.replaceAll("\\n", " ")}`)))"""


@dataclass(frozen=True)
class Person:
    """Somebody on a site; `slug` is empty on the platform's."""

    who: str
    slug: str = "nordlicht"

    def browser(self, demo: DemoSite) -> Browser:
        """This person's cookies, in a browser that knows no scripts."""
        found = demo.visitor(demo.host(self.slug))
        if self.who == "admin":
            found.sign_in(cast.PLATFORM_ADMIN, at="/admin/login", password=cast.PLATFORM_PASSWORD)
        elif self.who == "customer":
            brand = brand_of(self.slug)
            found.sign_in(brand.offices[0].email, password=brand.password)
        elif self.who == "staff":
            brand = brand_of(self.slug)
            found.sign_in(brand.admin, at="/reseller/login", password=brand.password)
        return found


@contextmanager
def seen_by(
    chromium: Chromium, demo: DemoSite, browser: Browser, *, size: tuple[int, int] = DESK,
    dark: bool = False,
) -> Iterator[Page]:  # fmt: skip
    """Open a tab with the cookies of a browser that is signed in."""
    context = chromium.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if dark else "light",
        reduced_motion="reduce",
    )
    try:
        _hand_over(context, browser)
        context.add_init_script(_axe())
        page = context.new_page()
        page.set_default_timeout(15_000)
        yield page
    finally:
        context.close()


def violations(page: Page, address: str) -> list[str]:
    """What axe finds on a page as it is after loading."""
    page.goto(address)
    found: list[str] = page.evaluate(_RUN)
    return [f"{address}: {each}" for each in found]


def _hand_over(context: BrowserContext, browser: Browser) -> None:
    cookies: list[Any] = [
        {"name": each.key, "value": each.value, "url": browser.base_url}
        for each in (browser.client._cookies or {}).values()
    ]
    if cookies:
        context.add_cookies(cookies)


@cache
def _axe() -> str:
    return AXE.read_text(encoding="utf-8")
