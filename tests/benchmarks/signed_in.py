"""Cookies of people who are signed in, made as the application makes them."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import structlog
from flask import Flask, session

from app.edge import BrowserSession
from app.factory import close_app, create_app
from app.settings import Settings
from tests.benchmarks.figures import BrokenMeasurementError
from tests.benchmarks.loading import ProductWallet
from tests.benchmarks.stage import connect_to, public_port


@contextmanager
def application(settings: Settings, *, themes: Path | None = None) -> Iterator[Flask]:
    """The web application inside this process, whose database connections it takes over."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    app = create_app(settings, themes=themes)
    try:
        yield app
    finally:
        close_app(app)
        connect_to(settings)


def cookies(app: Flask, settings: Settings, wallets: Sequence[ProductWallet]) -> list[str]:
    """Return the cookie of each wallet's user, `name=value`."""
    return [_cookie(app, settings, wallet) for wallet in wallets]


def base_url(settings: Settings, wallet: ProductWallet) -> str:
    """Return the address of the wallet's site."""
    return f"http://{wallet.reseller.host}:{public_port(settings)}"


def _cookie(app: Flask, settings: Settings, wallet: ProductWallet) -> str:
    with app.test_request_context("/portal/", base_url=base_url(settings, wallet)):
        kept = cast("BrowserSession", session)
        kept.begin(wallet.token)
        answer = app.make_response("")
        app.session_interface.save_session(app, kept, answer)
    cookie = answer.headers.get("Set-Cookie", "").partition(";")[0]
    if not cookie:
        raise BrokenMeasurementError("the application sent no cookie")
    return cookie
