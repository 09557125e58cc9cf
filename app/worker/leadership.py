"""One relay at a time in the whole installation."""

from typing import Any

import psycopg
import structlog

_log = structlog.get_logger(__name__)

# Both ends notice a machine that vanished within seconds, not hours, and the lock comes free.
_CLIENT_SIDE: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
_SERVER_SIDE = (
    b"SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3"
)
_TAKE = b"SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"


class Leadership:
    """A session's advisory lock on a connection of its own: who dies has let go of it."""

    def __init__(self, database_url: str, name: str) -> None:
        self._url = database_url
        self._name = name
        self._connection: psycopg.Connection | None = None
        self._held = False

    def is_held(self) -> bool:
        """True if this process leads, now; takes the lead where nobody has it.

        Asks the database each time: a lock whose connection broke belongs to somebody else.
        """
        try:
            connection = self._connected()
            if self._held:
                connection.execute(b"SELECT 1")
            else:
                row = connection.execute(_TAKE, [self._name]).fetchone()
                self._held = bool(row and row[0])
                if self._held:
                    _log.info("leadership_taken", name=self._name)
        except psycopg.OperationalError as error:
            _log.warning("leadership_unknown", name=self._name, error=type(error).__name__)
            self.give_up()
        return self._held

    def give_up(self) -> None:
        """Let go; another process may lead at once."""
        self._held = False
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self) -> psycopg.Connection:
        if self._connection is None:
            self._connection = psycopg.connect(
                self._url,
                autocommit=True,
                application_name=f"kontor {self._name}",
                **_CLIENT_SIDE,
            )
            self._connection.execute(_SERVER_SIDE)
        return self._connection
