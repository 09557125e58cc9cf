"""Every page and act of a reseller's portal against the table of rights, for every role."""

from __future__ import annotations

import pytest
from flask import Flask
from werkzeug.routing import Map, Rule

from app.identity import STAFF_RIGHTS, StaffRight, StaffRole, add_staff_user
from app.kernel import transaction
from app.tenancy import Tenant
from app.web import rights
from app.web.company import SUBJECT_ACTS, USER_ACTS
from app.web.reseller.customer_acts import ACTS
from tests.apps import Browser
from tests.conftest import Database
from tests.factories import PASSWORD, scope_of, unique
from tests.factories.counts import rows_of_all_tables
from tests.factories.money import a_settled_top_up, a_wallet, charge
from tests.web.portals import a_stranger, text_of

HOME = "/reseller/"


@pytest.fixture(scope="module")
def staff_rules(app: Flask) -> list[Rule]:
    """Every route below the reseller's portal, found in the app itself."""
    maps = [app.url_map, *_maps_by_site(app)]
    found = {
        (rule.rule, rule.endpoint): rule
        for each in maps
        for rule in each.iter_rules()
        if rule.rule.startswith("/reseller/") or rule.rule == "/reseller"
    }
    return list(found.values())


def _maps_by_site(app: Flask) -> list[Map]:
    return [each for each in vars(app).values() if isinstance(each, Map)]


def a_member(app: Flask, reseller: Tenant, role: StaffRole) -> Browser:
    scope, email = scope_of(reseller), f"{unique('member')}@example.com"
    with transaction(scope) as session:
        add_staff_user(session, scope, email=email, name="Mo", password=PASSWORD, role=role.value)
    browser = a_stranger(app, reseller)
    browser.sign_in(email, at="/reseller/login")
    return browser


def test_every_route_of_the_portal_stands_in_the_table(staff_rules: list[Rule]) -> None:
    listed = rights.FREE | rights.NEEDED.keys() | rights.FORMS.keys()
    unlisted = sorted({rule.endpoint for rule in staff_rules} - listed)

    assert len(staff_rules) > 20
    assert unlisted == [], "give each of them a line in app/web/rights.py"


def test_every_form_of_a_customers_page_stands_in_the_table() -> None:
    assert rights.FORMS["reseller_customers.change"].keys() == {
        *ACTS, *SUBJECT_ACTS, *USER_ACTS,
    }  # fmt: skip


def paths_of(reseller: Tenant) -> dict[str, str]:
    wallet = a_wallet(1_000, reseller=reseller)
    entry = charge(wallet, "100")
    return {"customer_id": str(wallet.customer_id), "entry_id": str(entry.id)}


@pytest.mark.parametrize("role", StaffRole)
def test_a_role_sees_the_pages_that_its_rights_name(
    app: Flask, reseller: Tenant, staff_rules: list[Rule], role: StaffRole
) -> None:
    browser, values = a_member(app, reseller, role), paths_of(reseller)
    pages = [
        rule
        for rule in staff_rules
        if "GET" in (rule.methods or ()) and rule.endpoint in rights.NEEDED
    ]

    seen = {}
    for rule in pages:
        path = rule.rule
        for name, value in values.items():
            path = path.replace(f"<uuid:{name}>", value)
        seen[rule.endpoint] = browser.get(path).status_code

    allowed = STAFF_RIGHTS[role]
    # Coming back from a payment that does not exist is a 404 for whoever may pay.
    expected = {"own_balance.paid": 404}
    assert seen == {
        endpoint: expected.get(endpoint, 200) if rights.NEEDED[endpoint] in allowed else 403
        for endpoint in seen
    }


@pytest.mark.parametrize("role", [role for role in StaffRole if role is not StaffRole.OWNER])
def test_what_a_role_does_not_include_changes_nothing(
    app: Flask, reseller: Tenant, staff_rules: list[Rule], role: StaffRole, connected: Database
) -> None:
    browser, values = a_member(app, reseller, role), paths_of(reseller)
    token, allowed = browser.token(HOME), STAFF_RIGHTS[role]
    before = rows_of_all_tables(connected.owner_url)
    answers = {}
    for rule in staff_rules:
        if "POST" not in (rule.methods or ()) or rule.endpoint in rights.FREE:
            continue
        path = rule.rule
        for name, value in values.items():
            path = path.replace(f"<uuid:{name}>", value)
        forms = rights.FORMS.get(rule.endpoint) or {"anything": rights.NEEDED[rule.endpoint]}
        for form, right in forms.items():
            if right not in allowed:
                page = browser.client.post(
                    path, base_url=browser.base_url, headers={"Origin": browser.base_url},
                    data={"csrf_token": token, "form": form},
                )  # fmt: skip
                answers[rule.endpoint, form] = page.status_code

    assert answers
    assert set(answers.values()) == {403}
    assert rows_of_all_tables(connected.owner_url) == before


def test_a_refused_page_says_what_to_do(app: Flask, reseller: Tenant) -> None:
    page = a_member(app, reseller, StaffRole.SUPPORT).get("/reseller/team")

    assert page.status_code == 403
    assert "Fragen Sie einen Inhaber" in text_of(page)


def test_what_one_may_not_do_is_not_offered(app: Flask, reseller: Tenant) -> None:
    wallet = a_wallet(1_000, reseller=reseller)
    a_settled_top_up(wallet, 5_000)
    entry = charge(wallet, "100")
    customer, paid = f"/reseller/customers/{wallet.customer_id}", f"/reseller/charges/{entry.id}"

    for role in StaffRole:
        browser, allowed = a_member(app, reseller, role), STAFF_RIGHTS[role]
        page = browser.get(customer).get_data(as_text=True)
        home, one = browser.get(HOME), text_of(browser.get(paid))
        offered = {
            StaffRight.CHANGE_CUSTOMERS: 'value="block"' in page,
            StaffRight.MOVE_MONEY: 'value="credit"' in page,
            StaffRight.SEE_EARNINGS: "Ihre Provision" in text_of(home),
            StaffRight.MANAGE_TEAM: 'href="/reseller/team"' in home.get_data(as_text=True),
            StaffRight.MANAGE_API_KEYS: 'href="/reseller/api-keys"' in home.get_data(as_text=True),
            StaffRight.SET_PRICES: 'value="price"'
            in browser.get("/reseller/prices").get_data(as_text=True),
        }

        assert offered == {right: right in allowed for right in offered}, role
        assert ("Wer was verdient" in one) == (StaffRight.SEE_EARNINGS in allowed)
        assert ("Ausbuchen" in one) == (StaffRight.MOVE_MONEY in allowed)


def test_a_page_that_stands_in_no_table_is_an_owners(app: Flask) -> None:
    with app.test_request_context("/reseller/somewhere"):
        assert not rights.may_open("somewhere.new")


def test_a_role_that_is_unknown_may_nothing(app: Flask, reseller: Tenant) -> None:
    scope, email = scope_of(reseller), f"{unique('king')}@example.com"
    with transaction(scope) as session:
        add_staff_user(session, scope, email=email, name="King", password=PASSWORD, role="king")
    browser = a_stranger(app, reseller)
    browser.sign_in(email, at="/reseller/login")

    assert browser.get(HOME).status_code == 403
