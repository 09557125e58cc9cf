"""Who may see the reseller's pages: her own staff, and nobody else."""

import pytest
from flask import Flask

from app.tenancy import Tenant
from tests.apps import Browser
from tests.factories import a_customer_user
from tests.factories.money import a_priced_reseller, a_wallet, charge
from tests.factories.people import a_customer
from tests.web.portals import a_stranger, is_turned_away, staff_of

PAGES = (
    "/reseller/", "/reseller/customers", "/reseller/prices", "/reseller/commissions",
    "/reseller/sub-resellers", "/reseller/balance",
)  # fmt: skip
READ_ONLY = ("/reseller/", "/reseller/commissions")


@pytest.mark.parametrize("path", PAGES)
def test_only_her_own_staff_sees_a_page(
    app: Flask, staff: Browser, reseller: Tenant, path: str
) -> None:
    customer = a_stranger(app, reseller)
    customer.sign_in(a_customer_user(a_customer(reseller)).email)
    foreign_staff = a_stranger(app, a_priced_reseller())
    foreign_staff.client = staff.client

    assert staff.get(path).status_code == 200
    assert is_turned_away(a_stranger(app, reseller).get(path))
    assert is_turned_away(customer.get(path))
    assert is_turned_away(foreign_staff.get(path))
    assert a_stranger(app).get(path).status_code == 404


def test_a_customer_and_a_charge_of_another_reseller_look_like_none(
    app: Flask, reseller: Tenant
) -> None:
    wallet = a_wallet(1_000, reseller=reseller)
    entry = charge(wallet, "100").id
    other = staff_of(app, a_priced_reseller())

    pages = [
        other.get(f"/reseller/customers/{wallet.customer_id}"),
        other.get(f"/reseller/charges/{entry}"),
        other.post(
            f"/reseller/charges/{entry}", {"form": "reverse", "reason": "mine now"},
            form_on="/reseller/customers",
        ),
        other.post(
            f"/reseller/customers/{wallet.customer_id}", {"form": "block", "reason": "fraud"},
            form_on="/reseller/customers",
        ),
    ]  # fmt: skip

    assert [page.status_code for page in pages] == [404, 404, 404, 404]


@pytest.mark.parametrize("path", [path for path in PAGES if path not in READ_ONLY])
def test_a_form_without_its_token_is_refused(staff: Browser, path: str) -> None:
    page = staff.client.post(path, base_url=staff.base_url, data={"form": "fund"})

    assert page.status_code == 422
    assert "edge.foreign_origin" in page.get_data(as_text=True)
