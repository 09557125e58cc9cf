"""Holds grow and last longer: to an amount and a time, so that it may be repeated (C5)."""

from functools import partial

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.billing import Wallet
from app.tenancy import Tenant
from tests.api.caller import Caller
from tests.api.holding import a_hold_body, held, refusal, state, with_scope
from tests.factories.money import (
    a_priced_reseller,
    a_wallet,
)
from tests.factories.races import all_at_once


@pytest.fixture
def reseller() -> Tenant:
    return a_priced_reseller()


@pytest.fixture
def wallet(reseller: Tenant) -> Wallet:
    return a_wallet(1_000, reseller=reseller)


@pytest.fixture
def caller(app: Flask, reseller: Tenant) -> Caller:
    return with_scope(app, reseller, "holds:write")


def test_an_extension_raises_a_hold_to_an_amount_however_often_it_is_sent(
    caller: Caller, wallet: Wallet
) -> None:
    hold = held(caller, a_hold_body(wallet, 200))
    body = {"amount": {"minor": 500, "currency": "EUR"}}

    answers = all_at_once([partial(caller.post, f"{hold}/extend", body)] * 5)

    statuses = [each.status_code for each in answers if isinstance(each, TestResponse)]
    assert statuses == [200] * 5
    assert state(caller, hold) == ("open", 500, 500)


def test_an_extension_never_takes_anything_away(caller: Caller, wallet: Wallet) -> None:
    hold = held(caller, a_hold_body(wallet, 500, expires_in=7_200))
    before = caller.get(hold).get_json()

    answer = caller.post(
        f"{hold}/extend", {"amount": {"minor": 100, "currency": "EUR"}, "expires_in": 60}
    )

    assert (answer.status_code, answer.get_json()) == (200, before)


def test_an_extension_lets_a_hold_last_longer(caller: Caller, wallet: Wallet) -> None:
    hold = held(caller, a_hold_body(wallet, expires_in=60))
    before = caller.get(hold).get_json()["expires_at"]

    answer = caller.post(f"{hold}/extend", {"expires_in": 3_600})

    assert answer.status_code == 200
    assert answer.get_json()["expires_at"] > before


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"amount": {"minor": 1_001, "currency": "EUR"}}, (402, "billing.insufficient_funds")),
        ({"amount": {"minor": 900, "currency": "USD"}}, (422, "money.currency_mismatch")),
        ({"amount": {"minor": 900, "currency": "XXX"}}, (422, "money.unknown_currency")),
        ({"expires_in": 86_401}, (422, "api.body_refused")),
        ({"amount": {"minor": 0, "currency": "EUR"}}, (422, "api.body_refused")),
        ({}, (422, "api.body_refused")),
    ],
)
def test_an_extension_that_is_refused_changes_nothing(
    caller: Caller, wallet: Wallet, body: dict[str, object], expected: tuple[int, str]
) -> None:
    hold = held(caller, a_hold_body(wallet))

    refused = caller.post(f"{hold}/extend", body)

    assert refusal(refused) == expected
    assert state(caller, hold) == ("open", 800, 200)


def test_a_closed_hold_cannot_be_extended(caller: Caller, wallet: Wallet) -> None:
    hold = held(caller, a_hold_body(wallet))
    caller.post(f"{hold}/release", {})

    refused = caller.post(f"{hold}/extend", {"expires_in": 600})

    assert refusal(refused) == (409, "ledger.hold_closed")
