"""Batches as long as they may be: little memory, and an end to the answer whatever happens."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import text

from app.billing import Wallet
from app.embedded import PostgresServer, RedisServer
from app.kernel import transaction
from app.tenancy import PlatformScope, Tenant
from tests.api.caller import Caller, a_body, a_caller
from tests.apps import running_app, settings_of_tests
from tests.conftest import Database
from tests.factories.broken_locks import refuse_many_at_once
from tests.factories.databases import a_database_of_its_own, connected_to
from tests.factories.money import a_priced_reseller, a_wallet, funds_of

BATCH = "/api/v2/usage/batch"
NDJSON, JSON = "application/x-ndjson", "application/json"
ROOT = Path(__file__).parents[2]
MANY = 10_000
MEBIBYTE = 1024 * 1024
# The size of the chunks in which the API charges.
CHUNK = 500


def some_events(wallets: list[Wallet], count: int) -> list[dict[str, Any]]:
    return [
        a_body(
            wallets[number % len(wallets)].customer_id,
            id=f"call-{number}",
            quantity="1",
            counterparty="+4930123456",
        )
        for number in range(count)
    ]


def entries_of(reseller: Tenant) -> int:
    with transaction(PlatformScope()) as session:
        counted = session.scalar(
            text("SELECT count(*) FROM ledger_entries WHERE book_id = :book AND kind = 'usage'"),
            {"book": reseller.id},
        )
    return int(counted or 0)


@pytest.mark.parametrize("form", [NDJSON, JSON])
def test_ten_thousand_events_in_one_call_take_less_than_64_megabytes(
    app: Flask, connected: Database, redis_server: RedisServer, tmp_path: Path, form: str
) -> None:
    reseller = a_priced_reseller()
    wallets = [a_wallet(5_000, reseller=reseller) for _ in range(20)]
    events = some_events(wallets, MANY)
    lines = "\n".join(json.dumps(each) for each in events)
    file = tmp_path / "batch"
    file.write_text(lines if form == NDJSON else json.dumps(events))
    caller = a_caller(app, reseller)

    said = subprocess.run(
        [
            *(sys.executable, "-m", "tests.api.big_batch"),
            *(connected.application_url, connected.platform_url, redis_server.url),
            *(caller.host, caller.key, str(file), form),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    told = json.loads(said.stdout.splitlines()[-1])
    assert told["charged"] == MANY
    assert told["most"] - told["before"] < 64 * MEBIBYTE
    assert sum(funds_of(wallet) for wallet in wallets) == 20 * 5_000 - MANY
    assert entries_of(reseller) == MANY


@pytest.fixture
def own_app(
    cluster: PostgresServer, connected: Database, redis_server: RedisServer
) -> Iterator[tuple[Flask, Database]]:
    """An app on a database that a test may take away from it."""
    with a_database_of_its_own(cluster) as database, connected_to(database):
        settings = settings_of_tests(
            application_url=database.application_url,
            platform_url=database.platform_url,
            redis=redis_server,
        )
        with running_app(settings) as app:
            yield app, database


def hang_up(database: Database) -> None:
    """End every connection of the app, as a restart of the database does."""
    with psycopg.connect(database.owner_url) as owner:
        owner.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND usename = 'kontor_app'"
        )


def send(caller: Caller, events: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Read the results one by one, as they are sent."""
    body = "\n".join(json.dumps(each) for each in events).encode()
    answer = caller.send(BATCH, body, NDJSON)
    assert answer.status_code == 200
    return (json.loads(line) for line in answer.iter_encoded())


def test_when_the_database_goes_away_every_event_still_has_its_result(
    own_app: tuple[Flask, Database],
) -> None:
    app, database = own_app
    reseller = a_priced_reseller()
    wallet = a_wallet(5_000, reseller=reseller)
    caller, events = a_caller(app, reseller), some_events([wallet], 3 * CHUNK)
    results = send(caller, events)
    told = [next(results) for _ in range(CHUNK)]
    hang_up(database)

    told += results

    assert [each["index"] for each in told] == list(range(3 * CHUNK))
    assert [each["id"] for each in told] == [each["id"] for each in events]
    assert [each["status"] for each in told] == ["charged"] * CHUNK + ["refused"] * 2 * CHUNK
    assert {(each["code"], each["retry"]) for each in told[CHUNK:]} == {
        ("api.batch_interrupted", True)
    }
    assert entries_of(reseller) == CHUNK

    again = [each["status"] for each in send(caller, events)]

    assert again == ["repeated"] * CHUNK + ["charged"] * 2 * CHUNK
    assert funds_of(wallet) == 5_000 - 3 * CHUNK


def test_where_the_database_goes_away_at_once_the_whole_call_is_refused(
    own_app: tuple[Flask, Database],
) -> None:
    app, database = own_app
    reseller = a_priced_reseller()
    wallet = a_wallet(5_000, reseller=reseller)
    events = some_events([wallet], 2)
    # As PostgreSQL says that it is being stopped.
    refuse_many_at_once(database, state="57P01")

    refused = a_caller(app, reseller).send(BATCH, json.dumps(events).encode(), JSON)

    assert refused.status_code == 503
    assert refused.get_json()["code"] == "edge.database_unavailable"
    assert (entries_of(reseller), funds_of(wallet)) == (0, 5_000)


def test_whoever_hangs_up_leaves_the_rest_uncharged_and_may_send_all_again(
    app: Flask,
) -> None:
    reseller = a_priced_reseller()
    wallet = a_wallet(5_000, reseller=reseller)
    caller, events = a_caller(app, reseller), some_events([wallet], 2 * CHUNK)
    body = "\n".join(json.dumps(each) for each in events).encode()
    answer = caller.send(BATCH, body, NDJSON)
    next(iter(answer.iter_encoded()))

    answer.close()

    assert entries_of(reseller) == CHUNK
    again = [each["status"] for each in send(caller, events)]
    assert again == ["repeated"] * CHUNK + ["charged"] * CHUNK
