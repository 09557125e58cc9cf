"""Pages in the brand of the site: which templates, and what every one of them knows."""

from datetime import datetime
from typing import cast

from flask import g, render_template, request
from jinja2 import TemplateNotFound

from app.branding import BrandLook
from app.edge.brands import SiteBrand
from app.edge.browser_sessions import realm_of_path
from app.edge.headers import csp_nonce
from app.edge.request_log import request_id
from app.edge.signed_in import ACCOUNT_PATHS, HOME_PATHS, LOGOUT_PATHS, signed_in
from app.edge.site_app import SiteApp
from app.edge.site_guard import NoSiteError, site_or_none
from app.edge.state import current_edge
from app.edge.theme_checks import OWN_PARTS, PLATFORM_PAGES
from app.edge.themes import PLAIN_LAYOUT, THEME_FOLDER, Theme
from app.identity import Realm, SignedIn
from app.tenancy import TenantKind, TenantState


def dress_pages(app: SiteApp) -> None:
    """Give every template the brand, the layout and who is signed in, and themes their say."""
    app.choose_template = choose_template
    app.undress = undress
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
    brands = current_edge().brands
    g.brand = brands.dress(look, own_language=look.language, is_preview=True)


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


def choose_template(template: str, asked_by: str = "") -> str:
    """Return the version of a template that the site's theme has (requirement A3).

    What a theme's own template asks for is ours, so it can extend or include the original; its own
    pieces lie in `parts/`. Refuses another theme's templates and, on a reseller's site, the
    platform's pages, whoever asks: a name may come from a variable.
    """
    theme = _theme()
    folder = f"{THEME_FOLDER}{theme.name}/" if theme else None
    if template.startswith(THEME_FOLDER):
        if folder is None or not template.startswith(folder):
            raise TemplateNotFound(template)
        return template
    if theme is None:
        return template
    if template.startswith(PLATFORM_PAGES):
        raise TemplateNotFound(template)
    if asked_by.startswith(THEME_FOLDER) and not template.startswith(OWN_PARTS):
        return template
    return theme.choose(template)


def undress(template: str, error: Exception) -> dict[str, object] | None:
    """Take the theme off this page, because it failed; return what the page must know then.

    None where no theme of templates is worn: then the failure is ours.
    """
    brand, theme = brand_or_none(), _theme()
    if brand is None or theme is None or not theme.templates:
        return None
    g.is_without_theme = True
    current_edge().themes.blame(theme.name, template, error)
    return {"layout": PLAIN_LAYOUT, "brand": brand.without_theme()}


def _theme() -> Theme | None:
    """Return the theme of this page; the platform's site wears none, nor does a page it broke."""
    brand = brand_or_none()
    if brand is None or _is_platform() or g.get("is_without_theme"):
        return None
    return current_edge().themes.get(brand.theme)


def _is_platform() -> bool:
    site = site_or_none()
    return site is not None and site.kind is TenantKind.PLATFORM


def _known_to_every_page() -> dict[str, object]:
    brand, realm = brand_or_none(), realm_of_path(request.path)
    user = None if brand is None or g.get("is_in_trouble") else signed_in()
    theme = _theme()
    return {
        "brand": brand if theme or brand is None else brand.without_theme(),
        "layout": theme.layout if theme else PLAIN_LAYOUT,
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
