"""The reseller's own prices."""

from datetime import timedelta
from decimal import Decimal

import pytest
from flask import Flask

from app.kernel import now, transaction
from app.pricing import PriceBook, price_book
from app.tenancy import Tenant
from tests.apps import Browser
from tests.conftest import Database
from tests.factories import a_reseller, scope_of
from tests.factories.counts import rows_of_all_tables
from tests.factories.money import METER, a_priced_reseller, an_offer
from tests.web.portals import cost_of, staff_of, text_of

PRICES = "/reseller/prices"


def book_of(reseller: Tenant) -> PriceBook:
    scope = scope_of(reseller)
    with transaction(scope) as session:
        return price_book(session, scope, at=now() + timedelta(seconds=1))


def test_an_own_price_is_set_and_given_up_again(staff: Browser, reseller: Tenant) -> None:
    staff.post(PRICES, {"form": "price", "meter": METER, "unit_price": "0,25"})
    own, shown = book_of(reseller).meters[0].unit_price, text_of(staff.get(PRICES))
    staff.post(PRICES, {"form": "plan", "meter": METER})

    assert own == Decimal("0.25")
    assert "0,25 €" in shown
    assert "eigener Preis seit" in shown
    assert book_of(reseller).meters[0].unit_price == Decimal("0.01")


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"unit_price": "0,005"}, "mindestens 0,01 kosten"),
        ({"unit_price": "x"}, "Geben Sie eine Zahl"),
        ({"unit_price": "1", "valid_from": "2020-01-01"}, "ab jetzt ändern"),
        ({"unit_price": "1", "meter": "fax"}, "keinen Preis"),
    ],
)
def test_a_price_that_may_not_be_asked_is_refused(
    app: Flask, connected: Database, form: dict[str, str], words: str
) -> None:
    reseller = a_priced_reseller(offer=an_offer(floor="0.01"))
    browser = staff_of(app, reseller)
    before = rows_of_all_tables(connected.owner_url)

    page = browser.post(PRICES, {"form": "price", "meter": METER, **form})

    assert page.status_code == 422
    assert words in text_of(page)
    assert f'value="{form["unit_price"]}"' in page.get_data(as_text=True)
    assert rows_of_all_tables(connected.owner_url) == before


def test_who_sells_nothing_is_told_so(app: Flask) -> None:
    browser = staff_of(app, a_reseller())

    page = browser.get(PRICES)

    assert page.status_code == 200
    assert "noch nichts verkauft" in text_of(page)


def test_the_page_takes_as_many_queries_for_many_prices(staff: Browser) -> None:
    few = cost_of(staff, PRICES)
    for unit_price in ("0.2", "0.3", "0.4"):
        staff.post(PRICES, {"form": "price", "meter": METER, "unit_price": unit_price})

    assert cost_of(staff, PRICES) == few
