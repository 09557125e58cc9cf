"""What the reseller earned, month by month, down to the charge."""

from flask import Flask

from app.tenancy import Tenant
from tests.apps import Browser
from tests.factories.money import (
    a_chain,
    a_priced_reseller,
    a_settled_top_up,
    a_wallet,
    charge,
)
from tests.factories.months import a_bonus
from tests.web.portals import cost_of, staff_of, text_of

COMMISSIONS = "/reseller/commissions"


def test_a_month_shows_volume_steps_books_and_charges(app: Flask) -> None:
    top, sub = a_chain(2)
    own = charge(a_wallet(1_000, reseller=top), "119")
    charge(a_wallet(1_000, reseller=sub), "119")

    page = staff_of(app, top).get(COMMISSIONS)

    shown = text_of(page)
    for words in ("0,35 €", "vorläufig", "Nettoumsatz 2,00 €", "davon 1,00 € mit eigenen Kunden",
                  "25 % 2,00 €", f"{sub.name}"):  # fmt: skip
        assert words in shown, words
    assert f"/reseller/charges/{own.id}" in page.get_data(as_text=True)


def test_a_month_without_anything_says_so(staff: Browser) -> None:
    for query in ("", "?month=2020-01", "?month=soon"):
        assert "nichts verdient" in text_of(staff.get(COMMISSIONS + query))


def test_a_damaged_page_link_is_refused(staff: Browser) -> None:
    assert staff.get(f"{COMMISSIONS}?before=x").status_code == 422


def test_a_bonus_names_its_customer(staff: Browser, reseller: Tenant) -> None:
    wallet = a_wallet(0, reseller=reseller)
    a_bonus(a_settled_top_up(wallet, 5_000))

    page = staff.get(COMMISSIONS)

    assert "Neuer Kunde" in text_of(page)
    assert f"/reseller/customers/{wallet.customer_id}" in page.get_data(as_text=True)


def test_the_page_takes_as_many_queries_for_many_charges(app: Flask) -> None:
    reseller = a_priced_reseller()
    browser = staff_of(app, reseller)
    wallet = a_wallet(5_000, reseller=reseller)
    charge(wallet, "119")
    few = cost_of(browser, COMMISSIONS)
    for _ in range(6):
        charge(wallet, "119")

    assert cost_of(browser, COMMISSIONS) == few
