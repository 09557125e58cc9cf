"""The page of one charge: how it was rated, who paid, who earned what; and writing it off."""

from uuid import uuid4

import pytest
from flask import Flask

from app import billing
from app.billing import charge_due_fees
from app.kernel import Money, now, transaction
from app.pricing import set_fee
from app.tenancy import PlatformScope, Tenant
from tests.apps import Browser
from tests.conftest import Database
from tests.factories import scope_of, unique
from tests.factories.counts import rows_of_all_tables
from tests.factories.money import (
    LONG_AGO,
    a_chain,
    a_priced_reseller,
    a_wallet,
    an_event,
    an_offer,
    charge,
    funds_of,
)
from tests.web.portals import cost_of, staff_of, text_of

CHARGES = "/reseller/charges"


def test_a_charge_shows_how_it_was_rated_and_divided(app: Flask) -> None:
    meter = unique("calls")
    offer = an_offer(
        unit_price="0.20", meter=meter, parts=60, increment="60/1", allowance="1", minimum="0.05"
    )
    top, sub = a_chain(2, offer=offer)
    wallet = a_wallet(1_000, reseller=sub)
    entry = charge(wallet, an_event(wallet, "6.508333", meter=meter, counterparty="+4917012345678"))

    shown = text_of(staff_of(app, sub).get(f"{CHARGES}/{entry.id}"))

    # 6 min 30.5 s are billed as 6 min 31 s, one minute of which is free: 5.516667 at 0.20.
    for words in (
        "Gemeldet 6,508333", "Taktung 60/1", "Abgerechnet 6,516667",
        "Freie Einheiten genutzt 1", "0,20 €", "Abgebucht 1,10 €", "19 % Umsatzsteuer 0,18 €",
        f"Preis des Tarifs „{offer.slug}“", "Bezahltes Guthaben 1,10 €", "+491•",
        # 10 and 15 % of 0.92 net, the rest the platform's.
        f"{top.name}", "10 % 0,09 €", "15 % 0,13 €", "der Rest 0,70 €",
    ):  # fmt: skip
        assert words in shown, words
    assert "17012345678" not in shown


def test_an_own_price_is_named_as_such(staff: Browser, reseller: Tenant) -> None:
    staff.post("/reseller/prices", {"form": "price", "meter": "call_minutes", "unit_price": "0.5"})
    wallet = a_wallet(1_000, reseller=reseller)
    entry = charge(wallet, an_event(wallet, "2", occurred_at=now()))

    assert "Ihr eigener Preis, gültig ab" in text_of(staff.get(f"{CHARGES}/{entry.id}"))


def test_a_charge_is_written_off_once(staff: Browser, reseller: Tenant) -> None:
    wallet = a_wallet(1_000, reseller=reseller)
    entry = charge(wallet, "119")
    path = f"{CHARGES}/{entry.id}"

    first = staff.post(path, {"form": "reverse", "reason": "Störung im Netz"})
    second = staff.post(
        path, {"form": "reverse", "reason": "noch einmal"}, form_on="/reseller/customers"
    )
    shown = text_of(staff.get(path))

    assert (first.status_code, second.status_code) == (303, 409)
    assert funds_of(wallet) == 1_000
    assert "Störung im Netz" in shown
    assert "Ausbuchen" not in shown.replace("Ausgebucht", "")


@pytest.mark.parametrize("reason", ["", "x"])
def test_without_a_reason_nothing_is_written_off(
    staff: Browser, reseller: Tenant, connected: Database, reason: str
) -> None:
    entry = charge(a_wallet(1_000, reseller=reseller), "119")
    before = rows_of_all_tables(connected.owner_url)

    page = staff.post(f"{CHARGES}/{entry.id}", {"form": "reverse", "reason": reason})

    assert page.status_code == 422
    assert 'id="reverse" open' in page.get_data(as_text=True)
    assert rows_of_all_tables(connected.owner_url) == before


def test_a_fee_has_its_page_too(app: Flask) -> None:
    offer = an_offer()
    scope = PlatformScope()
    with transaction(scope) as session:
        set_fee(
            session, scope, offer_id=offer.id, fee="base", name="Grundgebühr",
            amount=Money(1_190, "EUR"), months=1, valid_from=LONG_AGO,
        )  # fmt: skip
    reseller = a_priced_reseller(offer=offer)
    wallet = a_wallet(5_000, reseller=reseller)
    staff, path = staff_of(app, reseller), f"/reseller/customers/{wallet.customer_id}"
    opened = staff.post(
        path, {"form": "contract", "fee": "base", "quantity": "1", "request_key": unique("k")}
    )
    charge_due_fees(scope_of(reseller), now=now())
    with transaction(scope_of(reseller)) as session:
        page = billing.wallet_history(session, scope_of(reseller), wallet=wallet)
        (contract,) = billing.list_contracts(session, scope_of(reseller), wallet_id=wallet.id)
    fee = next(line for line in page.rows if line.kind == "fee")

    shown = text_of(staff.get(f"{CHARGES}/{fee.id}"))
    ended = staff.post(path, {"form": "contract_end", "contract": str(contract.id)})

    assert opened.status_code == 303
    for words in ("11,90 €", "Grundgebühr", "Darin Umsatzsteuer 1,90 €", "25 % 2,50 €"):
        assert words in shown
    assert ended.status_code == 303
    assert "Beendet" in text_of(staff.get(path))


def test_the_page_takes_as_many_queries_whatever_the_chain(app: Flask) -> None:
    costs = set()
    for depth in (1, 4):
        reseller = a_chain(depth)[-1]
        entry = charge(a_wallet(1_000, reseller=reseller), "119")
        costs.add(cost_of(staff_of(app, reseller), f"{CHARGES}/{entry.id}"))

    assert len(costs) == 1


def test_no_charge_has_no_page(staff: Browser) -> None:
    assert staff.get(f"{CHARGES}/{uuid4()}").status_code == 404
