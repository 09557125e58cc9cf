from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from app.embedded import PostgresServer
from tests.conftest import Database
from tests.factories.databases import a_database_of_its_own, connected_to
from tests.worker.relays import Relays


@pytest.fixture(scope="module")
def database(cluster: PostgresServer) -> Iterator[Database]:
    """A database of the module's own: a relay and a worker take whatever waits in theirs."""
    with a_database_of_its_own(cluster) as own:
        yield own


@pytest.fixture(scope="module")
def connected(database: Database) -> Iterator[Database]:
    with connected_to(database):
        yield database


@pytest.fixture
def relays(connected: Database) -> Iterator[Relays]:
    with ExitStack() as stack:
        yield Relays(connected, stack)
