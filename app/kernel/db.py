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
from psycopg.pq import TransactionStatus
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


def driver_url(url: str) -> str:
    """Return a libpq address as SQLAlchemy writes it for psycopg 3."""
    return url.replace("postgresql://", "postgresql+psycopg://", 1)


ENGINE_OPTIONS: dict[str, Any] = {"pool_use_lifo": True, "pool_pre_ping": False}


def connect(
    engines: dict[SignIn, Engine], *, after_emit: Callable[[], None] = _no_relay_to_wake
) -> None:
    """Give this process its engines; `after_emit` is called after a commit that emitted events."""
    _process.engines = dict(engines)
    _process.after_emit = after_emit


class LostWorkError(RuntimeError):
    """A statement failed and the error was swallowed: COMMIT would silently roll back."""


@contextmanager
def transaction(scope: Scope) -> Iterator[Session]:
    """Open a session and a transaction for `scope`; commit at the end, roll back on any error."""
    with Session(_process.engines[scope.sign_in], expire_on_commit=False) as session:
        begin(session, scope)
        yield session
        session.flush()
        flush_appended(session)
        _refuse_lost_work(session)
        session.commit()
    if session.info.get("emitted"):
        _process.after_emit()


def _refuse_lost_work(session: Session) -> None:
    # PostgreSQL answers COMMIT of a failed transaction with ROLLBACK, and no error.
    if cursor(session).connection.info.transaction_status is TransactionStatus.INERROR:
        raise LostWorkError


def begin(session: Session, scope: Scope) -> None:
    """Send BEGIN and the tenant in one trip."""
    # The tenant is a UUID object, so its text cannot carry SQL; SET takes no parameters.
    setting = f"SET LOCAL app.reseller_id = '{scope.reseller_id or ''}'"
    cursor(session).execute(f"BEGIN; {setting}".encode(), prepare=False)


def cursor(session: Session) -> psycopg.Cursor[Row]:
    """Return the driver's cursor inside the session's transaction, for a hot statement.

    There is one: read what it found before it is used again.
    """
    found: psycopg.Cursor[Row] | None = session.info.get("cursor")
    if session.in_nested_transaction():
        # SQLAlchemy sends SAVEPOINT when it hands out the connection, not before.
        session.connection()
    if found is None:
        driver = session.connection().connection.driver_connection
        if not isinstance(driver, psycopg.Connection):
            raise TypeError(driver)
        found = session.info["cursor"] = driver.cursor()
    return found


def append(session: Session, statement: str, parameters: dict[str, Any]) -> None:
    """Queue an INSERT that nothing in this transaction reads; it is sent before COMMIT."""
    session.info.setdefault("appended", []).append((statement, parameters))


def flush_appended(session: Session) -> None:
    """Send what `append` queued, now: for a reader inside the same transaction, and for tests."""
    for statement, parameters in session.info.pop("appended", []):
        cursor(session).execute(statement.encode(), parameters)
