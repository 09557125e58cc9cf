"""The cookie by which a browser is known again: a random text, signed, for this host alone.

Nothing about the browser is measured. It says nothing of who signs in; the database keeps, per
person, the hash of both.
"""

import secrets
from hashlib import sha256

from flask import Response, request
from itsdangerous import BadSignature, URLSafeTimedSerializer

from app.edge.browser_sessions import cookie_flags
from app.edge.site_guard import current_site
from app.edge.state import current_edge
from app.identity import BROWSER_LIFETIME

_NAME = "browser"
_BYTES = 16
# As long as browsers keep a cookie at all; every sign-in begins it anew.
_LIFETIME = BROWSER_LIFETIME


def this_browser() -> str:
    """Return the random text of this browser: its own, or a new one for one that has none."""
    cookie = request.cookies.get(_cookie_name())
    if cookie is not None:
        try:
            kept = _signer().loads(cookie, max_age=int(_LIFETIME.total_seconds()))
        except BadSignature:
            kept = None
        if isinstance(kept, str):
            return kept
    return secrets.token_urlsafe(_BYTES)


def keep_browser(response: Response, browser: str) -> None:
    """Let the browser be known again; for an answer that has signed somebody in."""
    is_secure = current_edge().options.is_secure
    response.set_cookie(
        _cookie_name(), _signer().dumps(browser), max_age=_LIFETIME, **cookie_flags(is_secure)
    )


def _cookie_name() -> str:
    return f"__Host-{_NAME}" if current_edge().options.is_secure else _NAME


def _signer() -> URLSafeTimedSerializer:
    site = current_site()
    return URLSafeTimedSerializer(
        current_edge().options.secret_key,
        salt=f"kontor.browser|{site.tenant_id}|{site.host}",
        signer_kwargs={"key_derivation": "hmac", "digest_method": sha256},
    )
