"""Pages in the brand of the site: which templates, and what every one of them knows."""

from datetime import datetime
from typing import cast

from flask import g, render_template, request

from app.branding import BrandLook
from app.edge.brands import SiteBrand
from app.edge.browser_sessions import realm_of_path
from app.edge.headers import csp_nonce
from app.edge.request_log import request_id
from app.edge.signed_in import ACCOUNT_PATHS, HOME_PATHS, LOGOUT_PATHS, signed_in
from app.edge.site_app import SiteApp
from app.edge.site_guard import NoSiteError, site_or_none
from app.edge.state import current_edge
from app.edge.themes import PLAIN_LAYOUT
from app.identity import Realm, SignedIn
from app.tenancy import TenantKind, TenantState


def dress_pages(app: SiteApp) -> None:
    """Give every template the brand, the layout and who is signed in, and themes their say."""
    app.choose_template = choose_template
    app.context_processor(_known_to_every_page)


def neutral_page(status: int) -> str:
    """Render the page that names nobody."""
    return render_template("errors/neutral.html", status=status)


def current_brand() -> SiteBrand:
    """Return the brand of the current site; a view that exists without a site may not ask."""
    brand = brand_or_none()
    if brand is None:
        raise NoSiteError(request.endpoint)
    return brand


def wear(look: BrandLook) -> None:
    """Let the page of this request wear a look that is not published: templates, theme, colours."""
    g.brand = current_edge().brands.dress(look, is_preview=True)


def brand_or_none() -> SiteBrand | None:
    """Return the brand of the current site; asks no database for a page that reports trouble."""
    site = site_or_none()
    if site is None:
        return None
    brands = current_edge().brands
    if g.get("is_in_trouble"):
        return brands.at_hand(site)
    if "brand" not in g:
        g.brand = brands.find(site)
    return cast("SiteBrand", g.brand)


def choose_template(template: str) -> str:
    """Return the version of a template that the site's theme has (requirement A3)."""
    brand = brand_or_none()
    if brand is None or _is_platform():
        return template
    return current_edge().themes.get(brand.theme).choose(template)


def _is_platform() -> bool:
    site = site_or_none()
    return site is not None and site.kind is TenantKind.PLATFORM


def _known_to_every_page() -> dict[str, object]:
    brand, realm = brand_or_none(), realm_of_path(request.path)
    is_themed = brand is not None and not _is_platform()
    user = None if brand is None or g.get("is_in_trouble") else signed_in()
    return {
        "brand": brand,
        "layout": brand.layout if brand and is_themed else PLAIN_LAYOUT,
        "site_nav": None,
        "user": user,
        "trial_ends_at": _trial_ends_at(user),
        "request_id": request_id(),
        "csp_nonce": csp_nonce,
        "home_url": _home(realm),
        "logout_url": LOGOUT_PATHS[realm],
        "account_url": ACCOUNT_PATHS[realm],
    }


def _trial_ends_at(user: SignedIn | None) -> datetime | None:
    """Return when the site's trial ends, for its staff alone: customers need not know of it."""
    site = site_or_none()
    if site is None or user is None or user.realm is not Realm.STAFF:
        return None
    return site.trial_ends_at if site.state is TenantState.TRIAL else None


def _home(realm: Realm) -> str:
    """Return where a page's own start page is: the platform's front page, or a portal."""
    if _is_platform() and realm is not Realm.PLATFORM:
        return "/"
    return HOME_PATHS[realm]
