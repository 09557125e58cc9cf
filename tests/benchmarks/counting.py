"""Every statement this process sends, counted at the driver: also those without SQLAlchemy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from app.kernel import SignIn, connect, driver_url, make_engine
from app.settings import Settings
from tests.benchmarks.figures import BrokenMeasurementError
from tests.benchmarks.stage import connect_to

_statements: list[str] = []
_parameters: dict[str, Any] = {}


class CountingCursor(psycopg.Cursor[Any]):
    """A cursor that remembers what it was asked."""

    def execute(self, query: Any, *args: Any, **kwargs: Any) -> CountingCursor:  # noqa: ANN401
        text = query.decode() if isinstance(query, bytes) else str(query)
        _statements.append(text)
        _parameters[text] = args[0] if args else None
        return super().execute(query, *args, **kwargs)


@contextmanager
def counted(settings: Settings) -> Iterator[list[str]]:
    """Connect this process so that it counts; the list grows with every statement."""
    options = {"connect_args": {"cursor_factory": CountingCursor}}
    addresses = {
        SignIn.APPLICATION: settings.database_url,
        SignIn.PLATFORM: settings.database_platform_url,
    }
    engines = {
        sign_in: make_engine(driver_url(address.get_secret_value()), **options)
        for sign_in, address in addresses.items()
    }
    connect(engines)
    _statements.clear()
    try:
        yield _statements
    finally:
        for engine in engines.values():
            engine.dispose()
        connect_to(settings)


def queries(statements: list[str]) -> list[str]:
    """Return the statements without what opens a transaction, and forget them.

    Refuses an empty BEGIN count beside queries: then some of them were not seen.
    """
    asked = [statement for statement in statements if not statement.startswith("BEGIN;")]
    if asked and len(asked) == len(statements):
        raise BrokenMeasurementError("queries were counted, but not the transactions around them")
    statements.clear()
    return asked


def given(statement: str) -> Any:  # noqa: ANN401 - whatever the driver was given
    """Return what a statement was sent with, the last time."""
    return _parameters[statement]
