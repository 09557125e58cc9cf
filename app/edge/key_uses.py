"""When API keys were last used: noted in memory, written down beside the requests (F4)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

import psycopg
import structlog
from sqlalchemy import exc

from app.identity import note_key_uses, note_platform_key_uses
from app.kernel import transaction
from app.tenancy import PlatformScope, TenantScope

KeyScope = TenantScope | PlatformScope

# How long a use may wait before it is written; a page of keys is behind by as much.
FLUSH_SECONDS = 20.0
# Whatever the database answers, and no connection: what escaped would end the background for good.
_OUTAGES = (exc.DBAPIError, exc.TimeoutError, psycopg.Error)

log = structlog.get_logger(__name__)


class KeyUses:
    """Remembers the latest use of each key, and writes it down in the background.

    A request pays for one entry in a dict. The background begins with the first use, in the
    process that serves (never before a fork); a use that was not written when a process is killed
    is lost, and the next one is not.
    """

    THREAD = "key-uses"

    def __init__(self, clock: Callable[[], datetime], *, seconds: float = FLUSH_SECONDS) -> None:
        self._clock = clock
        self._seconds = seconds
        self._noted: dict[tuple[KeyScope, UUID], datetime] = {}
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def note(self, key_id: UUID, *, of: KeyScope) -> None:
        """Remember that a key was used now."""
        self._noted[(of, key_id)] = self._clock()
        if self._thread is None:
            self._start()

    def flush(self) -> None:
        """Write down what was noted; while the database is away it stays noted."""
        noted, self._noted = self._noted, {}
        by_scope: dict[KeyScope, dict[UUID, datetime]] = {}
        for (scope, key_id), at in list(noted.items()):
            by_scope.setdefault(scope, {})[key_id] = at
        for scope, uses in by_scope.items():
            try:
                self._write(scope, uses)
            except _OUTAGES as error:
                log.warning("key_uses_not_written", error=type(error).__name__)
                for key_id, at in uses.items():
                    self._noted.setdefault((scope, key_id), at)

    def close(self) -> None:
        """Stop the background and write down the rest."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        self.flush()

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self.THREAD, daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(self._seconds):
            self.flush()

    def _write(self, scope: KeyScope, uses: dict[UUID, datetime]) -> None:
        if isinstance(scope, PlatformScope):
            with transaction(scope) as session:
                note_platform_key_uses(session, scope, uses=uses)
        else:
            with transaction(scope) as session:
                note_key_uses(session, scope, uses=uses)
