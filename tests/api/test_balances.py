import pytest
from flask import Flask

from app.identity import get_customer
from app.kernel import transaction
from tests.api.caller import Caller, a_body, a_caller
from tests.apps import Browser
from tests.factories import a_customer_user, an_api_key, scope_of
from tests.factories.money import a_priced_reseller, a_wallet


def test_the_api_and_the_portal_tell_the_same_balance(app: Flask) -> None:
    reseller = a_priced_reseller()
    wallet = a_wallet(5_000, reseller=reseller)
    caller = a_caller(app, reseller)
    caller.post("/api/v2/usage", a_body(wallet.customer_id))
    scope = scope_of(reseller)
    with transaction(scope) as session:
        customer = get_customer(session, scope, customer_id=wallet.customer_id)
    user = a_customer_user(customer)
    browser = Browser(app, caller.host)
    browser.sign_in(user.email)

    told = caller.get(f"/api/v2/customers/{wallet.customer_id}/balance").get_json()

    shown = browser.get("/portal/balance").get_json()
    assert told["posted"] == {"minor": 4_900, "currency": "EUR"}
    assert (shown["posted"], shown["available"], shown["version"]) == (
        told["posted"]["minor"],
        told["available"]["minor"],
        told["version"],
    )


def test_another_resellers_customer_has_no_balance_here(app: Flask) -> None:
    mine, other = a_priced_reseller(), a_priced_reseller()
    wallet = a_wallet(5_000, reseller=other)

    refused = a_caller(app, mine).get(f"/api/v2/customers/{wallet.customer_id}/balance")

    assert refused.status_code == 404
    assert refused.get_json()["code"] == "billing.customer_not_found"


@pytest.mark.parametrize(("scopes", "status"), [(["usage:write"], 403), (["balance:read"], 200)])
def test_reading_a_balance_needs_its_scope(app: Flask, scopes: list[str], status: int) -> None:
    reseller = a_priced_reseller()
    wallet = a_wallet(0, reseller=reseller)
    _key, secret = an_api_key(reseller, scopes=scopes)
    caller = Caller(app, a_caller(app, reseller).host, secret)

    answer = caller.get(f"/api/v2/customers/{wallet.customer_id}/balance")

    assert answer.status_code == status


def test_the_document_describes_both_addresses_in_openapi_3_1(app: Flask) -> None:
    reseller = a_priced_reseller()

    document = a_caller(app, reseller).get("/api/v2/openapi.json").get_json()

    assert document["openapi"].startswith("3.1")
    assert {"/api/v2/usage", "/api/v2/customers/{customer_id}/balance"} <= set(document["paths"])
