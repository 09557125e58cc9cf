"""Which e-mails a customer's user wants, and below what her balance counts as low."""

from __future__ import annotations

import pytest
from flask import Flask

from app import billing
from app.kernel import transaction
from app.notifications import MessageKind
from app.tenancy import Tenant
from tests.apps import Browser
from tests.factories.money import scope_of_wallet
from tests.web.customer.test_portal import member, owner, reseller
from tests.web.paying import Customer
from tests.web.portals import a_stranger, is_turned_away, text_of

__all__ = ["member", "owner", "reseller"]

PAGE = "/portal/settings/notifications"


def threshold_of(owner: Customer) -> int:
    scope = scope_of_wallet(owner.wallet)
    with transaction(scope) as session:
        wallet = billing.get_wallet(session, scope, customer_id=owner.wallet.customer_id)
    return wallet.low_balance_minor


def ticked(browser: Browser) -> set[str]:
    page = browser.get(PAGE).get_data(as_text=True)
    return {kind.value for kind in MessageKind if f'value="{kind.value}" checked' in page}


def test_everything_is_on_until_it_is_turned_off(owner: Customer) -> None:
    browser = owner.browser

    before = ticked(browser)
    answer = browser.post(PAGE, {"form": "emails", "kind": "low_balance"})
    after = ticked(browser)

    assert before == {"top_up_receipt", "low_balance"}
    assert answer.status_code == 303
    assert after == {"low_balance"}


def test_what_cannot_be_turned_off_is_not_offered(owner: Customer) -> None:
    page = owner.browser.get(PAGE)

    assert 'value="security_notice"' not in page.get_data(as_text=True)
    assert "kommen immer" in text_of(page)


def test_each_person_chooses_for_herself(owner: Customer, member: Browser) -> None:
    owner.browser.post(PAGE, {"form": "emails"})

    assert ticked(member) == {"top_up_receipt", "low_balance"}


def test_an_owner_sets_the_threshold(owner: Customer) -> None:
    answer = owner.browser.post(PAGE, {"form": "threshold", "threshold": "25,50"})

    assert answer.status_code == 303
    assert threshold_of(owner) == 2_550
    assert 'value="25,5"' in owner.browser.get(PAGE).get_data(as_text=True)


def test_a_member_looks_and_does_not_change(owner: Customer, member: Browser) -> None:
    answer = member.post(PAGE, {"form": "threshold", "threshold": "1"})

    assert answer.status_code == 403
    assert threshold_of(owner) == 1_000
    assert "10,00 €" in text_of(member.get(PAGE))


@pytest.mark.parametrize("typed", ["x", "-1", "2000000"])
def test_a_threshold_beyond_reason_stays_typed_with_the_reason(owner: Customer, typed: str) -> None:
    page = owner.browser.post(PAGE, {"form": "threshold", "threshold": typed})

    assert page.status_code == 422
    assert f'value="{typed}"' in page.get_data(as_text=True)
    assert threshold_of(owner) == 1_000


def test_strangers_are_turned_away(app: Flask, reseller: Tenant) -> None:
    assert is_turned_away(a_stranger(app, reseller).get(PAGE))


def test_the_settings_lead_here(owner: Customer) -> None:
    assert f'href="{PAGE}"' in owner.browser.get("/portal/settings").get_data(as_text=True)
