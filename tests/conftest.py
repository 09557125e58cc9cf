"""One PostgreSQL cluster and one Redis for the whole run, started by the product's own launcher.

Tests commit: every test makes tenants of its own, and tenants do not see each other. The same
suite runs on another PostgreSQL with KONTOR_TEST_POSTGRES=/usr/lib/postgresql/15/bin.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from app.cli import schema_changes
from app.embedded import (
    PostgresServer,
    RedisServer,
    delete_postgres,
    start_postgres,
    start_redis,
)
from app.kernel import SignIn, connect, driver_url, make_engine

# A test database may be lost with the machine: speed before durability, here alone.
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
APPLICATION_PASSWORD = "application-password-of-the-tests"
PLATFORM_PASSWORD = "platform-password-of-the-tests"


@dataclass(frozen=True)
class Database:
    """The addresses of one migrated database."""

    owner_url: str
    application_url: str
    platform_url: str


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    binaries = os.environ.get("KONTOR_TEST_POSTGRES")
    directory = tmp_path_factory.mktemp("cluster")
    with start_postgres(
        directory, binaries=Path(binaries) if binaries else None, options=FAST
    ) as server:
        yield server
    delete_postgres(directory)


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with start_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


def make_database(cluster: PostgresServer, name: str) -> Database:
    """Create an empty database with its roles; the caller migrates it."""
    with psycopg.connect(cluster.superuser_url(), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}".encode())
    database = Database(
        cluster.superuser_url(name),
        cluster.url("kontor_app", APPLICATION_PASSWORD, name),
        cluster.url("kontor_platform", PLATFORM_PASSWORD, name),
    )
    schema_changes.make_roles(
        database.owner_url,
        application_url=database.application_url,
        platform_url=database.platform_url,
    )
    return database


@pytest.fixture(scope="session")
def database(cluster: PostgresServer) -> Database:
    made = make_database(cluster, "kontor")
    schema_changes.upgrade(made.owner_url)
    return made


@pytest.fixture(scope="session")
def connected(database: Database) -> Iterator[Database]:
    """Give this process its engines; `transaction(scope)` works from here on."""
    engines = {
        SignIn.APPLICATION: make_engine(driver_url(database.application_url)),
        SignIn.PLATFORM: make_engine(driver_url(database.platform_url)),
    }
    connect(engines)
    yield database
    for engine in engines.values():
        engine.dispose()
