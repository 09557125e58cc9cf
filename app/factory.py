"""Composition root: settings -> adapters -> `Ports` -> Flask app. Wiring happens here alone."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from flask_openapi3.models.info import Info
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Engine

from app import api, edge, web
from app.edge import Allowance, EdgeOptions, SiteApp
from app.integrations.domain_keys import DkimKeys
from app.integrations.head_file import HeadFile
from app.integrations.redis_live import LIVE_PREFIX, RedisBell, RedisLive, connect_redis
from app.integrations.secret_box import SealedBox
from app.integrations.smtp_transport import NoTransport, SmtpTransport
from app.integrations.stripe_gateway import StripeGateway
from app.kernel import SignIn, connect, driver_url, make_engine, now
from app.ledger import HeadLog
from app.notifications import ChannelName, EmailChannel, MailTransport, Post
from app.onboarding import SignUpTerms
from app.ports import Ports
from app.schema import metadata
from app.settings import Settings
from app.web.live_hub import LiveHub

_ROOT = Path(__file__).parents[1]
THEMES = _ROOT / "themes"
STRIPE_CHECKOUT = "https://checkout.stripe.com"
_PLATFORM_BIND = "platform"
_HUB = "kontor.hub"
_MAXIMUM_BODY = 2 * 1024 * 1024
# A request that holds a connection may, rarely, need a second one: a brand that was just forgotten.
_SPARE_CONNECTIONS = 2
_POOL_SECONDS = 10
_CONNECT_SECONDS = 5


class Database(SQLAlchemy):
    """Flask-SQLAlchemy with the kernel's engines: their BEGIN belongs to `transaction`."""

    def _make_engine(
        self,
        bind_key: str | None,  # noqa: ARG002 - Flask-SQLAlchemy's hook
        options: dict[str, Any],
        app: Flask,  # noqa: ARG002 - same
    ) -> Engine:
        return make_engine(**options)


def make_ports(settings: Settings) -> Ports:
    """Return the adapters that the settings ask for; none of them connects yet."""
    redis_url = settings.redis_url.get_secret_value()
    return Ports(
        gateway=StripeGateway(
            secret_key=settings.stripe_secret_key.get_secret_value(),
            webhook_secret=settings.stripe_webhook_secret.get_secret_value(),
            api_base=settings.stripe_api_base,
        ),
        live=RedisLive(connect_redis(redis_url)),
        bell=RedisBell(redis_url),
        heads=make_head_log(settings),
        secrets=SealedBox(settings.secret_key.get_secret_value()),
        post=make_post(settings),
        clock=now,
    )


def make_post(settings: Settings, transport: MailTransport | None = None) -> Post:
    """Return what messages need of the outside; `transport` replaces the mail server, for tests."""
    secret = settings.secret_key.get_secret_value()
    keys = DkimKeys(secret)
    mail_from = settings.mail_from or f"no-reply@{settings.platform_domain}"
    url = settings.smtp_url.get_secret_value()
    email = EmailChannel(
        transport=transport or (SmtpTransport(url) if url else NoTransport()),
        keys=keys,
        mail_from=mail_from,
        bounce_address=settings.bounce_address,
        clock=now,
    )
    return Post(
        channels={ChannelName.EMAIL: email},
        words=web.words_of,
        keys=keys,
        platform_domain=settings.platform_domain,
        mail_domain=mail_from.rpartition("@")[2],
        address=settings.address,
        secret=secret,
    )


def make_head_log(settings: Settings) -> HeadLog:
    """Return where the heads of the books are written outside the database."""
    return HeadFile(settings.head_file)


def create_app(
    settings: Settings, ports: Ports | None = None, *, themes: Path | None = None
) -> Flask:
    """Return the web app; `ports` replaces the adapters, `themes` the folder of the themes."""
    given = ports or make_ports(settings)
    app = SiteApp(
        "app.web",
        info=Info(title="API", version="2"),
        security_schemes={"api_key": {"type": "http", "scheme": "bearer"}},
        doc_ui=False,
    )
    app.config["MAX_CONTENT_LENGTH"] = _MAXIMUM_BODY
    _connect_database(app, settings, given)
    # The edge comes before any page: its hooks run in the order in which they were added.
    edge.install(app, _edge_options(settings, themes or THEMES), given, pages=web.PAGES)
    hub = LiveHub(connect_redis(settings.redis_url.get_secret_value()), prefix=LIVE_PREFIX)
    app.extensions[_HUB] = hub
    web.register(app, hub=hub, clock=given.clock)
    api.register(app)
    # Last: it reads what all blueprints declared.
    edge.seal(app)
    return app


def close_app(app: Flask) -> None:
    """End what the app does in the background and close its connections."""
    app.extensions[_HUB].close()
    app.extensions[_HUB].client.close()
    edge.edge_of(app).close()
    with app.app_context():
        for engine in app.extensions["sqlalchemy"].engines.values():
            engine.dispose()


def _connect_database(app: Flask, settings: Settings, ports: Ports) -> None:
    """Make one engine per sign-in and give them to the kernel, which opens all transactions."""
    app.config["SQLALCHEMY_DATABASE_URI"] = driver_url(settings.database_url.get_secret_value())
    platform_url = driver_url(settings.database_platform_url.get_secret_value())
    app.config["SQLALCHEMY_BINDS"] = {_PLATFORM_BIND: platform_url}
    database = Database(
        metadata=metadata,
        engine_options={
            "pool_size": settings.database_pool_size,
            "max_overflow": _SPARE_CONNECTIONS,
            "pool_timeout": _POOL_SECONDS,
            "connect_args": {"connect_timeout": _CONNECT_SECONDS},
        },
    )
    database.init_app(app)
    with app.app_context():
        engines = {
            SignIn.APPLICATION: database.engines[None],
            SignIn.PLATFORM: database.engines[_PLATFORM_BIND],
        }
    connect(engines, after_emit=ports.bell.ring)


def _edge_options(settings: Settings, themes: Path) -> EdgeOptions:
    return EdgeOptions(
        platform_domain=settings.platform_domain,
        public_port=settings.public_port,
        secret_key=settings.secret_key.get_secret_value(),
        is_secure=settings.secure,
        session_lifetime=timedelta(hours=settings.session_hours),
        trusted_proxies=settings.trusted_proxies,
        redis_url=settings.redis_url.get_secret_value(),
        checkout_origin=_checkout_origin(settings),
        metrics_token=settings.metrics_token.get_secret_value(),
        themes=themes,
        allowances={
            Allowance.SIGN_IN: settings.rate_limit_sign_in,
            Allowance.BILLING: settings.rate_limit_billing,
            Allowance.WEBHOOK: settings.rate_limit_webhook,
            Allowance.API: settings.rate_limit_api,
            Allowance.SIGN_UP: settings.rate_limit_sign_up,
            Allowance.NAME_CHECK: settings.rate_limit_name_check,
        },
        sign_up=make_sign_up_terms(settings),
    )


def make_sign_up_terms(settings: Settings) -> SignUpTerms:
    """Return on which terms somebody may become a reseller."""
    return SignUpTerms(
        plan=settings.sign_up_plan,
        commission=settings.sign_up_commission,
        trial_days=settings.trial_days,
        trial_customers=settings.trial_customers,
        top_up_minor=settings.trial_top_up,
        per_address=settings.sign_ups_per_address,
        per_domain=settings.sign_ups_per_domain,
        terms_url=settings.sign_up_terms_url,
        terms_version=settings.sign_up_terms_version,
        data_processing_url=settings.sign_up_data_processing_url,
        data_processing_version=settings.sign_up_data_processing_version,
    )


def _checkout_origin(settings: Settings) -> str:
    """Return where the hosted payment pages are: the only foreign host a form may lead to."""
    if not settings.sandboxed:
        return STRIPE_CHECKOUT
    parts = urlsplit(settings.stripe_api_base)
    return f"{parts.scheme}://{parts.netloc}"
