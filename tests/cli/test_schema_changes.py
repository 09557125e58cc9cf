import re
import subprocess
from collections.abc import Iterator
from secrets import token_hex

import psycopg
import pytest

from app.cli import schema_changes
from app.embedded import PostgresServer
from tests.cli.conftest import Operator
from tests.conftest import Database, make_database

# pg_dump writes a random word against prepared attacks on psql (CVE-2025-8714).
_RANDOM = re.compile(r"^\\(un)?restrict .*$", re.MULTILINE)


@pytest.fixture
def empty(cluster: PostgresServer) -> Iterator[Database]:
    name = f"schema_{token_hex(6)}"
    yield make_database(cluster, name)
    with psycopg.connect(cluster.superuser_url(), autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def _dump(cluster: PostgresServer, database: Database) -> str:
    """Return tables, functions, policies and rights as `pg_dump` writes them."""
    printed = subprocess.run(
        [cluster.binaries / "pg_dump", "--schema-only", database.owner_url],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return _RANDOM.sub("", printed)


def test_upgrade_downgrade_upgrade_leaves_the_same_schema(
    cluster: PostgresServer, empty: Database
) -> None:
    schema_changes.upgrade(empty.owner_url)
    first = _dump(cluster, empty)

    schema_changes.downgrade(empty.owner_url, "base")
    between = _dump(cluster, empty)
    schema_changes.upgrade(empty.owner_url)

    assert _dump(cluster, empty) == first
    assert "CREATE POLICY" in first
    assert re.findall(r"CREATE (?:TABLE|FUNCTION|POLICY|TYPE) (\S+)", between) == [
        "public.alembic_version"
    ]


def test_models_and_migrations_do_not_drift(operator: Operator) -> None:
    result = operator.runs("db", "check")

    assert result.exit_code == 0, result.output


def test_a_table_that_no_migration_made_is_drift(operator: Operator, empty: Database) -> None:
    schema_changes.upgrade(empty.owner_url)
    with psycopg.connect(empty.owner_url, autocommit=True) as owner:
        owner.execute("ALTER TABLE customers ADD COLUMN nickname text")

    result = operator.runs("db", "check", DATABASE_OWNER_URL=empty.owner_url)

    assert result.exit_code != 0


def test_the_commands_take_an_empty_database_up_and_back(
    operator: Operator, empty: Database
) -> None:
    owner = empty.owner_url

    up = operator.runs("db", "upgrade", DATABASE_OWNER_URL=owner)
    back = operator.runs("db", "downgrade", "base", "--yes", DATABASE_OWNER_URL=owner)

    assert (up.exit_code, back.exit_code) == (0, 0), up.output + back.output


def test_a_downgrade_asks_first(operator: Operator, empty: Database) -> None:
    schema_changes.upgrade(empty.owner_url)

    result = operator.runs("db", "downgrade", types="n\n", DATABASE_OWNER_URL=empty.owner_url)

    assert result.exit_code == 1
    with psycopg.connect(empty.owner_url) as owner:
        assert owner.execute("SELECT count(*) FROM alembic_version").fetchone() == (1,)


def test_init_makes_roles_that_can_do_nothing_by_themselves(
    operator: Operator, connected: Database
) -> None:
    result = operator.runs("db", "init")

    with psycopg.connect(connected.owner_url) as owner:
        found = owner.execute(
            "SELECT rolname FROM pg_roles WHERE rolname LIKE 'kontor%'"
            " AND NOT rolsuper AND NOT rolbypassrls AND NOT rolinherit AND NOT rolcreaterole"
            " ORDER BY rolname"
        ).fetchall()
    assert result.exit_code == 0
    assert found == [("kontor_app",), ("kontor_ledger",), ("kontor_platform",)]


def test_init_refuses_an_address_of_another_role(operator: Operator) -> None:
    result = operator.runs("db", "init", DATABASE_URL="postgresql://postgres:x@/kontor")

    assert result.exit_code == 2
    assert "must sign in as kontor_app" in result.output
