"""Redirects stay on the host: rules R16 and R17."""

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from app.edge import safe_next
from tests.apps import PLATFORM_DOMAIN, Browser
from tests.factories import a_customer, a_customer_user, a_reseller

EVIL = [
    "//evil.test", "///evil.test", "/\\evil.test", "\\\\evil.test", "https:evil.test",
    "https://evil.test", "http:///evil.test", "javascript:alert(1)", "user@evil.test",
    "//user@evil.test", "/%0d%0aLocation:%20https://evil.test", "/\t/evil.test", "/%09/evil.test",
    "/%5cevil.test", "/%2f%2fevil.test", "%2f%2fevil.test", "/%252fevil.test", " //evil.test",
    "/\u2028evil", "evil.test", "", ".//evil.test",
]  # fmt: skip
PLAIN = ["/", "/portal/", "/portal/usage?from=2026-01-01&to=2026-02-01", "/a/b#c", "/portal/%C3%A4"]


@pytest.mark.parametrize("target", EVIL)
def test_r16_a_target_that_leads_elsewhere_is_replaced(target: str) -> None:
    assert safe_next(target, otherwise="/portal/") == "/portal/"


@pytest.mark.parametrize("target", PLAIN)
def test_r16_a_plain_path_is_kept(target: str) -> None:
    assert safe_next(target, otherwise="/elsewhere") == target


@given(st.text(alphabet="/\\:@%?#.evil\t\r\n 0259adf", max_size=30))
def test_r16_whatever_is_kept_starts_with_one_slash(target: str) -> None:
    kept = safe_next(target, otherwise="/portal/")

    assert kept.startswith("/")
    assert kept[1:2] not in {"/", "\\"}
    assert kept.isprintable()


@pytest.mark.parametrize("target", EVIL)
def test_r16_signing_in_never_leads_away(app: Flask, target: str) -> None:
    reseller = a_reseller()
    user = a_customer_user(a_customer(reseller))
    browser = Browser(app, f"{reseller.slug}.{PLATFORM_DOMAIN}")

    answer = browser.sign_in(user.email, next=target)

    assert answer.headers["Location"] == "/portal/"


def test_a_stranger_is_sent_to_the_login_page_and_back(app: Flask) -> None:
    reseller = a_reseller()
    user = a_customer_user(a_customer(reseller))
    browser = Browser(app, f"{reseller.slug}.{PLATFORM_DOMAIN}")

    sent = browser.get("/portal/transactions?before=7&x=a%20b").headers["Location"]
    page = browser.get(sent).get_data(as_text=True)
    answer = browser.sign_in(user.email, next="/portal/transactions?before=7&x=a%20b")

    assert sent == "/login?next=/portal/transactions%3Fbefore%3D7%26x%3Da%2520b"
    assert 'value="/portal/transactions?before=7&amp;x=a%20b"' in page
    assert answer.headers["Location"] == "/portal/transactions?before=7&x=a%20b"


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("//evil.test/%2e%2e", "/evil.test/.."),
        ("///evil.test", "/evil.test"),
        ("//evil.test?a=b", "/evil.test?a=b"),
    ],
)
def test_r17_leading_slashes_are_collapsed(app: Flask, path: str, location: str) -> None:
    browser = Browser(app, f"{a_reseller().slug}.{PLATFORM_DOMAIN}")

    answer = browser.client.get("/", base_url=browser.base_url, environ_overrides=_environ_of(path))

    assert answer.status_code == 308
    assert answer.headers["Location"] == location


def _environ_of(path: str) -> dict[str, str]:
    raw, _, query = path.partition("?")
    return {"PATH_INFO": raw.replace("%2e", "."), "QUERY_STRING": query}
