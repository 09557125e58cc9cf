"""The one place that opens and commits transactions.

A transaction is opened for a scope: the scope names the sign-in (the application's, held by
row-level security, or the platform's own) and the tenant whose rows it may see.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol
from uuid import UUID

import psycopg
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session

Row = tuple[Any, ...]


class SignIn(Enum):
    """Which database role a transaction runs as."""

    APPLICATION = "application"
    PLATFORM = "platform"


class Scope(Protocol):
    """What a transaction must know of whom it works for."""

    @property
    def reseller_id(self) -> UUID | None:
        """The tenant whose rows are visible; None for the platform's own sign-in."""

    @property
    def sign_in(self) -> SignIn:
        """The database role to use."""


def _no_relay_to_wake() -> None:
    """Stand in until `connect` names the relay's bell."""


@dataclass
class _Process:
    """What `connect` gave this process."""

    engines: dict[SignIn, Engine] = field(default_factory=dict)
    after_emit: Callable[[], None] = _no_relay_to_wake


_process = _Process()


def make_engine(url: str, **options: Any) -> Engine:  # noqa: ANN401 - passed through
    """Return an engine whose BEGIN is written by `transaction`.

    AUTOCOMMIT keeps the driver from sending a BEGIN of its own: `transaction` sends BEGIN and the
    tenant in one trip. COMMIT and ROLLBACK still go through the driver.
    """
    return create_engine(url, isolation_level="AUTOCOMMIT", **ENGINE_OPTIONS, **options)


ENGINE_OPTIONS: dict[str, Any] = {"pool_use_lifo": True, "pool_pre_ping": False}


def connect(
    engines: dict[SignIn, Engine], *, after_emit: Callable[[], None] = _no_relay_to_wake
) -> None:
    """Give this process its engines; `after_emit` is called after a commit that emitted events."""
    _process.engines = dict(engines)
    _process.after_emit = after_emit


@contextmanager
def transaction(scope: Scope) -> Iterator[Session]:
    """Open a session and a transaction for `scope`; commit at the end, roll back on any error."""
    with Session(_process.engines[scope.sign_in], expire_on_commit=False) as session:
        begin(session, scope)
        yield session
        session.flush()
        _finish(session)
        session.commit()
    if session.info.get("emitted"):
        _process.after_emit()


def begin(session: Session, scope: Scope) -> None:
    """Send BEGIN and the tenant in one trip."""
    # The tenant is a UUID object, so its text cannot carry SQL; SET takes no parameters.
    setting = f"SET LOCAL app.reseller_id = '{scope.reseller_id or ''}'"
    cursor(session).execute(f"BEGIN; {setting}".encode(), prepare=False)


def cursor(session: Session) -> psycopg.Cursor[Row]:
    """Return a driver's cursor inside the session's transaction, for a hot statement."""
    driver = session.connection().connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        raise TypeError(driver)
    return driver.cursor()


def append(session: Session, statement: str, parameters: dict[str, Any]) -> None:
    """Queue an INSERT that nothing in this transaction reads; sent together with COMMIT."""
    session.info.setdefault("appended", []).append((statement, parameters))


def flush_appended(session: Session) -> None:
    """Send what `append` queued, now: for a reader inside the same transaction, and for tests."""
    for statement, parameters in session.info.pop("appended", []):
        cursor(session).execute(statement.encode(), parameters)


def _finish(session: Session) -> None:
    """Send the queued statements and COMMIT in one trip."""
    appended = session.info.pop("appended", [])
    if not appended:
        return
    driver = session.connection().connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        raise TypeError(driver)
    with driver.pipeline(), driver.cursor() as sender:
        for statement, parameters in appended:
            sender.execute(statement.encode(), parameters)
        sender.execute(b"COMMIT", prepare=False)
