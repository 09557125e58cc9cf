"""The web app with its live balance, and customers whose browsers are signed in there."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from flask import Flask
from werkzeug.test import TestResponse

from app.embedded import RedisServer
from app.integrations.redis_live import RedisLive, connect_redis
from app.tenancy import Tenant
from app.web.live import EXTENSION, Live
from app.web.live_hub import LiveHub
from app.web.live_stream import StreamTimes
from tests.apps import PLATFORM_DOMAIN, Browser, running_app, settings_of_tests
from tests.conftest import Database
from tests.factories import a_customer, a_customer_user, a_reseller
from tests.worker.wallets import LedgerWallet, a_wallet_of


@dataclass
class LiveSite:
    app: Flask
    publisher: RedisLive

    @property
    def hub(self) -> LiveHub:
        live: Live = self.app.extensions[EXTENSION]
        return live.hub

    def tell(self, wallet: LedgerWallet, version: int, minor: int) -> None:
        """Publish what the worker would."""
        data: dict[str, object] = {"version": version, "posted": minor, "held": 0}
        self.publisher.publish(
            wallet.channel,
            event_id=str(version),
            kind="balance",
            data={**data, "available": minor, "currency": "EUR"},
        )


@dataclass
class Visitor:
    """A customer's browser on its reseller's site."""

    browser: Browser
    wallet: LedgerWallet

    def get(self, path: str, **headers: str) -> TestResponse:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.browser.get(path, headers=sent, buffered=False)


@contextmanager
def a_live_site(
    database: Database, redis: RedisServer, times: StreamTimes | None = None
) -> Iterator[LiveSite]:
    settings = settings_of_tests(
        application_url=database.application_url, platform_url=database.platform_url, redis=redis
    )
    with running_app(settings) as app:
        if times is not None:
            app.extensions[EXTENSION] = replace(app.extensions[EXTENSION], times=times)
        yield LiveSite(app, RedisLive(connect_redis(redis.url)))


def a_visitor(site: LiveSite, reseller: Tenant | None = None) -> Visitor:
    """Somebody signed in on the reseller's site, with an empty wallet."""
    reseller = reseller or a_reseller()
    customer = a_customer(reseller)
    browser = Browser(site.app, f"{reseller.slug}.{PLATFORM_DOMAIN}")
    browser.sign_in(a_customer_user(customer).email)
    return Visitor(browser, a_wallet_of(customer))
