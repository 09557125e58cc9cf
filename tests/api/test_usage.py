import pytest
from flask import Flask
from sqlalchemy import text

from app.kernel import transaction
from app.tenancy import PlatformScope
from tests.api.caller import Caller, a_body, a_caller, a_line_body, a_platform_caller
from tests.apps import PLATFORM_DOMAIN
from tests.factories import a_platform, a_platform_key, an_api_key, unique
from tests.factories.lines import a_line
from tests.factories.money import (
    a_priced_reseller,
    a_settled_top_up,
    a_wallet,
    an_offer,
    funds_of,
)

USAGE = "/api/v2/usage"


def _entries(reseller_id: object) -> int:
    with transaction(PlatformScope()) as session:
        counted = session.scalar(
            text("SELECT count(*) FROM ledger_entries WHERE book_id = :book"),
            {"book": reseller_id},
        )
    return int(counted or 0)


def test_a_usage_event_is_charged_and_answered_with_the_new_balance(app: Flask) -> None:
    reseller = a_priced_reseller()
    wallet = a_wallet(5_000, reseller=reseller)

    answer = a_caller(app, reseller).post(USAGE, a_body(wallet.customer_id))

    assert answer.status_code == 201
    told = answer.get_json()
    assert told["amount"] == {"minor": 100, "currency": "EUR"}
    assert told["net"]["minor"] + told["tax"]["minor"] == 100
    assert told["balance"] == {"minor": 4_900, "currency": "EUR"}
    assert funds_of(wallet) == 4_900


def test_the_same_event_again_is_answered_the_same_and_charged_once(app: Flask) -> None:
    reseller = a_priced_reseller()
    wallet = a_wallet(5_000, reseller=reseller)
    caller, body = a_caller(app, reseller), a_body(wallet.customer_id)
    first = caller.post(USAGE, body)
    caller.post(USAGE, a_body(wallet.customer_id, id="call-2"))

    again = caller.post(USAGE, body)

    assert again.status_code == 200
    assert again.get_json() == first.get_json()
    assert funds_of(wallet) == 4_800


def test_the_same_number_in_another_spelling_is_the_same_event(app: Flask) -> None:
    reseller = a_priced_reseller()
    wallet = a_wallet(5_000, reseller=reseller)
    caller, body = a_caller(app, reseller), a_body(wallet.customer_id)
    caller.post(USAGE, body)

    again = caller.post(USAGE, {**body, "quantity": 100.0})

    assert again.status_code == 200
    assert funds_of(wallet) == 4_900


@pytest.mark.parametrize("change", [{"quantity": "101"}, {"meter": "other"}])
def test_the_same_id_with_other_content_is_refused(app: Flask, change: dict[str, str]) -> None:
    reseller = a_priced_reseller()
    wallet = a_wallet(5_000, reseller=reseller)
    caller, body = a_caller(app, reseller), a_body(wallet.customer_id)
    caller.post(USAGE, body)

    refused = caller.post(USAGE, {**body, **change})

    expected = (422, "pricing.no_price") if "meter" in change else (409, "billing.event_id_reused")
    assert (refused.status_code, refused.get_json()["code"]) == expected
    assert funds_of(wallet) == 4_900


def test_too_little_balance_is_told_with_amounts_and_writes_no_ledger_row(app: Flask) -> None:
    reseller = a_priced_reseller()
    wallet = a_wallet(500, reseller=reseller)
    before = _entries(reseller.id)

    refused = a_caller(app, reseller).post(USAGE, a_body(wallet.customer_id, quantity="700"))

    assert refused.status_code == 402
    assert refused.content_type == "application/problem+json"
    told = refused.get_json()
    assert told["code"] == "billing.insufficient_funds"
    assert (told["required"], told["available"], told["missing"]) == (700, 500, 200)
    assert told["currency"] == "EUR"
    assert (_entries(reseller.id), funds_of(wallet)) == (before, 500)


def test_a_refused_event_is_charged_once_when_it_is_sent_again_after_a_top_up(app: Flask) -> None:
    reseller = a_priced_reseller()
    wallet = a_wallet(500, reseller=reseller)
    caller, body = a_caller(app, reseller), a_body(wallet.customer_id, quantity="700")
    caller.post(USAGE, body)
    a_settled_top_up(wallet, 1_000)

    statuses = [caller.post(USAGE, body).status_code for _ in range(3)]

    assert statuses == [201, 200, 200]
    assert funds_of(wallet) == 800


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", ""),
        ("id", "a b"),
        ("id", "x" * 121),
        ("customer_id", "42"),
        ("meter", "Call Minutes"),
        ("quantity", "0"),
        ("quantity", "-1"),
        ("quantity", "NaN"),
        ("quantity", "0.0000001"),
        ("quantity", "many"),
        ("occurred_at", "2026-11-20T09:15:00"),
        ("occurred_at", "yesterday"),
        ("counterparty", "+49\x00151"),
        ("counterparty", "+49\n151"),
        ("counterparty", "4"),
        ("colour", "red"),
    ],
)
def test_a_malformed_event_is_refused_naming_the_field(app: Flask, field: str, value: str) -> None:
    reseller = a_priced_reseller()
    wallet = a_wallet(5_000, reseller=reseller)

    refused = a_caller(app, reseller).post(USAGE, {**a_body(wallet.customer_id), field: value})

    assert refused.status_code == 422
    told = refused.get_json()
    assert told["code"] == "api.body_refused"
    assert [each["field"] for each in told["errors"]] == [field]
    assert funds_of(wallet) == 5_000


@pytest.mark.parametrize("body", [None, [], "text", {}, 7])
def test_a_body_that_is_no_event_is_refused(app: Flask, body: object) -> None:
    reseller = a_priced_reseller()

    refused = a_caller(app, reseller).post(USAGE, body)

    assert refused.status_code == 422
    assert refused.get_json()["errors"]


def test_a_body_that_is_no_json_is_refused(app: Flask) -> None:
    reseller = a_priced_reseller()
    caller = a_caller(app, reseller)

    refused = app.test_client().post(
        USAGE,
        data=b"{broken",
        base_url=f"https://{caller.host}",
        headers={"Authorization": f"Bearer {caller.key}", "Content-Type": "application/json"},
    )

    assert refused.status_code == 422


@pytest.mark.parametrize("key", ["", "kk_unknown", "x" * 5_000])
def test_an_unknown_key_is_refused(app: Flask, key: str) -> None:
    reseller = a_priced_reseller()
    wallet = a_wallet(5_000, reseller=reseller)
    caller = Caller(app, a_caller(app, reseller).host, key)

    refused = caller.post(USAGE, a_body(wallet.customer_id))

    assert (refused.status_code, refused.get_json()["code"]) == (401, "api.key_refused")
    assert funds_of(wallet) == 5_000


def test_without_a_key_nothing_is_told_of_the_body(app: Flask) -> None:
    reseller = a_priced_reseller()
    caller = Caller(app, a_caller(app, reseller).host, "kk_unknown")

    refused = caller.post(USAGE, {"colour": "red"})

    assert (refused.status_code, refused.get_json()["code"]) == (401, "api.key_refused")
    assert "errors" not in refused.get_json()


def test_a_key_copied_to_another_brand_is_refused_there(app: Flask) -> None:
    mine, other = a_priced_reseller(), a_priced_reseller()
    wallet = a_wallet(5_000, reseller=other)
    copied = Caller(app, a_caller(app, other).host, a_caller(app, mine).key)

    refused = copied.post(USAGE, a_body(wallet.customer_id))

    assert (refused.status_code, refused.get_json()["code"]) == (401, "api.key_refused")
    assert funds_of(wallet) == 5_000


def test_a_customer_of_another_reseller_looks_like_none(app: Flask) -> None:
    mine, other = a_priced_reseller(), a_priced_reseller()
    wallet = a_wallet(5_000, reseller=other)

    refused = a_caller(app, mine).post(USAGE, a_body(wallet.customer_id))

    assert (refused.status_code, refused.get_json()["code"]) == (404, "billing.customer_not_found")
    assert funds_of(wallet) == 5_000


def test_a_key_without_the_scope_may_not_charge(app: Flask) -> None:
    reseller = a_priced_reseller()
    wallet = a_wallet(5_000, reseller=reseller)
    _key, secret = an_api_key(reseller, scopes=["balance:read"])

    refused = Caller(app, a_caller(app, reseller).host, secret).post(
        USAGE, a_body(wallet.customer_id)
    )

    assert refused.status_code == 403
    assert funds_of(wallet) == 5_000


def test_an_answer_tells_increments_and_allowance_and_so_does_its_repetition(app: Flask) -> None:
    offer = an_offer(
        meter="told_minutes", parts=60, increment="60/60", allowance="2", unit_price="0.10"
    )
    reseller = a_priced_reseller(offer=offer)
    wallet = a_wallet(5_000, reseller=reseller)
    body = a_body(wallet.customer_id, meter="told_minutes", quantity="4.5")

    first, again = (a_caller(app, reseller).post(USAGE, body).get_json() for _ in range(2))

    assert (first["quantity"], first["billed"], first["free"]) == ("4.5", "5", "2")
    assert first["amount"] == {"minor": 30, "currency": "EUR"}
    assert first["owed"] == first["bonus"] == {"minor": 0, "currency": "EUR"}
    assert again == first


def test_a_line_instead_of_a_customer_is_charged_to_whose_it_is(app: Flask) -> None:
    reseller = a_priced_reseller()
    wallet = a_wallet(5_000, reseller=reseller)
    caller, body = a_caller(app, reseller), a_line_body(a_line(wallet))

    answers = [caller.post(USAGE, body) for _ in range(2)]

    assert [each.status_code for each in answers] == [201, 200]
    assert {each.get_json()["customer_id"] for each in answers} == {str(wallet.customer_id)}
    assert funds_of(wallet) == 4_900


@pytest.mark.parametrize("is_foreign", [True, False])
def test_a_line_that_is_nobodys_here_is_refused(app: Flask, is_foreign: bool) -> None:  # noqa: FBT001 - a parameter
    other = a_wallet(5_000)
    line = a_line(other) if is_foreign else f"line:{unique('nobody')}"

    refused = a_caller(app, a_priced_reseller()).post(USAGE, a_line_body(line))

    assert (refused.status_code, refused.get_json()["code"]) == (404, "billing.unknown_subject")
    assert funds_of(other) == 5_000


def test_customer_and_line_together_or_neither_are_refused(app: Flask) -> None:
    reseller = a_priced_reseller()
    wallet = a_wallet(5_000, reseller=reseller)
    caller, body = a_caller(app, reseller), a_body(wallet.customer_id)
    neither = {name: value for name, value in body.items() if name != "customer_id"}

    refused = [caller.post(USAGE, each) for each in ({**body, "subject": a_line(wallet)}, neither)]

    assert [each.status_code for each in refused] == [422, 422]
    assert [each.get_json()["errors"] for each in refused] == [
        [{"field": "body", "reason": "Name either customer_id or subject"}]
    ] * 2
    assert funds_of(wallet) == 5_000


def test_the_platforms_meter_charges_a_line_of_any_reseller(app: Flask) -> None:
    a_platform()
    wallets = [a_wallet(5_000) for _ in range(2)]
    meter = a_platform_caller(app)

    answers = [meter.post(USAGE, a_line_body(a_line(wallet))) for wallet in wallets]

    assert [each.status_code for each in answers] == [201, 201]
    assert [funds_of(wallet) for wallet in wallets] == [4_900, 4_900]


def test_the_platforms_meter_names_lines_and_no_customers(app: Flask) -> None:
    a_platform()
    wallet = a_wallet(5_000)

    refused = a_platform_caller(app).post(USAGE, a_body(wallet.customer_id))

    assert (refused.status_code, refused.get_json()["code"]) == (422, "billing.subject_needed")
    assert funds_of(wallet) == 5_000


def test_a_resellers_key_is_worthless_on_the_platforms_host(app: Flask) -> None:
    reseller = a_priced_reseller()
    wallet = a_wallet(5_000, reseller=reseller)
    caller = Caller(app, PLATFORM_DOMAIN, a_caller(app, reseller).key)

    refused = caller.post(USAGE, a_line_body(a_line(wallet)))

    assert (refused.status_code, refused.get_json()["code"]) == (401, "api.platform_key_refused")
    assert funds_of(wallet) == 5_000


def test_a_platforms_key_without_the_scope_may_not_charge(app: Flask) -> None:
    wallet = a_wallet(5_000)
    _key, secret = a_platform_key(scopes=["balance:read"])

    refused = Caller(app, PLATFORM_DOMAIN, secret).post(USAGE, a_line_body(a_line(wallet)))

    assert refused.status_code == 403
    assert funds_of(wallet) == 5_000


def test_a_body_that_is_nested_too_deeply_is_refused(app: Flask) -> None:
    caller = a_caller(app, a_priced_reseller())

    refused = app.test_client().post(
        USAGE,
        data=b"[" * 100_000,
        base_url=f"https://{caller.host}",
        headers={"Authorization": f"Bearer {caller.key}", "Content-Type": "application/json"},
    )

    assert refused.status_code == 422
