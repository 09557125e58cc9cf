"""The one place that opens and commits transactions.

A transaction is opened for a scope: the scope names the sign-in (the application's, held by
row-level security, or the platform's own) and the tenant whose rows it may see.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol
from uuid import UUID

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, Engine, PoolProxiedConnection, create_engine, event
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


# Parameters are addresses and names: an error that reaches a log must not carry them (M3).
ENGINE_OPTIONS: dict[str, Any] = {
    "pool_use_lifo": True,
    "pool_pre_ping": False,
    "hide_parameters": True,
}


def connect(
    engines: dict[SignIn, Engine], *, after_emit: Callable[[], None] = _no_relay_to_wake
) -> None:
    """Give this process its engines; `after_emit` is called after a commit that emitted events."""
    _process.engines = dict(engines)
    _process.after_emit = after_emit


class LostWorkError(RuntimeError):
    """A statement failed and the error was swallowed: COMMIT would silently roll back."""


class SoleStatementError(RuntimeError):
    """A transaction that promised one statement, and has run it, was asked for another."""


class _Session(Session):
    """A session that sends BEGIN when it is first used, where `transaction` has not sent it."""


@contextmanager
def transaction(scope: Scope, *, sole: bool = False) -> Iterator[Session]:
    """Open a session and a transaction for `scope`; commit at the end, roll back on any error.

    `sole` lets the use case run one statement by `alone`, which is then the whole transaction and
    saves the trips of BEGIN and COMMIT. Whatever else is done first makes it an ordinary one.
    """
    session = _Session(_process.engines[scope.sign_in], expire_on_commit=False)
    try:
        if sole:
            session.info["sole"] = scope
        else:
            begin(session, scope)
        yield session
        session.flush()
        flush_appended(session)
        if "sole" not in session.info:
            _refuse_lost_work(session)
            session.commit()
    finally:
        # One that never began has no connection to give back.
        if "sole" not in session.info:
            session.close()
    if session.info.get("emitted"):
        _process.after_emit()


def alone(session: Session, statement: bytes, parameters: Sequence[Any]) -> Row | None:
    """Run a statement that returns at most one row, as a transaction of its own where it may.

    It may in a `sole` transaction that has not begun; it must then name its tenant itself. If it
    returns no row it has written nothing, and the transaction may go on in the ordinary way.
    """
    if "sole" not in session.info:
        return cursor(session).execute(statement, parameters).fetchone()
    if session.info.get("is_spent"):
        raise SoleStatementError
    bind = session.get_bind()
    if not isinstance(bind, Engine):
        raise TypeError(bind)
    pooled = bind.raw_connection()
    driver = _driver_of(pooled)
    try:
        found: psycopg.Cursor[Row] | None = pooled.info.get("cursor")
        if found is None:
            found = pooled.info["cursor"] = driver.cursor()
        row = found.execute(statement, parameters).fetchone()
    finally:
        if driver.closed:
            # The pool learns of a lost server from SQLAlchemy's own cursors alone.
            pooled.invalidate()
        pooled.close()
    session.info["is_spent"] = row is not None
    return row


def is_sole(session: Session) -> bool:
    """Return whether the session may still run its one statement as a transaction of its own.

    If that fails, nothing was begun and the session may go on in the ordinary way.
    """
    return "sole" in session.info and not session.info.get("is_spent")


def _begin_late(session: Session, _transaction: object, connection: Connection) -> None:
    """Send BEGIN for a `sole` transaction that turns out to need more than one statement."""
    if session.info.get("is_spent"):
        raise SoleStatementError
    scope = session.info.pop("sole", None)
    if scope is not None:
        session.info["cursor"] = _driver_of(connection).cursor()
        begin(session, scope)


event.listen(_Session, "after_begin", _begin_late)


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
        found = session.info["cursor"] = _driver_of(session.connection()).cursor()
    return found


def _driver_of(connection: Connection | PoolProxiedConnection) -> psycopg.Connection[Row]:
    pooled = connection.connection if isinstance(connection, Connection) else connection
    driver = pooled.driver_connection
    if not isinstance(driver, psycopg.Connection):
        raise TypeError(driver)
    return driver


def append(session: Session, statement: str, parameters: dict[str, Any]) -> None:
    """Queue an INSERT that nothing in this transaction reads; it is sent before COMMIT."""
    session.info.setdefault("appended", []).append((statement, parameters))


def flush_appended(session: Session) -> None:
    """Send what `append` queued, now: for a reader inside the same transaction, and for tests."""
    for statement, parameters in session.info.pop("appended", []):
        cursor(session).execute(statement.encode(), parameters)
