"""Usage in batches: a result for every event, in the order and the format of the events (C12)."""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.api.rest.batches import MOST_BYTES
from app.billing import Wallet
from app.kernel import now
from app.tenancy import Tenant
from tests.api.caller import Caller, a_body, a_caller, a_line_body, a_platform_caller
from tests.apps import PLATFORM_DOMAIN
from tests.factories import a_platform, a_platform_key, a_reseller, an_api_key, unique
from tests.factories.lines import a_line
from tests.factories.money import a_priced_reseller, a_settled_top_up, a_wallet, funds_of

BATCH = "/api/v2/usage/batch"
NDJSON, JSON = "application/x-ndjson", "application/json"
FORMATS = pytest.mark.parametrize("form", [NDJSON, JSON])


def post(caller: Caller, events: Sequence[object], form: str = NDJSON) -> TestResponse:
    if form == JSON:
        return caller.send(BATCH, json.dumps(events).encode(), form)
    lines = (each if isinstance(each, str) else json.dumps(each) for each in events)
    return caller.send(BATCH, "\n".join(lines).encode(), form)


def told(answer: TestResponse) -> list[dict[str, Any]]:
    """The results of an answer in either format."""
    assert answer.status_code == 200, answer.get_data(as_text=True)
    if answer.mimetype == JSON:
        return list(answer.get_json())
    return [json.loads(line) for line in answer.get_data(as_text=True).splitlines()]


def words(results: Sequence[dict[str, Any]]) -> list[str]:
    return [each.get("code", each["status"]) for each in results]


def some_events(wallet: Wallet, count: int = 3) -> list[dict[str, Any]]:
    return [a_body(wallet.customer_id, id=unique("call")) for _ in range(count)]


@pytest.fixture
def reseller() -> Tenant:
    return a_priced_reseller()


@pytest.fixture
def wallet(reseller: Tenant) -> Wallet:
    return a_wallet(5_000, reseller=reseller)


@pytest.fixture
def caller(app: Flask, reseller: Tenant) -> Caller:
    return a_caller(app, reseller)


@FORMATS
def test_every_event_is_charged_and_answered_in_its_order(
    caller: Caller, wallet: Wallet, form: str
) -> None:
    events = some_events(wallet)

    answer = post(caller, events, form)

    results = told(answer)
    assert answer.mimetype == form
    assert [each["index"] for each in results] == [0, 1, 2]
    assert [each["id"] for each in results] == [each["id"] for each in events]
    assert words(results) == ["charged"] * 3
    assert [each["charge"]["balance"]["minor"] for each in results] == [4_900, 4_800, 4_700]
    assert funds_of(wallet) == 4_700


def test_a_charge_of_a_batch_looks_like_that_of_a_single_event(
    caller: Caller, wallet: Wallet
) -> None:
    (event,) = some_events(wallet, 1)

    (result,) = told(post(caller, [event]))

    assert result == {
        "index": 0,
        "id": event["id"],
        "status": "charged",
        "charge": caller.post("/api/v2/usage", event).get_json(),
    }


@FORMATS
def test_c3_the_same_batch_again_is_answered_the_same_and_charged_once(
    caller: Caller, wallet: Wallet, form: str
) -> None:
    events = some_events(wallet)
    first = told(post(caller, events, form))

    again = told(post(caller, [*events, events[0]], form))

    assert words(again) == ["repeated"] * 4
    assert [each["charge"] for each in again[:3]] == [each["charge"] for each in first]
    assert funds_of(wallet) == 4_700


@FORMATS
def test_a_refused_event_leaves_the_others_alone(caller: Caller, wallet: Wallet, form: str) -> None:
    good, bad = some_events(wallet, 2)
    later = (now() + timedelta(hours=1)).isoformat()
    events = [
        good,
        {**good, "quantity": "101"},
        {**bad, "occurred_at": later},
        {**bad, "meter": "smoke_signals"},
        {**bad, "quantity": "-1", "colour": "red"},
        {**bad, "customer_id": str(a_wallet(5_000).customer_id)},
        {**bad, "quantity": "5001"},
        a_line_body("line:nobody"),
        a_line_body(a_line(wallet), id="by-line"),
        7,
        bad,
    ]

    results = told(post(caller, events, form))

    assert words(results) == [
        "charged", "billing.event_id_reused", "billing.future_usage", "pricing.no_price",
        "billing.malformed_usage", "billing.customer_not_found", "billing.insufficient_funds",
        "billing.unknown_subject", "charged", "billing.malformed_usage", "charged",
    ]  # fmt: skip
    refused = [each for each in results if each["status"] == "refused"]
    assert all(each["detail"] and "charge" not in each for each in refused)
    assert [each["code"] for each in refused if each["retry"]] == ["billing.insufficient_funds"]
    assert [each["field"] for each in results[4]["errors"]] == ["quantity", "colour"]
    assert (results[6]["required"], results[6]["available"]) == (5_001, 4_900)
    assert results[9]["id"] is None
    assert funds_of(wallet) == 4_700


def test_what_was_refused_for_want_of_money_is_charged_after_a_top_up(
    caller: Caller, reseller: Tenant
) -> None:
    wallet = a_wallet(500, reseller=reseller)
    events = [a_body(wallet.customer_id, id=f"call-{each}", quantity="400") for each in range(2)]
    first = told(post(caller, events))
    a_settled_top_up(wallet, 1_000)

    again = told(post(caller, events))

    assert words(first) == ["charged", "billing.insufficient_funds"]
    assert words(again) == ["repeated", "charged"]
    assert funds_of(wallet) == 700


@pytest.mark.parametrize(
    "line", ["{broken", "nonsense", "[" * 50_000, "{} {}", '{"quantity": NaN}', "1" * 5_000, '"x"']
)
def test_a_line_that_is_no_event_is_refused_alone(
    caller: Caller, wallet: Wallet, line: str
) -> None:
    first, last = some_events(wallet, 2)

    results = told(post(caller, [first, line, last]))

    assert words(results) == ["charged", "billing.malformed_usage", "charged"]
    assert (results[1]["index"], results[1]["id"]) == (1, None)
    assert funds_of(wallet) == 4_800


@pytest.mark.parametrize("offset", ["-16:00", "-23:59", "+23:59"])
def test_an_event_with_a_far_offset_is_charged_among_its_neighbours(
    caller: Caller, wallet: Wallet, offset: str
) -> None:
    good, line = some_events(wallet, 1), a_line(wallet)
    then = f"2026-01-05T00:00:00{offset}"
    far = [a_line_body(line, id="1", occurred_at=then), {**good[0], "id": "2", "occurred_at": then}]

    results = told(post(caller, [*good, *far, a_line_body(line, id="3")]))

    assert words(results) == ["charged"] * 4
    assert [caller.post("/api/v2/usage", each).status_code for each in far] == [200, 200]
    assert funds_of(wallet) == 4_600


@FORMATS
@pytest.mark.parametrize("strange", [{"id": "\ud800"}, {"id": "ok", "\ud800": 1}, {"id": "\x00"}])
def test_half_a_letter_in_an_event_is_refused_and_all_others_are_answered(
    caller: Caller, wallet: Wallet, form: str, strange: dict[str, object]
) -> None:
    first, last = some_events(wallet, 2)

    results = told(post(caller, [first, strange, last], form))

    assert words(results) == ["charged", "billing.malformed_usage", "charged"]
    assert results[1]["id"] in {None, "ok"}
    assert caller.post("/api/v2/usage", strange).status_code == 422
    assert funds_of(wallet) == 4_800


def test_empty_lines_do_not_count_and_lines_may_end_as_on_windows(
    caller: Caller, wallet: Wallet
) -> None:
    first, last = (json.dumps(each) for each in some_events(wallet, 2))

    answer = caller.send(BATCH, f"\r\n{first}\r\n\n  \n{last}\r\n".encode(), NDJSON)

    assert [(each["index"], each["status"]) for each in told(answer)] == [
        (0, "charged"),
        (1, "charged"),
    ]


def test_bytes_that_are_no_text_are_refused_alone(caller: Caller, wallet: Wallet) -> None:
    (event,) = some_events(wallet, 1)

    answer = caller.send(BATCH, b'{"id": "\xff"}\n' + json.dumps(event).encode(), NDJSON)

    assert words(told(answer)) == ["billing.malformed_usage", "charged"]


@pytest.mark.parametrize(
    "body",
    ["", "{}", "7", "[", "[{}", "[{},]", "[{} {}]", "[]]", "[1,2] 3", "[{broken}]", "[NaN]",
     "[" * 100_000, "\ufeff[]"],
)  # fmt: skip
def test_an_array_that_cannot_be_read_to_its_end_is_refused_whole(
    caller: Caller, wallet: Wallet, body: str
) -> None:
    refused = caller.send(BATCH, body.encode(), JSON)

    assert (refused.status_code, refused.get_json()["code"]) == (422, "api.batch_unreadable")


def test_of_an_array_that_breaks_off_nothing_is_charged(caller: Caller, wallet: Wallet) -> None:
    whole = json.dumps(some_events(wallet, 2)).encode()

    refused = caller.send(BATCH, whole[:-1], JSON)

    assert refused.status_code == 422
    assert funds_of(wallet) == 5_000


def test_an_array_of_bytes_that_are_no_text_is_refused(caller: Caller) -> None:
    refused = caller.send(BATCH, b'["\xff"]', JSON)

    assert (refused.status_code, refused.get_json()["code"]) == (422, "api.batch_unreadable")


@pytest.mark.parametrize(("form", "body"), [(NDJSON, b""), (JSON, b" [ ] \n")])
def test_no_events_are_answered_with_no_results(caller: Caller, form: str, body: bytes) -> None:
    assert told(caller.send(BATCH, body, form)) == []


@FORMATS
def test_more_events_than_ten_thousand_are_refused_whole(
    caller: Caller, wallet: Wallet, form: str
) -> None:
    refused = post(caller, [*some_events(wallet, 1), *([7] * 10_000)], form)

    problem = refused.get_json()
    assert (refused.status_code, problem["code"]) == (413, "api.batch_too_large")
    assert (problem["events"], problem["bytes"]) == (10_000, MOST_BYTES)
    assert funds_of(wallet) == 5_000


@FORMATS
def test_more_bytes_than_four_million_are_refused_whole(
    caller: Caller, wallet: Wallet, form: str
) -> None:
    (event,) = some_events(wallet, 1)

    refused = post(caller, [event, " " * MOST_BYTES], form)

    assert (refused.status_code, refused.get_json()["code"]) == (413, "api.batch_too_large")
    assert funds_of(wallet) == 5_000


def test_a_batch_may_be_longer_than_other_bodies(caller: Caller, wallet: Wallet) -> None:
    (event,) = some_events(wallet, 1)
    padded = json.dumps(event).encode() + b" " * (3 * 1024 * 1024)

    assert words(told(caller.send(BATCH, padded, NDJSON))) == ["charged"]


@pytest.mark.parametrize("form", ["text/csv", "", "application/x-www-form-urlencoded"])
def test_another_format_is_refused(caller: Caller, wallet: Wallet, form: str) -> None:
    (event,) = some_events(wallet, 1)

    refused = caller.send(BATCH, json.dumps(event).encode(), form)

    assert (refused.status_code, refused.get_json()["code"]) == (422, "api.batch_format")
    assert funds_of(wallet) == 5_000


@FORMATS
def test_the_platforms_meter_posts_for_all_resellers(app: Flask, form: str) -> None:
    a_platform()
    wallets = [a_wallet(5_000) for _ in range(3)]
    events = [
        a_line_body(a_line(wallet), id=unique("call"), quantity="10") for wallet in wallets
    ] + [a_body(wallets[0].customer_id)]

    results = told(post(a_platform_caller(app), events, form))

    assert words(results) == ["charged"] * 3 + ["billing.subject_needed"]
    assert [funds_of(wallet) for wallet in wallets] == [4_990] * 3


def test_a_detail_is_told_in_the_language_of_the_site(caller: Caller) -> None:
    (result,) = told(post(caller, ["nonsense"]))

    assert "errors" in result["detail"]
    assert result["errors"] == [{"field": "body", "reason": "Not a JSON object"}]


@pytest.mark.parametrize(
    ("host", "key", "expected"),
    [
        ("mine", "", (401, "api.key_refused")),
        ("mine", "kk_unknown", (401, "api.key_refused")),
        ("mine", "platform", (401, "api.key_refused")),
        ("mine", "other", (401, "api.key_refused")),
        ("mine", "reading", (403, "identity.api_scope_missing")),
        ("platform", "", (401, "api.platform_key_refused")),
        ("platform", "mine", (401, "api.platform_key_refused")),
        ("platform", "platform reading", (403, "identity.api_scope_missing")),
        ("nobody", "mine", (404, "http.not_found")),
    ],
)
def test_who_may_not_send_batches(
    app: Flask, reseller: Tenant, host: str, key: str, expected: tuple[int, str]
) -> None:
    wallet = a_wallet(5_000, reseller=reseller)
    keys = {
        "mine": an_api_key(reseller)[1],
        "reading": an_api_key(reseller, scopes=["balance:read"])[1],
        "other": an_api_key(a_reseller())[1],
        "platform": a_platform_key()[1],
        "platform reading": a_platform_key(scopes=["balance:read"])[1],
    }
    hosts = {"mine": f"{reseller.slug}.{PLATFORM_DOMAIN}", "platform": PLATFORM_DOMAIN}
    stranger = Caller(app, hosts.get(host, "nobody.example"), keys.get(key, key))

    refused = post(stranger, [*some_events(wallet, 1), a_line_body(a_line(wallet))])

    assert (refused.status_code, refused.get_json()["code"]) == expected
    assert funds_of(wallet) == 5_000


def test_a_batch_is_only_ever_sent(caller: Caller) -> None:
    assert caller.get(BATCH).status_code == 405


def test_the_document_describes_body_and_results(caller: Caller) -> None:
    document = caller.get("/api/v2/openapi.json").get_json()

    batch = document["paths"][BATCH]["post"]
    assert set(batch["requestBody"]["content"]) == {NDJSON, JSON}
    assert batch["requestBody"]["content"][JSON]["schema"]["maxItems"] == 10_000
    assert set(batch["responses"]["200"]["content"]) == {NDJSON, JSON}
    assert {"UsageBody", "EventAnswer", "ChargeAnswer"} <= set(document["components"]["schemas"])
    body = document["components"]["schemas"]["UsageBody"]
    assert {"id", "customer_id", "subject"} <= set(body["properties"])
    assert len(body["oneOf"]) == 2
