"""The worker writes expired holds down and tells open pages; no charge depends on it."""

from uuid import UUID

import psycopg
import pytest

from app.worker.tasks import expire_holds
from tests.conftest import Database
from tests.factories.holds import a_hold, let_hold_expire
from tests.factories.money import a_wallet
from tests.worker.test_jobs import PORTS

pytestmark = pytest.mark.usefixtures("connected")


def stored(hold_id: UUID, reseller_id: UUID, database: Database) -> tuple[str, int, int]:
    """The hold's written state, what its wallet holds back, and how often pages were told."""
    with psycopg.connect(database.owner_url) as owner:
        row = owner.execute(
            "SELECT h.state, b.held, (SELECT count(*) FROM outbox o"
            "  WHERE o.reseller_id = %(reseller)s AND o.kind = 'balance_changed')"
            " FROM ledger_holds h JOIN ledger_balances b USING (book_id, account_id)"
            " WHERE h.id = %(hold)s",
            {"reseller": reseller_id, "hold": hold_id},
        ).fetchone()
    assert row is not None
    return str(row[0]), int(row[1]), int(row[2])


def test_expired_holds_are_written_down_once_and_told(connected: Database) -> None:
    wallet = a_wallet(1_000)
    over, living = a_hold(wallet, 300).id, a_hold(wallet, 200).id
    told = stored(over, wallet.reseller_id, connected)[2]
    let_hold_expire(over, connected)

    expire_holds(PORTS)
    expire_holds(PORTS)

    assert stored(over, wallet.reseller_id, connected) == ("expired", 200, told + 1)
    assert stored(living, wallet.reseller_id, connected) == ("open", 200, told + 1)
