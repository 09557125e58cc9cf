from datetime import timedelta

import psycopg

from app.kernel import new_id
from app.worker.configuration import WorkerConfiguration
from app.worker.registry import tasks
from app.worker.schedule import RESCUE, schedule
from app.worker.tasks import expire_sessions, forget_counterparties
from tests.conftest import Database
from tests.factories import a_customer, a_customer_user, a_reseller
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
