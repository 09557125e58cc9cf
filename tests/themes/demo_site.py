"""The demo's resellers on an app of this process, served to a real browser."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from app.branding import find_brand, save_brand
from app.cli.demo import cast
from app.edge import edge_of
from app.kernel import transaction
from app.tenancy import PlatformScope, TenantScope, get_reseller
from tests.apps import Browser

DOMAIN = "kontor.localhost"
# Fonts come late here, so that whatever moves when they arrive is seen.
FONTS_TAKE = 0.5
CUSTOMER = "alex.meyer@example.com"


@dataclass(frozen=True)
class DemoSite:
    """The demo on a port of this machine."""

    app: Flask
    port: int

    def address(self, host: str) -> str:
        return f"http://{host}:{self.port}"

    def host(self, slug: str) -> str:
        return f"{slug}.{DOMAIN}" if slug else DOMAIN

    def visitor(self, host: str) -> Browser:
        return Browser(self.app, f"{host}:{self.port}", scheme="http")

    def wear(self, slug: str, **look: Any) -> None:  # noqa: ANN401 - the fields of a look
        """Publish another look of a reseller."""
        with transaction(PlatformScope()) as session:
            scope = TenantScope(get_reseller(session, PlatformScope(), slug=slug).id)
        with transaction(scope) as session:
            brand = find_brand(session, scope)
            assert brand is not None
            save_brand(session, scope, look=replace(brand, **look))
        edge_of(self.app).brands.forget(scope.reseller_id)


def brand_of(slug: str) -> cast.Brand:
    """Who plays a reseller in the demo."""
    return next(brand for brand in cast.BRANDS if brand.slug == slug)


@contextmanager
def served(app: Flask, port: int) -> Iterator[None]:
    """Answer requests on a port of the loopback address until the block ends."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Any:  # noqa: ANN401
        if environ["PATH_INFO"].endswith(".woff2"):
            time.sleep(FONTS_TAKE)
        return app(environ, start_response)

    server = make_server("127.0.0.1", port, answer, threaded=True, request_handler=_Quiet)
    server.daemon_threads = True  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, *_: object, **__: object) -> None:
        """Say nothing: the app logs its requests itself."""
