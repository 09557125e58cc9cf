"""The site of the current request, and the scope of everything done for it."""

from typing import cast

from flask import Flask, g, request
from werkzeug.exceptions import BadRequest, NotFound

from app.edge.site_app import resolution_of
from app.tenancy import InvalidHostError, PlatformScope, Site, TenantKind, TenantScope


class NoSiteError(LookupError):
    """A bug: a view asked for a site that it does not have, or for the other kind of site."""


def guard_sites(app: Flask) -> None:
    """Refuse requests to hosts that are nobody's before anything else looks at them."""
    app.before_request(_require_site)


def current_site() -> Site:
    """Return the site the request's host stands for; a view that exists without one may not ask."""
    site = site_or_none()
    if site is None:
        raise NoSiteError(request.endpoint)
    return site


def site_or_none() -> Site | None:
    """Return the site the request's host stands for, None where it stands for nobody."""
    return cast("Site | None", g.get("site"))


def current_scope() -> TenantScope:
    """Return the scope of the reseller whose site this is; there is none on the platform's."""
    site = current_site()
    if site.kind is not TenantKind.RESELLER:
        raise NoSiteError(request.endpoint)
    return TenantScope(site.tenant_id)


def is_platform_site() -> bool:
    """Return whether the request's host is the platform's own; there must be a site."""
    return current_site().kind is TenantKind.PLATFORM


def current_platform_scope() -> PlatformScope:
    """Return the scope of the platform on its own site; there is none on a reseller's."""
    if not is_platform_site():
        raise NoSiteError(request.endpoint)
    return PlatformScope()


def _require_site() -> None:
    resolution = resolution_of(request.environ)
    if isinstance(resolution.trouble, InvalidHostError):
        raise BadRequest
    if resolution.trouble is not None:
        raise resolution.trouble
    if resolution.site is None and resolution.is_needed:
        raise NotFound
    g.site = resolution.site
