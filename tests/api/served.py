"""A real web process, as `kontor web` starts it, on a database of its own; and calls to it."""

from __future__ import annotations

import http.client
import json
import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from app.cli.children import end_children, start_children, wait_until_ready
from app.cli.configuration import child_environment
from app.cli.lifetime import StopRequest
from app.embedded import RedisServer
from app.settings import Mode, Settings
from app.tenancy import Tenant
from tests.benchmarks.stage import DOMAIN, HOST, free_port, public_port, web_plan
from tests.conftest import Database
from tests.factories import an_api_key

READY_SECONDS = 60.0
ANSWER_SECONDS = 30.0


@dataclass(frozen=True)
class Served:
    """A web process that answers on a port."""

    port: int

    @contextmanager
    def caller(self, reseller: Tenant) -> Iterator[WireCaller]:
        """A program with a key of its own and one connection that stays open."""
        scopes = ("usage:write", "balance:read", "holds:write")
        _key, secret = an_api_key(reseller, scopes=scopes)
        connection = http.client.HTTPConnection(HOST, self.port, timeout=ANSWER_SECONDS)
        host = f"{reseller.slug}.{DOMAIN}:{self.port}"
        with closing(connection):
            yield WireCaller(connection, {"Host": host, "Authorization": f"Bearer {secret}"})


@dataclass(frozen=True)
class WireCaller:
    """Calls one site over one connection."""

    connection: http.client.HTTPConnection
    headers: dict[str, str]

    def post(self, path: str, body: object) -> tuple[int, dict[str, Any]]:
        return self._ask("POST", path, json.dumps(body))

    def get(self, path: str) -> tuple[int, dict[str, Any]]:
        return self._ask("GET", path, None)

    def _ask(self, method: str, path: str, body: str | None) -> tuple[int, dict[str, Any]]:
        headers = {**self.headers, "Content-Type": "application/json"}
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        return answer.status, json.loads(answer.read())


@contextmanager
def a_web_process(database: Database, redis: RedisServer, directory: Path) -> Iterator[Served]:
    settings = Settings(
        kontor_mode=Mode.DEMO,
        platform_domain=DOMAIN,
        public_port=free_port(),
        secret_key=SecretStr(secrets.token_urlsafe(48)),
        database_url=SecretStr(database.application_url),
        database_platform_url=SecretStr(database.platform_url),
        database_owner_url=SecretStr(database.owner_url),
        redis_url=SecretStr(redis.url),
        rate_limit_api="100000000 per minute",
    )  # type: ignore[call-arg] # mypy misses Field's positional defaults
    children = start_children(
        [web_plan(settings)], environment=child_environment(settings), directory=directory
    )
    try:
        wait_until_ready(children, StopRequest(), timeout=READY_SECONDS)
        yield Served(public_port(settings))
    finally:
        end_children(children)
