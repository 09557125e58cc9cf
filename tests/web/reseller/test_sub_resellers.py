"""Partners: the tree, and opening one."""

import pytest
from flask import Flask

from app.identity import add_staff_user
from app.kernel import transaction
from app.tenancy import Tenant
from tests.apps import PLATFORM_DOMAIN, Browser
from tests.conftest import Database
from tests.factories import PASSWORD, scope_of, unique
from tests.factories.counts import rows_of_all_tables
from tests.factories.money import a_chain, a_priced_reseller, a_wallet, charge
from tests.web.portals import a_stranger, cost_of, staff_of, text_of

PARTNERS = "/reseller/sub-resellers"


def a_form(**changes: str) -> dict[str, str]:
    return {
        "form": "open", "name": "Hafen Büroservice", "slug": unique("hafen"), "rate": "15",
        "staff_name": "Ole Jansen", "email": f"{unique('ole')}@example.com", **changes,
    }  # fmt: skip


def test_a_partner_is_opened_and_its_first_admin_signs_in(staff: Browser) -> None:
    form = a_form()

    page = staff.post(PARTNERS, form)

    html = page.get_data(as_text=True)
    password = html.partition("data-copy-value>")[2].partition("<")[0]
    admin = Browser(staff.app, f"{form['slug']}.{PLATFORM_DOMAIN}")
    signed_in = admin.sign_in(form["email"], at="/reseller/login", password=password)
    assert (page.status_code, signed_in.status_code) == (200, 303)
    assert form["slug"] in text_of(page)
    assert password not in text_of(staff.get(PARTNERS))


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"rate": "25,1"}, 422),
        ({"rate": "viel"}, 422),
        ({"slug": "admin"}, 422),
        ({"name": ""}, 422),
        ({"email": "nobody"}, 422),
    ],
)
def test_a_partner_that_cannot_be_is_refused_whole(
    staff: Browser, connected: Database, changes: dict[str, str], status: int
) -> None:
    form = a_form(**changes)
    before = rows_of_all_tables(connected.owner_url)

    page = staff.post(PARTNERS, form)

    assert page.status_code == status
    assert f'value="{form["staff_name"]}"' in page.get_data(as_text=True)
    assert rows_of_all_tables(connected.owner_url) == before


def test_only_an_owner_of_the_staff_opens_partners(
    app: Flask, reseller: Tenant, connected: Database
) -> None:
    scope, email = scope_of(reseller), f"{unique('helper')}@example.com"
    with transaction(scope) as session:
        add_staff_user(
            session, scope, email=email, name="Hilde Helfer", password=PASSWORD, role="helper"
        )
    helper = a_stranger(app, reseller)
    helper.sign_in(email, at="/reseller/login")
    before = rows_of_all_tables(connected.owner_url)

    page = helper.post(PARTNERS, a_form())

    assert page.status_code == 403
    assert rows_of_all_tables(connected.owner_url) == before


def test_the_tree_shows_what_each_partner_brings(app: Flask) -> None:
    top, sub, lowest = a_chain(3)
    charge(a_wallet(1_000, reseller=sub), "119")
    charge(a_wallet(1_000, reseller=lowest), "119")

    above, below = (text_of(staff_of(app, each).get(PARTNERS)) for each in (top, sub))

    assert above.count("1,00 €") == 2
    assert above.count("0,10 €") == 4  # of each, this month and so far
    assert below.count("0,05 €") == 2
    assert top.slug not in below


def test_who_has_no_partners_is_told_what_they_are(staff: Browser) -> None:
    assert "Noch keine Partner" in text_of(staff.get(PARTNERS))


def test_the_page_takes_as_many_queries_for_many_partners(app: Flask) -> None:
    top = a_priced_reseller()
    browser = staff_of(app, top)
    few = cost_of(browser, PARTNERS)
    for _ in range(3):
        a_priced_reseller(rate="0.1", parent_id=top.id)

    assert cost_of(browser, PARTNERS) == few
