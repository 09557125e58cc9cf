"""The story of a new reseller, from the platform's front page to a site that is approved."""

import re
import subprocess
import sys
from collections.abc import Callable
from secrets import token_hex

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Stack, Visit

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

PLATFORM = "kontor.localhost"
PASSWORD = "sonne funk und wellen"


def _link_of(stack: Stack, slug: str) -> str:
    """The link that waits for her, as an operator reads it."""
    said = subprocess.run(
        [
            sys.executable, "-m", "app.cli", "--env-file", str(stack.directory / "environment"),
            "reseller", "applications", "--unconfirmed",
        ],
        check=True,
        capture_output=True,
        text=True,
    ).stdout  # fmt: skip
    found = re.search(r"\S+/signup/confirm/\S+", said.partition(slug)[2])
    assert found, said
    return found[0]


def _signs_up(tab: Visit, stack: Stack, company: str) -> str:
    """Fill in the form from the front page on; return the name that was suggested."""
    page = tab.page
    page.goto(stack.site(PLATFORM) + "/")
    page.locator("main a[href='/signup']").first.click()
    page.fill("input[name=company]", company)
    expect(page.locator("[data-name-check]")).to_have_text("Dieser Name ist frei.")
    slug = page.input_value("input[name=slug]")
    page.fill("input[name=name]", "Sina Sommer")
    page.fill("input[name=email]", f"sina@{slug}.example")
    page.fill("input[name=password]", PASSWORD)
    page.check("input[name=terms]")
    page.check("input[name=data_processing]")
    page.click("main form button.button--large")
    page.wait_for_url("**/signup/sent")
    return slug


@pytest.mark.parametrize("device", ["desktop", "phone"])
def test_a_reseller_signs_up_tries_and_is_approved(
    stack: Stack, visit: Callable[..., Visit], device: str
) -> None:
    tab, admin = visit(phone=device == "phone"), visit()
    slug = _signs_up(tab, stack, f"Sonnenfunk {token_hex(3)} GmbH")
    site = stack.site(f"{slug}.{PLATFORM}")

    tab.page.goto(_link_of(stack, slug))
    tab.page.click("main form button")
    tab.page.click("main a.button")
    expect(tab.page).to_have_url(f"{site}/reseller/login")
    tab.sign_in(tab.page.url, f"sina@{slug}.example", PASSWORD)
    banner = tab.page.locator(".banner", has_text="Ihre Seite ist in der Testphase.")
    expect(banner).to_be_visible()

    admin.sign_in(stack.site(PLATFORM) + "/admin/login", "admin@kontor.example", "kontor-demo")
    admin.page.goto(stack.site(PLATFORM) + "/admin/applications")
    admin.page.click(f"a[href='/admin/applications/{slug}']")
    admin.page.get_by_role("button", name="Freigeben").click()
    expect(admin.page.locator(".toasts")).to_contain_text("ist freigegeben")

    # Another process may answer: it was told.
    tab.page.wait_for_timeout(500)
    tab.page.reload()
    expect(tab.page.locator("h1")).to_be_visible()
    expect(banner).to_have_count(0)
    assert tab.complaints == admin.complaints == []


def test_the_form_works_before_any_script(stack: Stack, visit: Callable[..., Visit]) -> None:
    page = visit(scripts=False).page
    slug = f"ohne-{token_hex(3)}"
    page.goto(stack.site(PLATFORM) + "/signup")

    def fill(name: str) -> None:
        page.fill("input[name=slug]", name)
        page.fill("input[name=password]", PASSWORD)
        page.click("main form button.button--large")

    for field, text in (("company", "Ohne"), ("name", "Olga"), ("email", f"o@{slug}.example")):
        page.fill(f"input[name={field}]", text)
    page.check("input[name=terms]")
    page.check("input[name=data_processing]")
    fill("nordlicht")
    expect(page.locator(".field--wrong")).to_contain_text("bereits vergeben")
    assert page.input_value("input[name=company]") == "Ohne"
    fill(slug)

    expect(page).to_have_url(re.compile("/signup/sent"))
    assert _link_of(stack, slug)


@pytest.mark.parametrize("path", ["/", "/signin", "/signup", "/signup/sent"])
def test_no_public_page_scrolls_sideways_on_a_small_phone(
    stack: Stack, visit: Callable[..., Visit], path: str
) -> None:
    tab = visit(phone=True)
    tab.page.set_viewport_size({"width": 360, "height": 740})

    tab.page.goto(stack.site(PLATFORM) + path)

    wider = tab.page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wider <= 0
    assert tab.complaints == []
