"""The first visit is light, nothing on it moves, nothing comes from elsewhere (A3, L1)."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, Response

from tests.themes.demo_site import FONTS_TAKE, DemoSite
from tests.themes.seeing import DESK, PHONE, Person, seen_by
from tests.themes.test_accessibility import THEMES

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

BUDGET = 150_000
# What nginx/platform.conf.template compresses, at nginx's own level. Pages are not among them.
COMPRESSED = {"text/css", "text/javascript", "application/javascript", "image/svg+xml"}
LEVEL = 1
PATHS = {
    Person("visitor"): ["/login"],
    Person("customer"): ["/portal/", "/portal/transactions", "/portal/billing/topup"],
    Person("staff"): ["/reseller/"],
}
_WATCH_SHIFTS = """new PerformanceObserver(seen => {
  for (const each of seen.getEntries())
    (window.shifts ??= []).push(
      each.value + " " + each.sources.map(one => one.node?.outerHTML?.slice(0, 90)));
}).observe({type: "layout-shift", buffered: true});"""


@dataclass
class Transfer:
    """What came over the wire for one visit."""

    sizes: dict[str, int] = field(default_factory=dict)
    hosts: set[str] = field(default_factory=set)

    def watch(self, page: Page) -> None:
        page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))
        page.on("response", self._weigh)

    def _weigh(self, response: Response) -> None:
        if response.url.startswith("data:") or "stream" in response.url:
            return
        kind = response.headers.get("content-type", "").partition(";")[0]
        body = response.body()
        sent = len(gzip.compress(body, LEVEL)) if kind in COMPRESSED else len(body)
        head = sum(len(name) + len(value) + 4 for name, value in response.headers.items())
        self.sizes[response.url] = sent + head


@pytest.mark.parametrize("theme", THEMES)
def test_a_first_visit_stays_below_the_budget(
    chromium: Chromium, demo: DemoSite, theme: str
) -> None:
    demo.wear("nordlicht", theme=theme)
    browser, transfer = Person("customer").browser(demo), Transfer()

    with seen_by(chromium, demo, browser, size=PHONE) as tab:
        transfer.watch(tab)
        tab.goto(f"{browser.base_url}/portal/")
        tab.wait_for_timeout(FONTS_TAKE * 1000 + 300)

    demo.wear("nordlicht", theme="klar")
    assert len(transfer.sizes) >= 5
    assert sum(transfer.sizes.values()) < BUDGET, transfer.sizes
    assert {host for host in transfer.hosts if host} == {browser.host}


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize("theme", THEMES)
def test_nothing_moves_while_a_page_loads(
    chromium: Chromium, demo: DemoSite, theme: str, size: tuple[int, int]
) -> None:
    demo.wear("nordlicht", theme=theme)
    shifts = {}

    for person, paths in PATHS.items():
        browser = person.browser(demo)
        with seen_by(chromium, demo, browser, size=size) as tab:
            tab.add_init_script(_WATCH_SHIFTS)
            for path in paths:
                tab.goto(browser.base_url + path)
                tab.wait_for_timeout(FONTS_TAKE * 1000 + 200)
                if moved := tab.evaluate("window.shifts"):
                    shifts[path] = moved

    demo.wear("nordlicht", theme="klar")
    assert shifts == {}


def test_the_watch_sees_a_shift(chromium: Chromium, demo: DemoSite) -> None:
    browser = Person("visitor").browser(demo)

    with seen_by(chromium, demo, browser) as tab:
        tab.add_init_script(_WATCH_SHIFTS)
        tab.goto(f"{browser.base_url}/login")
        tab.wait_for_timeout(100)
        tab.evaluate(
            "document.querySelector('main').prepend(Object.assign(document.createElement('p'),"
            " {textContent: 'late', style: 'height: 300px'}))"
        )
        tab.evaluate(
            "() => { const late = document.querySelector('main p'); late.style.height = '300px' }"
        )
        tab.wait_for_timeout(300)
        assert tab.evaluate("window.shifts")
