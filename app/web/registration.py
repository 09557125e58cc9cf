from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from flask import Flask

from app.web import brand, formats, forms, health, install, legal, live, navigation, sign_in
from app.web.customer import charges as customer_charges
from app.web.customer import overview as customer
from app.web.customer import settings, top_ups
from app.web.live_hub import LiveHub
from app.web.platform import api_keys, months, plans, resellers, wallets
from app.web.platform import overview as platform
from app.web.platform import themes as platform_themes
from app.web.reseller import (
    balance,
    brand_preview,
    charges,
    commissions,
    customers,
    prices,
    sub_resellers,
)
from app.web.reseller import brand as brand_editor
from app.web.reseller import overview as reseller

# Templates, static files and translations.
PAGES = Path(__file__).parent

_SITES = (
    health.bp,
    brand.bp,
    install.bp,
    legal.bp,
    sign_in.reseller_sites,
    sign_in.platform_site,
)
_CUSTOMER = (customer.bp, customer_charges.bp, top_ups.bp, settings.bp)
_RESELLER = (
    reseller.bp,
    customers.bp,
    charges.bp,
    prices.bp,
    commissions.bp,
    sub_resellers.bp,
    balance.bp,
    brand_editor.bp,
    brand_preview.bp,
)
_PLATFORM = (
    platform.bp, plans.bp, resellers.bp, wallets.bp, months.bp, api_keys.bp, platform_themes.bp,
)  # fmt: skip


def register(app: Flask, *, hub: LiveHub, clock: Callable[[], datetime]) -> None:
    """Add every page to the app; `hub` hears the balances that move."""
    formats.register(app, clock=clock)
    forms.register(app)
    for blueprint in (*_SITES, *_CUSTOMER, *_RESELLER, *_PLATFORM):
        app.register_blueprint(blueprint)
    live.register(app, hub)
    # After the edge, whose pages know of no navigation.
    navigation.register(app)
