"""What every answer says to the browser: trust this host alone (rules R20, R22, R24)."""

import secrets
from typing import cast

from flask import Flask, Response, g, session

from app.edge.browser_sessions import TOKEN_KEY
from app.edge.site_guard import site_or_none

_CONSTANT = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}
_HSTS = "max-age=31536000"


def guard_browsers(
    app: Flask, *, platform_domain: str, is_secure: bool, checkout_origin: str
) -> None:
    """Add the security and caching headers to every answer of the app."""

    def add(response: Response) -> Response:
        if g.get("may_stand_in_own_pages"):
            response.headers["X-Frame-Options"] = "SAMEORIGIN"
        for name, value in _CONSTANT.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Content-Security-Policy", _policy(checkout_origin))
        if is_secure and _is_ours(platform_domain):
            response.headers["Strict-Transport-Security"] = _HSTS
        _limit_caching(response)
        return response

    app.after_request(add)


def let_own_pages_frame() -> None:
    """Let pages of this very site show this answer in a frame; everybody else still may not."""
    g.may_stand_in_own_pages = True


def csp_nonce() -> str:
    """Return the nonce of this answer: only scripts that carry it run."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    return cast("str", g.csp_nonce)


def _policy(checkout_origin: str) -> str:
    # `strict-dynamic`: a script is trusted for its nonce, never for where it lies, so an uploaded
    # file on this host cannot run. `form-action` names the checkout because browsers apply it to
    # the redirect that follows a form. No `*.platform`: neighbours are strangers (rule R22).
    nonce = csp_nonce()
    frames = "'self'" if g.get("may_stand_in_own_pages") else "'none'"
    return "; ".join(
        (
            "default-src 'self'",
            f"script-src 'nonce-{nonce}' 'strict-dynamic'",
            f"style-src 'self' 'nonce-{nonce}'",
            "img-src 'self' data:",
            f"form-action 'self' {checkout_origin}".rstrip(),
            f"frame-ancestors {frames}",
            # A worker has no nonce: it is the site's own, from the one address that makes it.
            "worker-src 'self'",
            "base-uri 'none'",
            "object-src 'none'",
        )
    )


def _is_ours(platform_domain: str) -> bool:
    # A custom domain may leave us; whoever has it then must be free of our promise (rule R24).
    site = site_or_none()
    return site is not None and f".{site.host}".endswith(f".{platform_domain}")


def _limit_caching(response: Response) -> None:
    is_page = response.mimetype == "text/html"
    if is_page:
        response.vary.update(("Host", "Cookie", "Accept-Language"))
    if response.mimetype == "text/event-stream":
        return
    if session.get(TOKEN_KEY):
        response.headers.setdefault("Cache-Control", "private, no-store")
    elif is_page:
        response.headers.setdefault("Cache-Control", "private, no-cache")
