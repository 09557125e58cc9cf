import shutil
import time
from collections.abc import Callable, Iterator

import pytest
from babel import Locale
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

from app.kernel import Language, Money
from app.web import formats
from tests.web.live_stub import Stub, a_stub

CHROMIUM = shutil.which("chromium")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on the path"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[BrowserContext]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium.new_context()
        chromium.close()


@pytest.fixture
def stub() -> Iterator[Stub]:
    with a_stub() as made:
        yield made


@pytest.fixture
def page(browser: BrowserContext, stub: Stub) -> Iterator[Page]:
    opened = open_page(browser, stub)
    yield opened
    for tab in browser.pages:
        tab.close()


def open_page(browser: BrowserContext, stub: Stub) -> Page:
    tab = browser.new_page()
    tab.goto(stub.url)
    return tab


def until(is_so: Callable[[], bool], page: Page, *, timeout: float = 10.0) -> None:
    deadline = time.monotonic() + timeout
    while not is_so():
        assert time.monotonic() < deadline
        page.wait_for_timeout(20)


def shows(page: Page, text: str, state: str = "live") -> None:
    expect(page.locator("[data-live-balance]")).to_have_text(text)
    expect(page.locator(f"[data-live-state={state}]")).to_have_count(1)


def test_the_balance_moves_as_the_stream_tells(page: Page, stub: Stub) -> None:
    shows(page, "1,00 €")

    stub.tell(2)

    shows(page, "2,00 €")
    expect(page.locator("[data-low-balance]")).to_be_visible()
    until(lambda: page.locator("[data-live-recent] li").inner_text() == "2", page)


@pytest.mark.parametrize("language", [each.value for each in Language])
def test_the_script_writes_money_as_the_server_does(
    browser: BrowserContext, stub: Stub, language: str
) -> None:
    stub.language = language
    amounts = [Money(each, "EUR") for each in (0, -87, 123450, 1234567, -(10**9), 10**12 + 1)]
    amounts += [Money(500, "GBP"), Money(-123456, "USD")]
    page = open_page(browser, stub)
    written = []

    for version, amount in enumerate(amounts, start=2):
        stub.total, stub.currency = amount.minor, amount.currency
        stub.tell(version)
        balance = page.locator(f"[data-live-balance][data-version='{version}']")
        written.append(balance.text_content())

    assert written == [formats.money(amount, Locale(language)) for amount in amounts]
    page.close()


def test_an_older_balance_is_not_shown(page: Page, stub: Stub) -> None:
    shows(page, "1,00 €")
    stub.tell(5)
    shows(page, "5,00 €")

    stub.tell(4)
    page.wait_for_timeout(300)

    shows(page, "5,00 €")
    expect(page.locator("[data-low-balance]")).to_be_hidden()


def test_bonus_that_moves_without_a_new_version_is_shown(page: Page, stub: Stub) -> None:
    shows(page, "1,00 €")

    stub.bonus = 5
    stub.tell(1)

    shows(page, "6,00 €")


def test_two_tabs_share_one_stream(browser: BrowserContext, page: Page, stub: Stub) -> None:
    shows(page, "1,00 €")
    second = open_page(browser, stub)
    shows(second, "1,00 €")

    stub.tell(2)

    shows(page, "2,00 €")
    shows(second, "2,00 €")
    assert stub.opened == 1


def test_when_the_first_tab_closes_another_takes_the_stream(
    browser: BrowserContext, page: Page, stub: Stub
) -> None:
    shows(page, "1,00 €")
    second = open_page(browser, stub)
    shows(second, "1,00 €")

    page.close()
    until(lambda: stub.opened == 2, second)
    stub.tell(3)

    shows(second, "3,00 €")


def test_without_a_stream_the_page_asks_and_returns_to_the_stream(page: Page, stub: Stub) -> None:
    shows(page, "1,00 €")
    stub.status = 503
    stub.hang_up()
    until(lambda: stub.polled > 0, page)
    stub.version = 7
    shows(page, "7,00 €", "polling")

    stub.status = 200
    until(lambda: bool(stub.streams), page, timeout=20)

    shows(page, "7,00 €")


def test_a_stream_that_says_bye_is_no_failure(page: Page, stub: Stub) -> None:
    shows(page, "1,00 €")

    for opened in range(2, 5):
        stub.hang_up("event: bye\ndata: {}\n\n")
        until(lambda opened=opened: stub.opened == opened, page)  # type: ignore[misc]
        until(lambda: bool(stub.streams), page)

    shows(page, "1,00 €")
    assert stub.polled == 0


@pytest.mark.parametrize("what", ["signed out", "somebody else"])
def test_a_page_whose_session_ended_goes_quiet(page: Page, stub: Stub, what: str) -> None:
    shows(page, "1,00 €")
    stub.version = 9
    if what == "signed out":
        stub.status = stub.poll_status = 401
    else:
        stub.wallet = "w2"

    stub.hang_up()

    shows(page, "1,00 €", "off")
    asked = stub.opened + stub.polled
    page.wait_for_timeout(2_500)
    assert stub.opened + stub.polled == asked
