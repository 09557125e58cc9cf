"""One demo for all tests of this folder, in a database of its own."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from app.cli.demo.loading import load_demo
from app.cli.demo.records import read_usage
from app.cli.schema_changes import upgrade
from app.embedded import PostgresServer, RedisServer
from app.kernel import now
from tests.apps import running_app, settings_of_tests
from tests.conftest import make_database
from tests.journeys.conftest import chromium
from tests.themes.demo_site import DOMAIN, DemoSite, served

__all__ = ["chromium"]

_PLENTY = "100000 per minute"


@pytest.fixture(scope="package")
def demo(
    cluster: PostgresServer, redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DemoSite]:
    database = make_database(cluster, "demo_of_themes")
    upgrade(database.owner_url)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    settings = settings_of_tests(
        application_url=database.application_url,
        platform_url=database.platform_url,
        redis=redis_server,
        kontor_mode="demo",
        platform_domain=DOMAIN,
        public_port=port,
        rate_limit_sign_in=_PLENTY,
        rate_limit_billing=_PLENTY,
    )
    with running_app(settings) as app:
        load_demo(
            read_usage()[-400:],
            directory=tmp_path_factory.mktemp("demo"),
            platform_domain=DOMAIN,
            now=now(),
            advance=lambda _: None,
        )
        with served(app, port):
            yield DemoSite(app, port)
