"""Databases of a test's own: cloned from a migrated one, thrown away afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager
from secrets import token_hex

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Engine

from app.cli import schema_changes
from app.embedded import PostgresServer
from app.kernel import SignIn, connect, driver_url, make_engine
from app.kernel import db as kernel_db
from tests.conftest import (
    APPLICATION_PASSWORD,
    PLATFORM_PASSWORD,
    Database,
    make_database,
)

# Nobody ever connects to it but the migration: PostgreSQL copies only an idle database.
_TEMPLATE = "template_of_money"


@contextmanager
def a_database_of_its_own(cluster: PostgresServer) -> Iterator[Database]:
    """Clone the migrated template, so that a test may break what it likes."""
    name = f"own_{token_hex(6)}"
    with psycopg.connect(cluster.superuser_url(), autocommit=True) as admin:
        known = admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [_TEMPLATE])
        if known.fetchone() is None:
            schema_changes.upgrade(make_database(cluster, _TEMPLATE).owner_url)
        admin.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(_TEMPLATE)
            )
        )
        made = Database(
            cluster.superuser_url(name),
            cluster.url("kontor_app", APPLICATION_PASSWORD, name),
            cluster.url("kontor_platform", PLATFORM_PASSWORD, name),
        )
        # A role's search path belongs to one database and is not cloned.
        schema_changes.make_roles(
            made.owner_url, application_url=made.application_url, platform_url=made.platform_url
        )
        yield made
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def connected_to(database: Database, *, crowd: int = 10) -> Iterator[dict[SignIn, Engine]]:
    """Point this process at another database, with a connection for each of a crowd."""
    before = kernel_db._process.engines, kernel_db._process.after_emit
    engines = {
        SignIn.APPLICATION: make_engine(
            driver_url(database.application_url), pool_size=crowd, max_overflow=0
        ),
        SignIn.PLATFORM: make_engine(driver_url(database.platform_url)),
    }
    connect(engines)
    try:
        yield engines
    finally:
        connect(before[0], after_emit=before[1])
        for engine in engines.values():
            engine.dispose()


@pytest.fixture(scope="module")
def own_database(cluster: PostgresServer, connected: Database) -> Iterator[Database]:
    """A database of this module's own, empty at first, and the process connected to it."""
    with a_database_of_its_own(cluster) as database, connected_to(database):
        yield database
