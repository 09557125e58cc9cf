from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from flask import Flask

from app.web import (
    account,
    acting,
    brand,
    doors,
    formats,
    forms,
    health,
    install,
    languages,
    legal,
    live,
    message_words,
    navigation,
    registrations,
    rights,
    second_step,
    sign_in,
)
from app.web.customer import charges as customer_charges
from app.web.customer import notifications as customer_notifications
from app.web.customer import overview as customer
from app.web.customer import settings, top_ups
from app.web.live_hub import LiveHub
from app.web.platform import (
    api_keys,
    applications,
    front,
    months,
    plans,
    resellers,
    sign_up,
    team,
    wallets,
)
from app.web.platform import messages as platform_messages
from app.web.platform import overview as platform
from app.web.platform import themes as platform_themes
from app.web.reseller import api_keys as reseller_keys
from app.web.reseller import (
    balance,
    brand_preview,
    charges,
    commissions,
    customers,
    mail,
    messages,
    notifications,
    prices,
    standing,
    sub_resellers,
)
from app.web.reseller import brand as brand_editor
from app.web.reseller import overview as reseller
from app.web.reseller import team as reseller_team

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
_CUSTOMER = (customer.bp, customer_charges.bp, top_ups.bp, settings.bp, customer_notifications.bp)
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
    messages.bp,
    mail.bp,
    notifications.bp,
    reseller_team.bp,
    reseller_keys.bp,
)
_DOORS = (doors.reseller_sites, doors.platform_site, registrations.bp)
_PLATFORM = (
    platform.bp,
    plans.bp,
    resellers.bp,
    wallets.bp,
    months.bp,
    api_keys.bp,
    platform_messages.bp,
    team.bp,
    platform_themes.bp,
)
_IDENTITY = (
    second_step.reseller_sites,
    second_step.platform_site,
    account.customer,
    account.staff,
    account.platform,
    acting.staff,
    acting.customer,
)
_ONBOARDING = (front.bp, sign_up.bp, sign_up.names, applications.bp, standing.bp)


def register(app: Flask, *, hub: LiveHub, clock: Callable[[], datetime]) -> None:
    """Add every page to the app; `hub` hears the balances that move."""
    formats.register(app, clock=clock)
    forms.register(app)
    message_words.register(app)
    pages = (*_SITES, *_DOORS, *_CUSTOMER, *_RESELLER, *_PLATFORM, *_IDENTITY, *_ONBOARDING)
    for blueprint in pages:
        app.register_blueprint(blueprint)
    languages.register(app)
    live.register(app, hub)
    # Its table knows the pages of a reseller's staff.
    rights.register(app)
    doors.register(app)
    # After the edge, whose pages know of no navigation.
    navigation.register(app)
