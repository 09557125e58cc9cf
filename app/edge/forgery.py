"""Cross-site request forgery: a token bound to session and host, and the exact origin (R13)."""

from urllib.parse import urlsplit

from flask import Flask, current_app, request
from flask_wtf.csrf import CSRFError, CSRFProtect

from app.edge.declarations import declaration_of
from app.edge.errors import ForeignOriginError
from app.edge.site_guard import site_or_none
from app.tenancy import InvalidHostError, normalise_host

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


def refuse_forgery(app: Flask, *, is_secure: bool) -> None:
    """Refuse unsafe requests without this session's token or from another origin."""
    # The token lives as long as the session; the origin is checked here, not by referrer.
    app.config.update(
        WTF_CSRF_CHECK_DEFAULT=False, WTF_CSRF_TIME_LIMIT=None, WTF_CSRF_SSL_STRICT=False
    )
    protection = CSRFProtect()
    protection.init_app(app)

    def check() -> None:
        declaration = declaration_of(current_app, request.endpoint)
        if request.method in SAFE_METHODS or not request.endpoint:
            return
        if declaration is not None and declaration.is_for_machines:
            return
        _require_own_origin(is_secure=is_secure)
        try:
            protection.protect()
        except CSRFError as refused:
            raise ForeignOriginError from refused

    app.before_request(check)


def _require_own_origin(*, is_secure: bool) -> None:
    # Every browser of today sends Origin with an unsafe request. A program may send neither it
    # nor a referrer: then the token alone decides.
    origin = request.headers.get("Origin") or request.headers.get("Referer")
    if not origin:
        return
    try:
        parts = urlsplit(origin)
        host = normalise_host(parts.hostname or "")
    except (InvalidHostError, ValueError) as invalid:
        raise ForeignOriginError from invalid
    site = site_or_none()
    # The port is not compared: nginx passes $host, which has none (rule R1).
    if site is None or host != site.host or (is_secure and parts.scheme != "https"):
        raise ForeignOriginError
