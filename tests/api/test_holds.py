"""Holds by the API: reserve before a call, capture what it cost, release the rest (C5)."""

from functools import partial
from uuid import UUID

import psycopg
import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.billing import Wallet
from app.kernel import new_id
from app.tenancy import Tenant
from tests.api.caller import Caller, a_body, a_caller
from tests.api.holding import HOLDS, a_hold_body, held, refusal, state, with_scope
from tests.apps import PLATFORM_DOMAIN
from tests.conftest import Database
from tests.factories import a_platform_key, a_reseller, unique
from tests.factories.lines import a_line
from tests.factories.money import (
    METER,
    a_priced_reseller,
    a_settled_top_up,
    a_wallet,
    an_offer,
    funds_of,
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


def a_plan(wallet: Wallet, quantity: str = "300", *, meter: str = METER) -> dict[str, object]:
    body = a_hold_body(wallet, meter=meter, quantity=quantity)
    del body["amount"]
    return body


def a_capture(quantity: str = "300", **changes: object) -> dict[str, object]:
    body = a_body(UUID(int=0), id=unique("call"), quantity=quantity, **changes)
    del body["customer_id"]
    return body


def let_expire(hold: str, database: Database) -> None:
    """Turn the clock past the hold's end, as only the database's owner can."""
    with psycopg.connect(database.owner_url) as owner:
        owner.execute(
            "UPDATE ledger_holds SET expires_at = now() - interval '1 second' WHERE id = %s",
            [hold.rpartition("/")[2]],
        )


def test_a_hold_keeps_credit_back_and_is_answered_with_what_is_left(
    caller: Caller, wallet: Wallet
) -> None:
    answer = caller.post(HOLDS, a_hold_body(wallet))

    told = answer.get_json()
    assert answer.status_code == 201
    assert (told["customer_id"], told["state"]) == (str(wallet.customer_id), "open")
    assert told["amount"] == {"minor": 800, "currency": "EUR"}
    assert told["available"] == {"minor": 200, "currency": "EUR"}
    assert caller.get(f"{HOLDS}/{told['id']}").get_json()["available"] == told["available"]


def test_c3_the_same_hold_again_is_the_same_as_it_is_now(caller: Caller, wallet: Wallet) -> None:
    body = a_hold_body(wallet)
    first = caller.post(HOLDS, body).get_json()

    again = caller.post(HOLDS, {**body, "expires_in": 120})

    caller.post(f"{HOLDS}/{first['id']}/release", {})
    later = caller.post(HOLDS, body)
    assert (again.status_code, later.status_code) == (200, 200)
    assert again.get_json() == first
    assert later.get_json() == {**first, "state": "released", "available": later_amount(1_000)}


def later_amount(minor: int) -> dict[str, object]:
    return {"minor": minor, "currency": "EUR"}


@pytest.mark.parametrize(
    "change", [{"amount": {"minor": 801, "currency": "EUR"}}, {"customer_id": "other"}]
)
def test_c3_the_same_id_for_another_hold_is_refused(
    caller: Caller, reseller: Tenant, wallet: Wallet, change: dict[str, object]
) -> None:
    body = a_hold_body(wallet)
    hold = held(caller, body)
    if "customer_id" in change:
        change = {"customer_id": str(a_wallet(1_000, reseller=reseller).customer_id)}

    refused = caller.post(HOLDS, {**body, **change})

    assert refusal(refused) == (409, "billing.hold_key_reused")
    assert state(caller, hold) == ("open", 800, 200)


def test_ten_identical_holds_at_once_are_one(caller: Caller, wallet: Wallet) -> None:
    body = a_hold_body(wallet)

    answers = all_at_once([partial(caller.post, HOLDS, body)] * 10)

    told = [each for each in answers if isinstance(each, TestResponse)]
    assert sorted(each.status_code for each in told) == [200] * 9 + [201]
    assert len({each.get_json()["id"] for each in told}) == 1
    assert told[0].get_json()["available"]["minor"] == 200


def test_too_little_is_refused_and_binds_nothing(caller: Caller, wallet: Wallet) -> None:
    body = a_hold_body(wallet, 1_001)

    refused = caller.post(HOLDS, body)

    a_settled_top_up(wallet, 500)
    assert refusal(refused) == (402, "billing.insufficient_funds")
    assert refused.get_json()["missing"] == 1
    assert caller.post(HOLDS, body).status_code == 201


def test_planned_usage_keeps_back_what_it_would_cost(caller: Caller, wallet: Wallet) -> None:
    hold = held(caller, a_plan(wallet))

    assert state(caller, hold) == ("open", 300, 700)


def test_c3_planned_usage_again_is_the_first_hold_whatever_it_would_cost_by_now(
    app: Flask,
) -> None:
    # Ten units are free: the first plan costs 2 units, after other usage it would cost 12.
    reseller = a_priced_reseller(offer=an_offer(allowance="10", meter="planned_minutes"))
    wallet, caller = a_wallet(1_000, reseller=reseller), with_scope(app, reseller, "holds:write")
    body = a_plan(wallet, "12", meter="planned_minutes")
    first = caller.post(HOLDS, body).get_json()
    a_caller(app, reseller).post(
        "/api/v2/usage", a_body(wallet.customer_id, quantity="10", meter="planned_minutes")
    )

    again = caller.post(HOLDS, {**body, "quantity": "12.0"})
    other = caller.post(HOLDS, {**body, "quantity": "13"})

    assert first["amount"]["minor"] == 2
    assert (again.status_code, again.get_json()["id"]) == (200, first["id"])
    assert again.get_json()["amount"] == first["amount"]
    assert refusal(other) == (409, "billing.hold_key_reused")


def test_planned_usage_that_is_free_keeps_nothing_back(app: Flask) -> None:
    reseller = a_priced_reseller(offer=an_offer(allowance="10", meter="free_minutes"))
    wallet, caller = a_wallet(1_000, reseller=reseller), with_scope(app, reseller, "holds:write")

    hold = held(caller, a_plan(wallet, "5", meter="free_minutes"))

    assert state(caller, hold) == ("open", 0, 1_000)


def test_a_line_holds_for_whoever_has_it_now(caller: Caller, wallet: Wallet) -> None:
    body = {**a_hold_body(wallet), "subject": a_line(wallet)}
    del body["customer_id"]

    answer = caller.post(HOLDS, body)
    refused = caller.post(HOLDS, {**body, "subject": "line:nobody"})

    assert answer.get_json()["customer_id"] == str(wallet.customer_id)
    assert refusal(refused) == (404, "billing.unknown_subject")


def test_a_capture_charges_what_was_used_and_frees_the_rest(caller: Caller, wallet: Wallet) -> None:
    hold, body = held(caller, a_hold_body(wallet)), a_capture()

    answers = [caller.post(f"{hold}/capture", body) for _ in range(3)]

    assert [each.status_code for each in answers] == [201, 200, 200]
    assert {each.get_json()["amount"]["minor"] for each in answers} == {300}
    assert state(caller, hold) == ("captured", 800, 700)
    assert funds_of(wallet) == 700


def test_a_capture_beyond_hold_and_balance_says_what_nobody_paid(
    caller: Caller, wallet: Wallet
) -> None:
    hold, body = held(caller, a_hold_body(wallet, 400)), a_capture("1500")

    first, again = (caller.post(f"{hold}/capture", body) for _ in range(2))

    told = first.get_json()
    assert (told["amount"]["minor"], told["uncollected"]["minor"]) == (1_000, 500)
    assert (told["quantity"], told["billed"], told["free"]) == ("1500", "1500", "0")
    assert again.get_json() == told
    assert funds_of(wallet) == 0


def test_a_capture_names_the_line_of_the_holder_or_none(
    caller: Caller, reseller: Tenant, wallet: Wallet
) -> None:
    hold = held(caller, a_hold_body(wallet))
    mine, other = a_line(wallet), a_line(a_wallet(0, reseller=reseller))

    refused = caller.post(f"{hold}/capture", a_capture(subject=other))
    charged = caller.post(f"{hold}/capture", a_capture(subject=mine.upper()))

    assert refusal(refused) == (404, "billing.unknown_subject")
    assert charged.status_code == 201
    assert funds_of(wallet) == 700


def test_a_hold_that_is_closed_or_over_captures_nothing(
    caller: Caller, wallet: Wallet, connected: Database
) -> None:
    released, expired = (held(caller, a_hold_body(wallet, 100)) for _ in range(2))
    caller.post(f"{released}/release", {})
    let_expire(expired, connected)

    refused = [caller.post(f"{each}/capture", a_capture("10")) for each in (released, expired)]

    assert [refusal(each) for each in refused] == [(409, "ledger.hold_closed")] * 2
    assert [state(caller, each)[0] for each in (released, expired)] == ["released", "expired"]
    assert funds_of(wallet) == 1_000


def test_a_release_frees_what_is_kept_back_and_may_be_repeated(
    caller: Caller, wallet: Wallet
) -> None:
    hold = held(caller, a_hold_body(wallet))

    answers = [caller.post(f"{hold}/release", {}) for _ in range(2)]

    assert [each.status_code for each in answers] == [200, 200]
    assert [each.get_json()["state"] for each in answers] == ["released"] * 2
    assert state(caller, hold) == ("released", 800, 1_000)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"id": "a b"}, "id"),
        ({"expires_in": 59}, "expires_in"),
        ({"expires_in": 86_401}, "expires_in"),
        ({"amount": {"minor": -1, "currency": "EUR"}}, "amount.minor"),
        ({"amount": {"minor": 1, "currency": "euro"}}, "amount.currency"),
        ({"amount": {"minor": 1.5, "currency": "EUR"}}, "amount.minor"),
        ({"amount": None}, "body"),
        ({"meter": METER, "quantity": "1"}, "body"),
        ({"meter": METER}, "body"),
        ({"amount": None, "meter": METER}, "body"),
        ({"customer_id": None}, "body"),
        ({"subject": "line:1"}, "body"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_malformed_hold_is_refused_naming_the_field(
    caller: Caller, wallet: Wallet, change: dict[str, object], field: str
) -> None:
    refused = caller.post(HOLDS, {**a_hold_body(wallet), **change})

    assert refusal(refused) == (422, "api.body_refused")
    assert [each["field"] for each in refused.get_json()["errors"]] == [field]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"amount": {"minor": 500_001, "currency": "EUR"}}, (422, "billing.hold_amount_refused")),
        ({"amount": {"minor": 5, "currency": "USD"}}, (404, "billing.customer_not_found")),
        ({"customer_id": str(new_id())}, (404, "billing.customer_not_found")),
        ({"amount": None, "meter": "smoke", "quantity": "1"}, (422, "pricing.no_price")),
    ],
)
def test_a_hold_that_cannot_be_is_refused(
    caller: Caller, wallet: Wallet, change: dict[str, object], expected: tuple[int, str]
) -> None:
    assert refusal(caller.post(HOLDS, {**a_hold_body(wallet), **change})) == expected


ACTS: list[tuple[str, str, dict[str, object] | None]] = [
    ("POST", "", {}),
    ("GET", "/{hold}", None),
    ("POST", "/{hold}/capture", a_capture()),
    ("POST", "/{hold}/release", {}),
    ("POST", "/{hold}/extend", {"expires_in": 600}),
]


@pytest.mark.parametrize(("method", "path", "body"), ACTS, ids=lambda each: str(each)[:20])
def test_who_may_not_touch_a_hold(
    app: Flask, method: str, path: str, body: dict[str, object] | None
) -> None:
    mine, other = a_priced_reseller(), a_reseller()
    wallet = a_wallet(1_000, reseller=mine)
    caller = with_scope(app, mine, "holds:write")
    hold = held(caller, a_hold_body(wallet))
    address = HOLDS + path.format(hold=hold.rpartition("/")[2])
    strangers = {
        "nobody": Caller(app, caller.host, ""),
        "other": Caller(app, caller.host, with_scope(app, other, "holds:write").key),
        "platform": Caller(app, caller.host, a_platform_key(scopes=["holds:write"])[1]),
        "without the scope": with_scope(app, mine, "usage:write", "balance:read"),
        "at the platform": Caller(app, PLATFORM_DOMAIN, caller.key),
        "at home": with_scope(app, other, "holds:write"),
    }

    def act(stranger: Caller) -> TestResponse:
        if method == "GET":
            return stranger.get(address)
        return stranger.post(address, body or a_hold_body(wallet))

    answers = {name: act(each) for name, each in strangers.items()}

    assert {name: answer.status_code for name, answer in answers.items()} == {
        "nobody": 401, "other": 401, "platform": 401, "without the scope": 403,
        "at the platform": 404, "at home": 404,
    }  # fmt: skip
    assert state(caller, hold) == ("open", 800, 200)
    assert funds_of(wallet) == 1_000


def test_the_document_describes_holds(caller: Caller) -> None:
    paths = caller.get("/api/v2/openapi.json").get_json()["paths"]

    assert {each for each in paths if each.startswith(HOLDS)} == {
        HOLDS, f"{HOLDS}/{{hold_id}}", f"{HOLDS}/{{hold_id}}/capture",
        f"{HOLDS}/{{hold_id}}/release", f"{HOLDS}/{{hold_id}}/extend",
    }  # fmt: skip
