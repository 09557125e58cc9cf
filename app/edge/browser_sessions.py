"""What a browser keeps: one signed cookie per realm, worthless on any other host (R10, R11, R14).

A cookie carries the CSRF secret, messages on their way to the next page and the token of the
session; who is signed in stands in the database alone.
"""

from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any, cast

from flask import Flask, Request, Response, request
from flask.sessions import SessionInterface, SessionMixin
from itsdangerous import BadSignature, URLSafeTimedSerializer
from werkzeug.datastructures import CallbackDict

from app.edge.site_app import resolution_of
from app.identity import Realm
from app.tenancy import Site

# Under this key Flask-Login looks for what its user loader gets: the token of the session.
TOKEN_KEY = "_user_id"  # noqa: S105 - the name of a place
# The token of a sign-in whose password was right and that waits for its second step.
_CHALLENGE_KEY = "_challenge"

_COOKIES = {Realm.CUSTOMER: "session", Realm.STAFF: "staff", Realm.PLATFORM: "admin"}
_PATHS = {"/reseller": Realm.STAFF, "/admin": Realm.PLATFORM}


def realm_of_path(path: str) -> Realm:
    """Return the realm whose cookie counts on a path: three that never meet (requirement A4)."""
    first = "/" + path.lstrip("/").partition("/")[0]
    return _PATHS.get(first, Realm.CUSTOMER)


def cookie_flags(is_secure: bool) -> dict[str, Any]:  # noqa: FBT001 - its only argument
    """Return what every cookie of ours carries (rule R10)."""
    return {"path": "/", "secure": is_secure, "httponly": True, "samesite": "Lax"}


class BrowserSession(CallbackDict[str, Any], SessionMixin):
    """The content of one realm's cookie."""

    modified = False
    accessed = True

    def __init__(self, content: dict[str, Any], realm: Realm) -> None:
        super().__init__(content, _mark_modified)
        self.realm = realm
        self.is_kept = bool(content)

    @property
    def token(self) -> str | None:
        """The token of the signed-in session."""
        return cast("str | None", self.get(TOKEN_KEY))

    @property
    def challenge(self) -> str | None:
        """The token of a sign-in that waits for its second step."""
        return cast("str | None", self.get(_CHALLENGE_KEY))

    def await_second_step(self, challenge: str) -> None:
        """Forget who was signed in; a code is to say who is (rule R12)."""
        self.clear()
        self[_CHALLENGE_KEY] = challenge

    def begin(self, token: str) -> None:
        """Start afresh with a new session's token: nothing from before survives (rule R12)."""
        self.clear()
        self[TOKEN_KEY] = token

    def end(self) -> None:
        """Forget everything."""
        self.clear()


def _mark_modified(session: CallbackDict[str, Any]) -> None:
    cast("BrowserSession", session).modified = True


@dataclass(frozen=True, slots=True)
class BrowserSessions(SessionInterface):
    """Reads and writes the cookie of the realm that the path belongs to."""

    secret_key: str
    is_secure: bool
    lifetime: timedelta

    def open_session(self, app: Flask, asked: Request) -> BrowserSession:  # noqa: ARG002 - Flask's
        """Return the cookie's content; an empty one for no cookie and for somebody else's."""
        return self.open_realm(asked, realm_of_path(asked.path))

    def open_realm(self, asked: Request, realm: Realm) -> BrowserSession:
        """Return the content of a realm's cookie, whatever path was asked for."""
        site = resolution_of(asked.environ).site
        cookie = asked.cookies.get(self._name(realm))
        if site is None or cookie is None:
            return BrowserSession({}, realm)
        try:
            content = self._signer(site, realm).loads(
                cookie, max_age=int(self.lifetime.total_seconds())
            )
        except BadSignature:
            return BrowserSession({}, realm)
        return BrowserSession(content, realm)

    def save_session(
        self,
        app: Flask,  # noqa: ARG002 - Flask's signature
        session: SessionMixin,
        response: Response,
    ) -> None:
        """Send the cookie if its content changed; a visitor who needs none gets none."""
        kept = cast("BrowserSession", session)
        site = resolution_of(request.environ).site
        if not kept.modified or site is None:
            return
        if not kept:
            if kept.is_kept:
                response.delete_cookie(self._name(kept.realm), **cookie_flags(self.is_secure))
            return
        self._send(response, site, kept.realm, dict(kept))

    def plant(self, response: Response, *, realm: Realm, token: str) -> None:
        """Sign a browser in to another realm of this site, with this very answer.

        For a colleague of the reseller's who goes on as one of its customers: no token stands in
        an address, and whoever was signed in there before is not any more (rule R12).
        """
        site = resolution_of(request.environ).site
        if site is None:
            raise LookupError(request.endpoint)
        self._send(response, site, realm, {TOKEN_KEY: token})

    def _send(self, response: Response, site: Site, realm: Realm, content: dict[str, Any]) -> None:
        signed = self._signer(site, realm).dumps(content)
        response.set_cookie(
            self._name(realm), signed, max_age=self.lifetime, **cookie_flags(self.is_secure)
        )

    def _name(self, realm: Realm) -> str:
        # A browser takes a __Host- cookie only with Secure, Path=/ and no Domain, so that a
        # neighbour's subdomain cannot plant one (rule R15). It needs https.
        return f"__Host-{_COOKIES[realm]}" if self.is_secure else _COOKIES[realm]

    def _signer(self, site: Site, realm: Realm) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(
            self.secret_key,
            salt=f"kontor.session|{realm.value}|{site.tenant_id}|{site.host}",
            signer_kwargs={"key_derivation": "hmac", "digest_method": sha256},
        )
