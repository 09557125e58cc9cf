import pytest

from tests.conftest import Database
from tests.factories.databases import own_database

__all__ = ["own_database"]


@pytest.fixture
def owner_url(connected: Database) -> str:
    return connected.owner_url
