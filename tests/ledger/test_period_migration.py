"""Books that are older than the months they are counted by (migration 0011)."""

import re
import subprocess

import psycopg
import pytest

from app import ledger
from app.cli import schema_changes
from app.embedded import PostgresServer
from app.kernel import transaction
from app.ledger.models import PeriodRollUp, Seal
from app.tenancy import PlatformScope
from tests.conftest import Database
from tests.factories.books import a_book, roll_up, spend
from tests.factories.databases import a_database_of_its_own, connected_to

SCOPE = PlatformScope()
BEFORE = "0010"
_RANDOM = re.compile(r"^\\(un)?restrict .*$", re.MULTILINE)


def dump(cluster: PostgresServer, database: Database) -> str:
    printed = subprocess.run(
        [cluster.binaries / "pg_dump", "--schema-only", database.owner_url],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return _RANDOM.sub("", printed)


@pytest.mark.parametrize("limit", [0, 3, 100])
def test_what_was_rolled_up_before_is_counted_by_months_afterwards(
    cluster: PostgresServer, connected: Database, limit: int
) -> None:
    with a_database_of_its_own(cluster) as database:
        with connected_to(database):
            book = a_book()
            wallet = book.wallet(1_000)
            for minor in (100, 20, 3, 5):
                spend(book, wallet, minor)
            with transaction(book.scope) as session:
                ledger.roll_up(session, book.id, limit=limit)
        schema_changes.downgrade(database.owner_url, BEFORE)

        schema_changes.upgrade(database.owner_url)

        with connected_to(database), transaction(SCOPE) as session:
            broken = [check.name for check in ledger.verify(session, SCOPE) if check.broken]
        with psycopg.connect(database.owner_url) as owner:
            counted = owner.execute("SELECT count(*) FROM ledger_period_rollups").fetchone()
        assert broken == []
        assert counted is not None
        assert (counted[0] > 0) is (limit > 0)


def test_after_two_ways_back_roll_ups_count_months_and_seal_as_before(
    cluster: PostgresServer, connected: Database
) -> None:
    with a_database_of_its_own(cluster) as database, connected_to(database):
        book = a_book()
        wallet = book.wallet(1_000)
        for minor in (100, 20, 3, 5):
            spend(book, wallet, minor)
        roll_up(book.id, 2)

        for _ in range(2):
            schema_changes.downgrade(database.owner_url, BEFORE)
            schema_changes.upgrade(database.owner_url)
            spend(book, wallet, 7)
            roll_up(book.id, 2)

        with transaction(SCOPE) as session:
            broken = [check.name for check in ledger.verify(session, SCOPE) if check.broken]
            sealed = [(seal.n, seal.entries) for seal in session.query(Seal).order_by(Seal.n)]
            counted = session.query(PeriodRollUp).count()
        assert broken == []
        # What was counted before the last way up is one seal, what came after it another.
        assert sealed == [(1, 4), (2, 2)]
        assert counted > 0


def test_the_way_back_leaves_the_schema_as_it_was(
    cluster: PostgresServer, connected: Database
) -> None:
    with a_database_of_its_own(cluster) as database:
        schema_changes.downgrade(database.owner_url, BEFORE)
        before = dump(cluster, database)
        schema_changes.downgrade(database.owner_url, "base")
        schema_changes.upgrade(database.owner_url, BEFORE)

        assert dump(cluster, database) == before
