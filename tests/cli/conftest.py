import pytest
from click.testing import CliRunner, Result

from app.cli import main
from app.embedded import RedisServer
from app.kernel import connect
from app.kernel import db as kernel_db
from tests.conftest import Database


class Operator:
    """Somebody at a terminal, with the settings of the tests' own database."""

    def __init__(self, environment: dict[str, str | None]) -> None:
        self.environment = environment

    def runs(self, *arguments: str, types: str = "", **changed: str | None) -> Result:
        """Run a command; `types` is its standard input, `changed` its environment."""
        # A command connects this process anew; what comes after it wants the tests' own engines.
        before = kernel_db._process.engines, kernel_db._process.after_emit
        try:
            return CliRunner().invoke(
                main, arguments, input=types, env={**self.environment, **changed}
            )
        finally:
            connect(before[0], after_emit=before[1])


@pytest.fixture
def operator(connected: Database, redis_server: RedisServer) -> Operator:
    return Operator(
        {
            "KONTOR_MODE": "demo",
            "DATABASE_URL": connected.application_url,
            "DATABASE_PLATFORM_URL": connected.platform_url,
            "DATABASE_OWNER_URL": connected.owner_url,
            "REDIS_URL": redis_server.url,
            "COLUMNS": "200",
        }
    )
