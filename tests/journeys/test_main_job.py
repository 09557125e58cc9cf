"""The story of a customer, from sign-in to a balance that moves, on both brands."""

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Stack, Visit

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

NORDLICHT = ("nordlicht.kontor.localhost", "alex.meyer@example.com", "nordlicht-demo")
BRIGHTLINE = ("brightline.kontor.localhost", "alex.meyer@example.com", "brightline-demo")
CUSTOM_DOMAIN = "portal.nordlicht.localhost"
GOOD, DECLINED = "4242 4242 4242 4242", "4000 0000 0000 0002"


def _cents(text: str) -> int:
    return int(re.sub(r"\D", "", text))


def _pay(tab: Visit, card: str) -> None:
    """Fill the hosted page and send it."""
    page = tab.page
    page.fill("input[name=number]", card)
    page.fill("input[name=expiry]", "12 / 34")
    page.fill("input[name=cvc]", "123")
    page.fill("input[name=name]", "Alex Meyer")
    page.click("form button[type=submit]:not([name])")


def _top_up_50(tab: Visit) -> None:
    tab.page.locator("main a[href='/portal/billing/topup']:visible").first.click()
    tab.page.locator("label.amount:has(input[value='5000'])").click()
    tab.page.locator("main form button[type=submit]").click()
    tab.page.wait_for_url("**/c/pay/**")


@pytest.mark.parametrize(
    ("site", "words"),
    [
        (NORDLICHT, ("Nordlicht Telefonie", "de", "Ihr Guthaben")),
        (BRIGHTLINE, ("Brightline Voice", "en", "Your balance")),
    ],
)
def test_a_customer_signs_in_and_meets_the_brand_everywhere(
    stack: Stack,
    visit: Callable[..., Visit],
    site: tuple[str, str, str],
    words: tuple[str, str, str],
) -> None:
    host, email, password = site
    brand, language, heading = words
    tab = visit()

    tab.sign_in(stack.site(host) + "/login", email, password)

    expect(tab.page).to_have_title(re.compile(brand))
    expect(tab.page.locator("html")).to_have_attribute("lang", re.compile(language))
    expect(tab.page.locator("main")).to_contain_text(heading)
    expect(tab.page.locator(f"img[alt='{brand}']").first).to_be_visible()
    icon = re.compile(r"^/brand/[0-9a-f]{32}/icon\.svg$")
    expect(tab.page.locator("link[rel=icon]")).to_have_attribute("href", icon)
    assert tab.page.locator(".entries > *").count() > 3
    assert "Kontor" not in tab.page.content().replace("kontor.local", "")
    assert tab.complaints == []


def test_both_brands_look_different(stack: Stack, visit: Callable[..., Visit]) -> None:
    looks = []

    for host, email, password in (NORDLICHT, BRIGHTLINE):
        tab = visit()
        tab.sign_in(stack.site(host) + "/login", email, password)
        looks.append(
            tab.page.evaluate(
                "() => [getComputedStyle(document.querySelector('.hero .button')).backgroundColor,"
                " getComputedStyle(document.querySelector('[data-live-balance]')).fontFamily,"
                " document.documentElement.dataset.theme]"
            )
        )

    assert [one != other for one, other in zip(*looks, strict=True)] == [True, True, True]


def test_the_balance_moves_within_a_second_of_a_charge_without_reload(
    stack: Stack, visit: Callable[..., Visit]
) -> None:
    host, email, password = NORDLICHT
    tab = visit()
    tab.sign_in(stack.site(host) + "/login", email, password)
    expect(tab.page.locator("[data-live-state]")).to_have_attribute("data-live-state", "live")
    shown = tab.balance()

    charged_at = stack.charge("10")
    tab.page.wait_for_function(
        "before => document.querySelector('[data-live-balance]').innerText"
        ".replaceAll('\\u00a0', ' ') !== before",
        arg=shown,
        polling=20,
    )
    moved_after = time.monotonic() - charged_at

    assert _cents(shown) - _cents(tab.balance()) == 190
    assert moved_after < 1
    expect(tab.page.locator(".entries > *").first).to_contain_text("1,90")


def test_two_tabs_share_one_stream_and_both_move(stack: Stack, visit: Callable[..., Visit]) -> None:
    host, email, password = NORDLICHT
    first = visit()
    streams: list[str] = []
    first.page.context.on(
        "request",
        lambda request: streams.append(request.url) if request.url.endswith("/stream") else None,
    )
    first.sign_in(stack.site(host) + "/login", email, password)
    expect(first.page.locator("[data-live-state]")).to_have_attribute("data-live-state", "live")
    second = first.page.context.new_page()
    second.goto(stack.site(host) + "/portal/")
    expect(second.locator("[data-live-state]")).to_have_attribute("data-live-state", "live")

    before = first.balance()
    stack.charge("10")

    for page in (first.page, second):
        expect(page.locator("[data-live-balance]")).not_to_have_text(before)
    assert len(streams) == 1


def test_without_a_stream_the_page_asks_every_two_seconds(
    stack: Stack, visit: Callable[..., Visit]
) -> None:
    host, email, password = NORDLICHT
    tab = visit()
    tab.page.route("**/portal/balance/stream", lambda route: route.abort())
    tab.sign_in(stack.site(host) + "/login", email, password)
    expect(tab.page.locator("[data-live-state]")).to_have_attribute("data-live-state", "polling")
    before = tab.balance()

    stack.charge("10")

    expect(tab.page.locator("[data-live-balance]")).not_to_have_text(before, timeout=5_000)


@pytest.mark.parametrize("device", ["desktop", "phone"])
@pytest.mark.parametrize("site", [NORDLICHT, BRIGHTLINE])
def test_a_top_up_of_50_by_card_is_credited_once_when_she_is_back(
    stack: Stack, visit: Callable[..., Visit], site: tuple[str, str, str], device: str
) -> None:
    host, email, password = site
    tab = visit(phone=device == "phone")
    tab.sign_in(stack.site(host) + "/login", email, password)
    before = _cents(tab.balance())

    _top_up_50(tab)
    _pay(tab, GOOD)

    expect(tab.page.locator("[data-outcome=settled]")).to_be_visible()
    tab.page.reload()
    expect(tab.page.locator("[data-outcome=settled]")).to_be_visible()
    tab.page.goto(stack.site(host) + "/portal/")
    # The webhook arrives, too: late or early, it changes nothing.
    time.sleep(1)
    tab.page.reload()
    assert _cents(tab.balance()) - before == 5_000


def test_a_declined_card_leaves_everything_as_it_was_and_says_so(
    stack: Stack, visit: Callable[..., Visit]
) -> None:
    host, email, password = NORDLICHT
    tab = visit()
    tab.sign_in(stack.site(host) + "/login", email, password)
    before = tab.balance()

    _top_up_50(tab)
    _pay(tab, DECLINED)

    expect(tab.page.locator("[role=alert]").first).to_be_visible()
    tab.page.goto(stack.site(host) + "/portal/")
    assert tab.balance() == before


def test_everything_works_before_any_script(stack: Stack, visit: Callable[..., Visit]) -> None:
    host, email, password = BRIGHTLINE
    tab = visit(scripts=False)
    tab.sign_in(stack.site(host) + "/login", email, password)
    before = _cents(tab.balance())

    _top_up_50(tab)
    _pay(tab, GOOD)
    expect(tab.page.locator("[data-outcome=settled]")).to_be_visible()
    tab.page.goto(stack.site(host) + "/portal/")

    assert _cents(tab.balance()) - before == 5_000


def test_the_custom_domain_shows_the_brand_and_has_sessions_of_its_own(
    stack: Stack, visit: Callable[..., Visit]
) -> None:
    host, email, password = NORDLICHT
    tab = visit()
    tab.sign_in(stack.site(host) + "/login", email, password)

    tab.page.goto(stack.site(CUSTOM_DOMAIN) + "/portal/")

    expect(tab.page).to_have_url(re.compile("/login"))
    expect(tab.page).to_have_title(re.compile("Nordlicht"))
    tab.sign_in(stack.site(CUSTOM_DOMAIN) + "/login", email, password)
    expect(tab.page.locator("[data-live-balance]")).to_be_visible()


def test_the_password_of_one_brand_is_worthless_on_the_other(
    stack: Stack, visit: Callable[..., Visit]
) -> None:
    host, email, _password = BRIGHTLINE
    tab = visit()

    tab.sign_in(stack.site(host) + "/login", email, NORDLICHT[2])

    expect(tab.page).to_have_url(re.compile("/login"))
    expect(tab.page.locator("[role=alert]").first).to_be_visible()


def test_reseller_and_platform_see_their_shares_grow(
    stack: Stack, visit: Callable[..., Visit]
) -> None:
    reseller, platform = visit(), visit()
    reseller.sign_in(
        stack.site(NORDLICHT[0]) + "/reseller/login", "admin@nordlicht.example", NORDLICHT[2]
    )
    platform.sign_in(
        stack.site("kontor.localhost") + "/admin/login", "admin@kontor.example", "kontor-demo"
    )
    earned = _cents(reseller.page.locator(".figure--first dd").first.inner_text())
    kept = _cents(platform.page.locator(".split dd, .split strong").first.inner_text())

    # 100 minutes: 19.00 gross, 15.97 net, a quarter of it is 3.99.
    stack.charge("100")
    reseller.page.reload()
    platform.page.reload()

    assert _cents(reseller.page.locator(".figure--first dd").first.inner_text()) - earned == 399
    later = _cents(platform.page.locator(".split dd, .split strong").first.inner_text())
    assert later - kept == 1_597 - 399
    assert reseller.complaints == platform.complaints == []


@pytest.mark.parametrize("path", ["/login", "/portal/", "/portal/billing/topup", "/nowhere"])
@pytest.mark.parametrize("site", [NORDLICHT, BRIGHTLINE])
def test_no_page_scrolls_sideways_on_a_small_phone(
    stack: Stack, visit: Callable[..., Visit], site: tuple[str, str, str], path: str
) -> None:
    host, email, password = site
    tab = visit(phone=True)
    tab.page.set_viewport_size({"width": 360, "height": 740})
    tab.sign_in(stack.site(host) + "/login", email, password)

    tab.page.goto(stack.site(host) + path)

    assert tab.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
