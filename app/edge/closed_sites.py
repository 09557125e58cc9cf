"""The site of a reseller that is suspended or was refused: visitors meet a page that says so.

Its brand stays, so that its customers know where they are; its staff signs in and reads why.
Payments that are under way still come in: what was paid is credited.
"""

from flask import Flask, Response, current_app, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from app.edge.browser_sessions import realm_of_path
from app.edge.callers import is_machine
from app.edge.declarations import declaration_of
from app.edge.errors import SiteClosedError
from app.edge.signed_in import LOGIN_PATHS, signed_in
from app.edge.site_guard import site_or_none
from app.identity import Realm

STANDING_PATH = "/reseller/standing"
# What staff needs to come in, to leave, and to read why.
_OPEN = ("/reseller/login", "/reseller/logout", "/reseller/password", STANDING_PATH)
_RETRY_SECONDS = "3600"


def close_sites(app: Flask) -> None:
    """Turn visitors of closed sites away, after it is known who is signed in."""
    app.before_request(_turn_away)


def _turn_away() -> ResponseReturnValue | None:
    site = site_or_none()
    if site is None or not site.is_closed or _is_open():
        return None
    if is_machine():
        raise SiteClosedError
    if realm_of_path(request.path) is Realm.STAFF:
        return redirect(STANDING_PATH if signed_in() else LOGIN_PATHS[Realm.STAFF], 303)
    return _closed()


def _closed() -> Response:
    answer = make_response(render_template("closed.html"), 503)
    answer.headers["Retry-After"] = _RETRY_SECONDS
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _is_open() -> bool:
    if request.endpoint == "static" or request.path.startswith(_OPEN):
        return True
    declaration = declaration_of(current_app, request.endpoint)
    return declaration is not None and declaration.is_open_when_closed
