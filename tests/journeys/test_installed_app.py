"""A customer's phone: the portal can be installed, and says so in the brand when it is offline."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Stack, Visit

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

HOST, EMAIL, PASSWORD = "nordlicht.kontor.localhost", "alex.meyer@example.com", "nordlicht-demo"


def _signed_in(stack: Stack, tab: Visit) -> Page:
    tab.sign_in(stack.site(HOST) + "/login", EMAIL, PASSWORD)
    tab.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    return tab.page


def _kept(page: Page) -> list[str]:
    """Every address that the worker keeps."""
    kept: list[str] = page.evaluate(
        "async () => { const found = []; for (const name of await caches.keys())"
        " for (const each of await (await caches.open(name)).keys())"
        " found.push(new URL(each.url).pathname); return found; }"
    )
    return kept


def test_the_browser_finds_nothing_that_keeps_the_portal_from_being_installed(
    stack: Stack, visit: Callable[..., Visit]
) -> None:
    tab = visit(phone=True)
    page = _signed_in(stack, tab)
    devtools = page.context.new_cdp_session(page)

    manifest = devtools.send("Page.getAppManifest")
    hindrances = devtools.send("Page.getInstallabilityErrors")["installabilityErrors"]

    assert manifest["errors"] == []
    assert manifest["url"].endswith("/manifest.webmanifest")
    # A private window, as every window of a test is, installs nothing: that alone is left.
    assert {each["errorId"] for each in hindrances} <= {"in-incognito"}


def test_offline_the_brand_answers_and_online_everything_is_back(
    stack: Stack, visit: Callable[..., Visit]
) -> None:
    tab = visit(phone=True)
    page = _signed_in(stack, tab)

    page.context.set_offline(offline=True)
    page.goto(stack.site(HOST) + "/portal/transactions")

    expect(page).to_have_title("Keine Verbindung · Nordlicht Telefonie")
    expect(page.locator("h1")).to_have_text("Sie sind offline")
    logo = page.locator("header img[alt='Nordlicht Telefonie']")
    assert logo.evaluate("image => image.complete && image.naturalWidth > 0")
    background = page.evaluate("getComputedStyle(document.querySelector('main a')).backgroundColor")
    assert background == "rgb(15, 110, 132)"

    page.context.set_offline(offline=False)
    page.click("main a")

    page.wait_for_url("**/portal/")
    expect(page.locator("[data-live-balance]")).to_be_visible()


def test_the_worker_keeps_no_page_of_the_customers_and_no_figure(
    stack: Stack, visit: Callable[..., Visit]
) -> None:
    page = _signed_in(stack, visit())
    for path in ("/portal/transactions", "/portal/billing", "/portal/settings", "/portal/"):
        page.goto(stack.site(HOST) + path)

    kept = _kept(page)

    assert "/offline" in kept
    assert [path for path in kept if path.startswith(("/portal", "/reseller", "/login"))] == []
    assert "alex" not in page.evaluate(
        "async () => (await (await caches.match('/offline', {ignoreVary: true})).text())"
        ".toLowerCase()"
    )
