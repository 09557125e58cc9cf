from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import psycopg
import pytest
from structlog.testing import capture_logs

from app.embedded import PostgresServer
from app.kernel import new_id, now
from app.ports import Ports
from app.worker.configuration import WorkerConfiguration
from app.worker.registry import tasks
from app.worker.schedule import RESCUE, schedule
from app.worker.tasks import (
    charge_fees,
    expire_bonuses,
    expire_sessions,
    export_heads,
    forget_counterparties,
    verify_books,
    verify_new_bookings,
)
from tests.conftest import Database
from tests.factories import a_customer, a_customer_user, a_reseller
from tests.factories.books import roll_up
from tests.factories.credits import a_contract, adjust, figures, lots_of, with_bonus, with_fee
from tests.factories.databases import a_database_of_its_own, connected_to
from tests.factories.money import a_priced_reseller, a_wallet, an_offer, funds_of
from tests.fakes import FakeHeads, fake_ports
from tests.worker.test_jobs import NOW, PORTS


def test_sessions_whose_time_is_over_are_deleted(connected: Database) -> None:
    user = a_customer_user(a_customer(a_reseller()))
    with psycopg.connect(connected.owner_url) as owner:
        for name, expires in (("over", NOW - timedelta(1)), ("valid", NOW + timedelta(1))):
            owner.execute(
                "INSERT INTO user_sessions (reseller_id, id, realm, user_id, host, expires_at)"
                " VALUES (%s, %s, 'customer', %s, 'a.test', %s)",
                [user.reseller_id, name.encode(), user.id, expires],
            )

    expire_sessions(PORTS)

    with psycopg.connect(connected.owner_url) as owner:
        left = owner.execute(
            "SELECT id FROM user_sessions WHERE reseller_id = %s", [user.reseller_id]
        ).fetchall()
    assert left == [(b"valid",)]


def test_numbers_of_third_parties_are_forgotten_after_their_time(connected: Database) -> None:
    reseller = a_reseller()
    with psycopg.connect(connected.owner_url) as owner:
        for number, days in (("+491", 91), ("+492", 89)):
            owner.execute(
                "INSERT INTO usage_records (reseller_id, entry_id, event_id, wallet_id, meter,"
                " price_id, quantity, unit_price, gross_minor, net_minor, tax_minor, occurred_at,"
                " counterparty) VALUES (%s, %s, 'e', %s, 'call', %s, 1, 1, 0, 0, 0, %s, %s)",
                [reseller.id, new_id(), new_id(), new_id(), NOW - timedelta(days), number],
            )

    forget_counterparties(PORTS, days=90)

    with psycopg.connect(connected.owner_url) as owner:
        kept = owner.execute(
            "SELECT counterparty FROM usage_records WHERE reseller_id = %s ORDER BY occurred_at",
            [reseller.id],
        ).fetchall()
    assert kept == [(None,), ("+492",)]


def test_every_occasion_has_its_task() -> None:
    configuration = WorkerConfiguration(database_url="", database_platform_url="")

    planned = {occasion.task for occasion in schedule(configuration)}

    assert planned <= {*tasks(), RESCUE}


@pytest.fixture
def own(cluster: PostgresServer, connected: Database) -> Iterator[Database]:
    with a_database_of_its_own(cluster) as database, connected_to(database):
        yield database


@pytest.mark.parametrize("prove", [verify_books, verify_new_bookings])
def test_a_wallet_whose_money_is_in_doubt_is_frozen_with_an_alarm(
    own: Database, prove: Callable[[Ports], None]
) -> None:
    wallet = a_wallet()
    ports = fake_ports()
    with capture_logs() as quiet:
        prove(ports)
    with psycopg.connect(own.owner_url) as owner:
        owner.execute("UPDATE ledger_balances SET posted = posted + 1")

    with capture_logs() as loud:
        prove(ports)

    assert [line["event"] for line in quiet] == ["books_verified"]
    assert [(line["event"], line["log_level"]) for line in loud] == [("books_broken", "critical")]
    assert loud[0]["frozen_wallets"] == [str(wallet.id)]


def test_heads_are_exported_and_lost_ones_raise_an_alarm(own: Database) -> None:
    wallet = a_wallet()
    roll_up(wallet.reseller_id)
    ports, heads = fake_ports(), FakeHeads()
    ports = replace(ports, heads=heads)
    export_heads(ports)
    written = list(heads.written)
    heads.written.clear()

    with capture_logs() as logs:
        export_heads(ports)

    assert len(written) == 1
    assert [(line["event"], line["code"]) for line in logs] == [
        ("heads_not_exported", "ledger.heads_lost")
    ]
    assert heads.written == []


def test_bonuses_whose_time_is_over_are_expired(connected: Database) -> None:
    reseller = a_priced_reseller(offer=with_bonus(an_offer(), (10_000, 1_000), days=1))
    wallet = a_wallet(10_000, reseller=reseller)

    expire_bonuses(at(now()))
    before = figures(wallet)
    expire_bonuses(at(now() + timedelta(days=1, minutes=1)))

    assert (before, figures(wallet)) == ((10_000, 1_000, 0), (10_000, 0, 0))
    assert [lot.state for lot in lots_of(wallet)] == ["expired"]


def test_fees_are_charged_when_they_are_due_and_tried_again_when_refused(
    connected: Database,
) -> None:
    reseller = a_priced_reseller(offer=with_fee(an_offer()))
    rich, poor = a_wallet(500, reseller=reseller), a_wallet(0, reseller=reseller)
    start = now()
    for wallet in (rich, poor):
        a_contract(wallet, starts_at=start)

    for _ in range(2):
        charge_fees(at(start))
    adjust(poor, 200)
    charge_fees(at(start))

    assert (funds_of(rich), funds_of(poor)) == (500 - 119, 200 - 119)


def at(instant: datetime) -> Ports:
    """The worker's ports at another time."""
    return replace(PORTS, clock=lambda: instant)
