from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from flask import Flask

from app.web import (
    brand,
    customer,
    formats,
    health,
    live,
    navigation,
    platform,
    reseller,
    sign_in,
    top_ups,
)
from app.web.live_hub import LiveHub

# Templates, static files and translations.
PAGES = Path(__file__).parent

_BLUEPRINTS = (
    health.bp,
    brand.bp,
    sign_in.reseller_sites,
    sign_in.platform_site,
    customer.bp,
    top_ups.bp,
    reseller.bp,
    platform.bp,
)


def register(app: Flask, *, hub: LiveHub, clock: Callable[[], datetime]) -> None:
    """Add every page to the app; `hub` hears the balances that move."""
    formats.register(app, clock=clock)
    for blueprint in _BLUEPRINTS:
        app.register_blueprint(blueprint)
    live.register(app, hub)
    # After the edge, whose pages know of no navigation.
    navigation.register(app)
