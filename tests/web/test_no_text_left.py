"""No page mixes languages: whatever a link reaches is translated, to the last word (A7)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

import psycopg
import pytest
from babel import Locale
from flask import Flask

from app.billing import Wallet
from app.branding import FONTS, BrandLook, BrandTokens, save_brand
from app.commissions import BonusKind
from app.edge import edge_of
from app.embedded import PostgresServer
from app.identity import get_customer
from app.kernel import now, transaction
from app.pricing import Offer
from app.tenancy import PLATFORM_ID, Tenant, TenantScope
from tests.apps import Browser
from tests.conftest import Database
from tests.factories import a_customer_user, a_platform, a_staff_user
from tests.factories.credit import a_bonus_lot, a_grace_limit
from tests.factories.credits import REASON, a_contract, adjust, cap, reverse, with_bonus, with_fee
from tests.factories.databases import a_database_of_its_own, connected_to
from tests.factories.holds import a_hold
from tests.factories.lines import a_line
from tests.factories.money import (
    a_pending_top_up,
    a_priced_reseller,
    a_settled_top_up,
    a_wallet,
    an_event,
    an_offer,
    charge,
)
from tests.factories.months import agree_bonus
from tests.web.portals import a_stranger, an_admin
from tests.web.pseudo import LANGUAGE, speaking_in_brackets, untranslated

BRAND = "Pseudobrand"
# What people and programs wrote: names, addresses, codes; and how French writes a time.
DATA = (
    r"https?://\S+|[\w.+-]+@[\w.-]+|(\S*\.)?\bkontor\.test",
    r"[0-9a-f]{8}-[0-9a-f-]{27}|\b\w+-[0-9a-f]{12}\b|\bk[kp]_\w+|line:\S+|\+49\w*",
    r"\b(EUR|USD|GBP|CES?T)\b",
    r"\d{1,2}(er)? (janv|févr|mars|avr|mai|juin|juil|août|sept|oct|nov|déc)\w*\.? \d{4}",
    r"(janvier|février|mars|avril|mai|juin|juillet|août|(septem|octo|novem|décem)bre) \d{4}",
    r"(il y a|dans) \d+ (minute|heure|jour)s?",
    "Deutsch|English|Français|Español",
    "Anna Adler|Stefan Stark|Petra Platt|Telephone number",
    f"{BRAND}|{REASON}|Firefox, Linux",
)
# The platform lists what other tests made: how people called it, and no code of ours.
NAMES = """
    SELECT name FROM tenants UNION SELECT slug FROM tenants UNION SELECT name FROM customers
    UNION SELECT number FROM customers UNION SELECT slug FROM offers UNION SELECT name FROM brands
    UNION SELECT name FROM platform_api_keys UNION SELECT prefix FROM platform_api_keys
    UNION SELECT name FROM fees UNION SELECT fee FROM fees
    UNION SELECT name FROM reseller_applications UNION SELECT question FROM reseller_questions
    UNION SELECT answer FROM reseller_questions
    UNION SELECT replace(meter, '_', ' ') FROM meters
     WHERE meter NOT IN ('call_minutes', 'messages')
    UNION SELECT unit FROM meters WHERE unit NOT IN ('minute', 'message')
"""
MOST_PAGES = 150
LINK = re.compile(r'<a [^>]*href="(/[^"#]*)"')


LOOK = BrandLook(
    BRAND,
    BrandTokens("#a3324f"),
    language=LANGUAGE,
    support_email="help@example.com",
    imprint_url="https://example.com/imprint",
)


@dataclass(frozen=True)
class World:
    """A reseller with everything that a page can show, and whoever looks at it."""

    reseller: Tenant
    customer: Browser
    staff: Browser
    admin: Browser
    offer: Offer
    data: re.Pattern[str]


def dress(app: Flask, scope: TenantScope, look: BrandLook = LOOK) -> None:
    with transaction(scope) as session:
        save_brand(session, scope, look=look)
    edge_of(app).brands.forget(scope.reseller_id)


@pytest.fixture(scope="module")
def own(cluster: PostgresServer, app: Flask, connected: Database) -> Iterator[Database]:
    """A database without what other tests left: the platform's pages list all there is."""
    with a_database_of_its_own(cluster) as database, connected_to(database):
        edge_of(app).brands.forget(PLATFORM_ID)
        yield database
    edge_of(app).brands.forget(PLATFORM_ID)


@pytest.fixture(scope="module")
def world(app: Flask, own: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    a_platform()
    offer = with_fee(with_bonus(an_offer(increment=None), (1_000, 100), days=30))
    reseller = a_priced_reseller(offer=offer, steps=[(100, "0.30")])
    a_priced_reseller(offer=offer, rate="0.10", parent_id=reseller.id)
    agree_bonus(BonusKind.NEW_CUSTOMER, 500, reseller_id=reseller.id)
    agree_bonus(BonusKind.RETENTION, 500, reseller_id=reseller.id, months=2)
    agree_bonus(BonusKind.HIGH_USAGE, 500, reseller_id=reseller.id, threshold=1_000)
    wallet = a_busy_wallet(reseller)
    scope = TenantScope(reseller.id)
    with transaction(scope) as session:
        customer = get_customer(session, scope, customer_id=wallet.customer_id)
    dress(app, scope)
    dress(app, TenantScope(PLATFORM_ID))
    with speaking_in_brackets(app, tmp_path_factory.mktemp("translations")):
        yield World(
            reseller,
            a_person(app, reseller, a_customer_user(customer).email, "/login"),
            a_person(app, reseller, a_staff_user(reseller).email, "/reseller/login"),
            an_admin(app),
            offer,
            data_of(own, app),
        )


def data_of(database: Database, app: Flask) -> re.Pattern[str]:
    with psycopg.connect(database.owner_url) as owner:
        names = [name for (name,) in owner.execute(NAMES) if name]
    names += [*words_of_themes(app), *(font.title for font in FONTS.values() if font.stand_ins)]
    names += Locale(LANGUAGE).territories.values()
    longest_first = sorted(names, key=len, reverse=True)
    return re.compile("|".join([*DATA, *map(re.escape, longest_first)]), re.IGNORECASE)


def words_of_themes(app: Flask) -> Iterator[str]:
    """What a theme brings along in its own languages, and which it says so in itself."""
    for theme in edge_of(app).themes.installed:
        declared = theme.declared
        said = (declared.name, declared.author, declared.licence)
        yield from filter(None, (*said, theme.title(LANGUAGE), theme.description(LANGUAGE)))
        for option in theme.options.values():
            yield option.title_in(LANGUAGE)
            yield from (option.choice_in(value, LANGUAGE) for value in option.values)


def a_person(app: Flask, reseller: Tenant, email: str, login: str) -> Browser:
    browser = a_stranger(app, reseller)
    browser.sign_in(email, at=login)
    return browser


def a_busy_wallet(reseller: Tenant) -> Wallet:
    wallet = a_wallet(50_000, reseller=reseller)
    a_pending_top_up(wallet)
    a_settled_top_up(wallet, 2_000)
    a_line(wallet)
    a_bonus_lot(wallet, 300, expires_at=now() + timedelta(days=9))
    a_grace_limit(wallet, 500)
    cap(wallet, 100_000)
    a_contract(wallet)
    adjust(wallet, 250)
    a_hold(wallet, 500)
    charge(wallet, an_event(wallet, "20000", counterparty="+4930"))
    reverse(reseller.id, charge(wallet, "119").id)
    return wallet


def crawl(world: World, browser: Browser, *starts: str) -> Sequence[str]:
    """Follow every link from some pages on; return the paths, each of which spoke in brackets."""
    waiting, seen, left = list(starts), list[str](), dict[str, list[str]]()
    while waiting:
        path = waiting.pop(0)
        page = browser.get(path)
        if path in seen or page.status_code in {302, 303} or page.mimetype != "text/html":
            continue
        seen.append(path)
        assert page.status_code == 200, (path, page.status_code)
        text = page.get_data(as_text=True)
        assert f'<html lang="{LANGUAGE}"' in text or "partial=1" in path
        if found := untranslated(text, world.data):
            left[path] = found
        waiting += [link for link in LINK.findall(text) if is_of(world, link)]
        assert len(seen) < MOST_PAGES, waiting
    assert left == {}, left
    return seen


def is_of(world: World, link: str) -> bool:
    """Whether a link leads to a page of this world's: the platform has those of other tests."""
    of_one = re.match(r"/admin/(?:resellers|plans)/([^/?]+)", link)
    return of_one is None or of_one[1] in {world.reseller.slug, world.offer.slug}


def test_every_page_a_customer_reaches_is_translated(world: World) -> None:
    seen = crawl(world, world.customer, "/portal/", "/language", "/portal/?partial=1")

    assert {"/portal/billing/topup", "/portal/settings", "/portal/transactions"} <= set(seen)
    assert any(path.startswith("/portal/charges/") for path in seen)


def test_every_page_of_a_resellers_staff_is_translated(world: World) -> None:
    seen = crawl(world, world.staff, "/reseller/", "/reseller/language")

    assert {"/reseller/prices", "/reseller/balance", "/reseller/commissions"} <= set(seen)
    assert any(path.startswith("/reseller/customers/") for path in seen)
    assert any(path.startswith("/reseller/charges/") for path in seen)


def test_every_page_of_the_platform_is_translated(world: World) -> None:
    reseller = f"/admin/resellers/{world.reseller.slug}"

    alone = (reseller, f"{reseller}/customers", "/admin/language")

    seen = crawl(world, world.admin, "/admin/", *alone)

    assert {"/admin/plans", "/admin/months", "/admin/api-keys"} <= set(seen)


def test_doors_and_pages_that_report_an_error_are_translated(app: Flask, world: World) -> None:
    visitor, admin = a_stranger(app, world.reseller), a_stranger(app)

    crawl(world, visitor, "/login", "/reseller/login", "/language")
    crawl(world, admin, "/admin/login")
    for browser, path in ((visitor, "/nowhere"), (world.staff, "/reseller/customers/x")):
        page = browser.get(path)
        assert page.status_code == 404
        assert untranslated(page.get_data(as_text=True), world.data) == []


@pytest.mark.parametrize(
    ("who", "path", "form"),
    [
        ("customer", "/portal/settings", {"form": "cap", "limit": "much"}),
        ("customer", "/portal/settings", {"form": "user", "name": "", "email": "x"}),
        ("customer", "/portal/billing/topup", {"custom": "much", "request_key": "k"}),
        ("staff", "/reseller/prices", {"form": "price", "unit_price": "x"}),
        ("staff", "/reseller/balance", {"form": "fund", "amount": "9999", "request_key": "k"}),
        ("staff", "/reseller/customers", {"form": "customer", "name": "", "number": ""}),
        ("admin", "/admin/plans", {"form": "plan", "slug": "!"}),
        ("admin", "/admin/api-keys", {"form": "make", "name": ""}),
    ],
)
def test_a_refused_form_is_translated(
    world: World, who: str, path: str, form: dict[str, str]
) -> None:
    browser: Browser = getattr(world, who)

    page = browser.post(path, form)

    assert page.status_code in {402, 403, 409, 422}
    assert untranslated(page.get_data(as_text=True), world.data) == []


def test_a_portal_in_which_nothing_happened_is_translated(app: Flask, world: World) -> None:
    reseller = a_priced_reseller()
    dress(app, TenantScope(reseller.id))
    wallet = a_wallet(0, reseller=reseller)
    with transaction(TenantScope(reseller.id)) as session:
        customer = get_customer(session, TenantScope(reseller.id), customer_id=wallet.customer_id)

    crawl(world, a_person(app, reseller, a_customer_user(customer).email, "/login"), "/portal/")
    crawl(
        world,
        a_person(app, reseller, a_staff_user(reseller).email, "/reseller/login"),
        "/reseller/",
    )


@pytest.mark.parametrize(
    ("page", "left"),
    [
        ("<p>⟦Balance⟧ 1,00 €</p>", []),
        ("<p>⟦of ⟦Balance⟧ at⟧ Pseudobrand</p>", []),
        ("<p>⟦Balance⟧ left</p>", ["⟦Balance⟧ left"]),
        ("<a title='Guthaben'>⟦x⟧</a>", ["Guthaben"]),
        ("<p>call_minutes</p>", ["call_minutes"]),
        ("<button lang='de'>Deutsch</button><code>kontor</code>", []),
    ],
)
def test_a_word_outside_of_brackets_is_found(page: str, left: list[str]) -> None:
    assert untranslated(page, re.compile(BRAND)) == left
