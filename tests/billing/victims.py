"""Processes that do one deed each and are killed at a statement of it."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import psycopg
from sqlalchemy.orm import configure_mappers

from app.kernel import Scope, SignIn, connect, cursor, driver_url, make_engine, new_id, transaction
from app.tenancy import PlatformScope, TenantScope
from tests.conftest import Database

# A fresh process that has imported all this once; every victim is a fork of it.
_NURSERY = multiprocessing.get_context("forkserver")
_NURSERY.set_forkserver_preload(["tests.billing.victims", "tests.billing.deeds"])
_SECONDS = 30.0
# What every victim would otherwise do anew.
configure_mappers()


@dataclass
class Fate:
    """Counts the statements that are sent, commits among them, and kills us before number `last`.

    A victim that has sent `last` statements dies before its next act or its end.
    """

    last: int | None
    sent: int = 0

    def meet(self) -> None:
        if self.sent == self.last:
            os.kill(os.getpid(), signal.SIGKILL)

    def wrap(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - the driver's own
            self.meet()
            answer = method(*arguments, **options)
            self.sent += 1
            return answer

        return counted


def run_victim(
    database: Database,
    deed: Callable[[], object],
    *,
    statements: int | None = None,
    is_platform: bool = False,
) -> int | None:
    """Do the deed in a process of its own; kill it when it has sent so many statements.

    Return how many it sent, or None where it was killed.
    """
    ear, mouth = _NURSERY.Pipe(duplex=False)
    victim = _NURSERY.Process(target=_live, args=(database, deed, statements, is_platform, mouth))
    victim.start()
    mouth.close()
    victim.join(_SECONDS)
    with ear:
        if victim.exitcode == -signal.SIGKILL:
            return None
        assert victim.exitcode == 0, victim.exitcode
        return int(ear.recv())


def _live(
    database: Database,
    deed: Callable[[], object],
    statements: int | None,
    is_platform: bool,  # noqa: FBT001 - a process takes its arguments in their order
    mouth: Connection,
) -> None:
    connect(
        {
            SignIn.APPLICATION: make_engine(driver_url(database.application_url)),
            SignIn.PLATFORM: make_engine(driver_url(database.platform_url)),
        }
    )
    # What a first connection asks is no part of the deed.
    scopes: list[Scope] = [TenantScope(new_id()), *([PlatformScope()] if is_platform else [])]
    for scope in scopes:
        with transaction(scope) as session:
            cursor(session).execute(b"SELECT 1")
    fate = Fate(statements)
    psycopg.Cursor.execute = fate.wrap(psycopg.Cursor.execute)  # type: ignore[method-assign]
    psycopg.Connection.commit = fate.wrap(psycopg.Connection.commit)  # type: ignore[method-assign]
    deed()
    fate.meet()
    mouth.send(fate.sent)
