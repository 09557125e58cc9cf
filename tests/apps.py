"""The web app as `create_app` makes it, on the test run's PostgreSQL and Redis.

A folder of tests that needs it writes into its conftest: `from tests.apps import app, make_app`.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.embedded import RedisServer
from app.factory import close_app, create_app
from app.kernel import connect, db
from app.ports import Ports
from app.settings import Settings
from tests.conftest import Database
from tests.factories import PASSWORD
from tests.fakes import fake_ports

PLATFORM_DOMAIN = "kontor.test"
SECRET_KEY = "k3y-0f-th3-t3sts-w1th-en0ugh-d1ff3rent-characters"


def settings_of_tests(
    *, application_url: str, platform_url: str, redis: RedisServer, **changes: object
) -> Settings:
    """Settings as in production (https, __Host- cookies) with generous rate limits."""
    values: dict[str, Any] = {
        "platform_domain": PLATFORM_DOMAIN,
        "secret_key": SECRET_KEY,
        "database_url": application_url,
        "database_platform_url": platform_url,
        "redis_url": redis.url,
        "rate_limit_sign_in": "1000 per minute",
        "rate_limit_billing": "1000 per minute",
        **changes,
    }
    return Settings(**values)


@contextmanager
def running_app(settings: Settings, ports: Ports | None = None) -> Iterator[Flask]:
    """An app, whose engines the kernel uses until the end; then those of before."""
    engines, after_emit = db._process.engines, db._process.after_emit
    app = create_app(settings, ports or fake_ports())
    yield app
    close_app(app)
    connect(engines, after_emit=after_emit)


@dataclass
class Browser:
    """A person's browser: cookies, one host at a time, forms with their hidden token."""

    app: Flask
    host: str
    scheme: str = "https"
    client: FlaskClient = field(init=False)

    def __post_init__(self) -> None:
        self.client = self.app.test_client()

    @property
    def base_url(self) -> str:
        return f"{self.scheme}://{self.host}"

    def get(self, path: str, **options: Any) -> TestResponse:  # noqa: ANN401 - Werkzeug's
        return self.client.get(path, base_url=self.base_url, **options)

    def post(
        self,
        path: str,
        form: Mapping[str, object] | None = None,
        *,
        form_on: str = "",
        **options: Any,  # noqa: ANN401 - Werkzeug's
    ) -> TestResponse:
        """Send a form with the token of the page `form_on` (default: the same path)."""
        token = self.token(form_on or path)
        headers = {"Origin": self.base_url, **options.pop("headers", {})}
        data = {"csrf_token": token, **(form or {})}
        return self.client.post(path, base_url=self.base_url, data=data, headers=headers, **options)

    def token(self, path: str) -> str:
        """The CSRF token that the form on a page carries; empty where it has none."""
        page = self.get(path).get_data(as_text=True)
        _, found, rest = page.partition('name="csrf_token" value="')
        return rest.partition('"')[0] if found else ""

    def cookies(self) -> dict[str, str]:
        kept = self.client._cookies or {}
        return {each.key: each.value for each in kept.values() if each.domain == self.host}

    def sign_in(
        self, email: str, *, at: str = "/login", password: str = PASSWORD, **form: str
    ) -> TestResponse:
        return self.post(at, {"email": email, "password": password, **form})


@pytest.fixture(scope="session")
def app(connected: Database, redis_server: RedisServer) -> Iterator[Flask]:
    """The web app with fakes for what is outside; `tests.apps.Browser(app, host)` visits it."""
    settings = settings_of_tests(
        application_url=connected.application_url,
        platform_url=connected.platform_url,
        redis=redis_server,
    )
    with running_app(settings) as running:
        yield running


@pytest.fixture
def make_app(connected: Database, redis_server: RedisServer) -> Iterator[Callable[..., Flask]]:
    """Build an app with other settings (`make_app(public_port=8000)`) or ports."""
    with ExitStack() as running:

        def make(ports: Ports | None = None, **changes: object) -> Flask:
            settings = settings_of_tests(
                application_url=connected.application_url,
                platform_url=connected.platform_url,
                redis=redis_server,
                **changes,
            )
            return running.enter_context(running_app(settings, ports))

        yield make
