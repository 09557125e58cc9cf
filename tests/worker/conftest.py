from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.conftest import Database
from tests.worker.relays import Relays


@pytest.fixture
def relays(connected: Database) -> Iterator[Relays]:
    with ExitStack() as stack:
        yield Relays(connected, stack)
