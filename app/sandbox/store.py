"""The sandbox's state: one SQLite file, one writer at a time.

Every request is one transaction under one lock, so that objects, events and the saved answer of an
idempotency key stand or fall together, also when the process is killed.
"""

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.sandbox.errors import InvalidRequestError, ResourceMissingError
from app.sandbox.json_types import Json

_SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    created INTEGER NOT NULL,
    body TEXT NOT NULL,
    private TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS objects_kind ON objects (kind, seq);
CREATE INDEX IF NOT EXISTS objects_intent ON objects (kind, json_extract(body, '$.payment_intent'));
CREATE INDEX IF NOT EXISTS objects_customer ON objects (kind, json_extract(body, '$.customer'));
CREATE INDEX IF NOT EXISTS objects_email ON objects (kind, json_extract(body, '$.email'));
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS timers (object_id TEXT PRIMARY KEY, due_at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS timers_due ON timers (due_at);
CREATE TABLE IF NOT EXISTS keys (
    key TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    request_id TEXT NOT NULL,
    created REAL NOT NULL,
    status INTEGER,
    body TEXT
);
CREATE TABLE IF NOT EXISTS faults (id TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    event TEXT NOT NULL,
    type TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    state TEXT NOT NULL,
    due_at REAL NOT NULL,
    position INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    note TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (endpoint, state, due_at);
CREATE INDEX IF NOT EXISTS deliveries_event ON deliveries (event);
CREATE TABLE IF NOT EXISTS attempts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    delivery INTEGER NOT NULL,
    at REAL NOT NULL,
    status INTEGER,
    answer TEXT NOT NULL,
    seconds REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS attempts_delivery ON attempts (delivery);
CREATE TABLE IF NOT EXISTS mails (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at REAL NOT NULL,
    sender TEXT NOT NULL,
    recipient TEXT NOT NULL,
    raw BLOB NOT NULL
);
"""

_NOUNS = {"payment_method": "PaymentMethod"}

Argument = str | int | float | bytes | None


@dataclass(frozen=True)
class Caller:
    """Which API request a change is made for; a hosted page has none."""

    request_id: str | None = None
    idempotency_key: str | None = None


class Transaction:
    """Reads and writes of one piece of work; commits when its `with` block ends well."""

    def __init__(
        self, connection: sqlite3.Connection, now: float, public_url: str, caller: Caller
    ) -> None:
        self.connection = connection
        self.now = now
        self.public_url = public_url
        self.caller = caller
        self.wakes_courier = False

    @property
    def timestamp(self) -> int:
        """The virtual time in whole seconds."""
        return int(self.now)

    def rows(self, sql: str, *arguments: Argument) -> list[sqlite3.Row]:
        """Run one statement and return its rows."""
        return self.connection.execute(sql, arguments).fetchall()

    def run(self, sql: str, *arguments: Argument) -> int:
        """Run one statement and return how many rows it changed."""
        return self.connection.execute(sql, arguments).rowcount

    def save(self, thing: Json, private: Json | None = None) -> Json:
        """Insert or replace an object; `private` is what Stripe would keep to itself."""
        self.run(
            "INSERT INTO objects (id, kind, created, body, private) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET body = excluded.body,"
            " private = CASE WHEN ? THEN excluded.private ELSE private END",
            thing["id"],
            thing["object"],
            thing.get("created", self.timestamp),
            json.dumps(thing),
            json.dumps(private or {}),
            private is not None,
        )
        return thing

    def find(self, kind: str, object_id: str) -> Json | None:
        """Return the object, or None."""
        found = self.rows("SELECT body FROM objects WHERE id = ? AND kind = ?", object_id, kind)
        return dict(json.loads(found[0]["body"])) if found else None

    def get(self, kind: str, object_id: str) -> Json:
        """Return the object named in a path; refuse what does not exist."""
        thing = self.find(kind, object_id)
        if thing is None:
            raise ResourceMissingError(
                _absence(kind, object_id), code="resource_missing", param="id"
            )
        return thing

    def referred(self, kind: str, object_id: str, param: str) -> Json:
        """Return the object a parameter refers to; refuse what does not exist."""
        thing = self.find(kind, object_id)
        if thing is None:
            raise InvalidRequestError(
                _absence(kind, object_id), code="resource_missing", param=param
            )
        return thing

    def private(self, object_id: str) -> Json:
        """Return what was kept about an object besides its public face."""
        found = self.rows("SELECT private FROM objects WHERE id = ?", object_id)
        return dict(json.loads(found[0]["private"])) if found else {}

    def remove(self, object_id: str) -> None:
        """Forget an object."""
        self.run("DELETE FROM objects WHERE id = ?", object_id)

    def where(self, kind: str, field: str, value: str) -> list[Json]:
        """Return the objects whose top-level `field` is `value`, oldest first."""
        found = self.rows(
            # `field` is a literal of ours, never input; written into the text it meets the index.
            f"SELECT body FROM objects WHERE kind = ? AND json_extract(body, '$.{field}') = ?"  # noqa: S608
            " ORDER BY seq",
            kind,
            value,
        )
        return [dict(json.loads(row["body"])) for row in found]

    def all(self, kind: str, limit: int = -1) -> list[Json]:
        """Return the objects of a kind, newest first."""
        found = self.rows(
            "SELECT body FROM objects WHERE kind = ? ORDER BY seq DESC LIMIT ?", kind, limit
        )
        return [dict(json.loads(row["body"])) for row in found]

    def setting(self, name: str) -> str | None:
        """Return a setting of the sandbox itself."""
        found = self.rows("SELECT value FROM settings WHERE name = ?", name)
        return str(found[0]["value"]) if found else None

    def set_setting(self, name: str, value: str) -> None:
        """Keep a setting of the sandbox itself."""
        self.run("INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)", name, value)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo what happens inside if it raises."""
        self.run("SAVEPOINT inner")
        try:
            yield
        except BaseException:
            self.run("ROLLBACK TO inner")
            raise
        finally:
            self.run("RELEASE inner")


def _absence(kind: str, object_id: str) -> str:
    return f"No such {_NOUNS.get(kind, kind)}: '{object_id}'"


class Store:
    """Opens transactions on the file, one after the other."""

    def __init__(
        self, path: Path, public_url: str, wall_clock: Callable[[], float] = time.time
    ) -> None:
        self.public_url = public_url
        self.wall_clock = wall_clock
        self.on_delivery: list[Callable[[], None]] = []
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._connection.executescript(
            f"PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; {_SCHEMA}"
        )

    @contextmanager
    def transaction(self, caller: Caller = Caller()) -> Iterator[Transaction]:
        """Commit what happens inside, or undo all of it if it raises."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                offset = self._connection.execute(
                    "SELECT value FROM settings WHERE name = 'clock_offset'"
                ).fetchone()
                now = self.wall_clock() + (float(offset["value"]) if offset else 0.0)
                transaction = Transaction(self._connection, now, self.public_url, caller)
                yield transaction
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")
        if transaction.wakes_courier:
            for wake in self.on_delivery:
                wake()

    def close(self) -> None:
        """Close the file once the last transaction has ended."""
        with self._lock:
            self._connection.close()
