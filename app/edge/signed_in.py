"""Who is signed in here: Flask-Login over sessions bound to realm, tenant and host."""

from functools import partial
from typing import cast
from urllib.parse import quote

from flask import Blueprint, Flask, current_app, redirect, request
from flask_login import LoginManager, UserMixin, current_user
from werkzeug.wrappers import Response

from app.edge.browser_sessions import BrowserSessions, realm_of_path
from app.edge.callers import is_machine
from app.edge.declarations import Where, declare
from app.edge.errors import SignInNeededError
from app.edge.options import Allowance
from app.edge.site_guard import site_or_none
from app.edge.state import current_ports
from app.identity import (
    Realm,
    SignedIn,
    SignInScope,
    find_signed_in,
    is_seen_long_ago,
    note_seen,
)
from app.kernel import transaction
from app.tenancy import PlatformScope, TenantKind, TenantScope

LOGIN_PATHS = {
    Realm.CUSTOMER: "/login",
    Realm.STAFF: "/reseller/login",
    Realm.PLATFORM: "/admin/login",
}
HOME_PATHS = {Realm.CUSTOMER: "/portal/", Realm.STAFF: "/reseller/", Realm.PLATFORM: "/admin/"}
ACCOUNT_PATHS = {
    Realm.CUSTOMER: "/portal/settings/account",
    Realm.STAFF: "/reseller/account",
    Realm.PLATFORM: "/admin/account",
}
LOGOUT_PATHS = {
    Realm.CUSTOMER: "/logout",
    Realm.STAFF: "/reseller/logout",
    Realm.PLATFORM: "/admin/logout",
}


class SiteUser(UserMixin):  # type: ignore[misc] # Flask-Login ships no types
    """What Flask-Login's `current_user` is; the fields are those of `SignedIn`."""

    def __init__(self, signed_in: SignedIn) -> None:
        self.signed_in = signed_in
        self.realm = signed_in.realm
        self.user_id = signed_in.user_id
        self.name = signed_in.name
        self.email = signed_in.email
        self.customer_id = signed_in.customer_id
        self.role = signed_in.role


def find_signed_in_users(app: Flask) -> None:
    """Give the app its login manager."""
    manager = LoginManager()
    # Its own protection binds a session to an address and a browser: phones change both.
    manager.session_protection = None
    manager.user_loader(_load)
    manager.init_app(app, add_context_processor=False)


def signed_in_required(
    blueprint: Blueprint, realm: Realm, *, allowance: Allowance | None = None
) -> None:
    """Let only people of a realm into a blueprint; it exists where that realm signs in.

    Others are sent to the realm's login page and back; a program is told 401. What the blueprint
    hooked before this call runs before the check, which costs a query.
    """
    where = Where.PLATFORM_SITE if realm is Realm.PLATFORM else Where.RESELLER_SITES
    declare(blueprint, where=where, allowance=allowance)
    blueprint.before_request(partial(_require, realm))


def signed_in() -> SignedIn | None:
    """Return who is signed in, in the realm the path belongs to."""
    user = current_user._get_current_object()  # noqa: SLF001 - the proxy's only way to its object
    return user.signed_in if isinstance(user, SiteUser) else None


def signed_in_as(realm: Realm) -> SignedIn | None:
    """Return who is signed in in a realm that is not the path's: for a page that all may see."""
    sessions = cast("BrowserSessions", current_app.session_interface)
    token = sessions.open_realm(request, realm).token
    return None if token is None else _find(realm, token)


def require_signed_in() -> SignedIn:
    """Return who is signed in; refuses a stranger."""
    found = signed_in()
    if found is None:
        raise SignInNeededError
    return found


def sign_in_scope(realm: Realm) -> SignInScope | None:
    """Return the scope in which a realm signs in on this site; None where it does not exist."""
    site = site_or_none()
    if site is None or (realm is Realm.PLATFORM) != (site.kind is TenantKind.PLATFORM):
        return None
    return PlatformScope() if realm is Realm.PLATFORM else TenantScope(site.tenant_id)


def _load(token: str) -> SiteUser | None:
    found = _find(realm_of_path(request.path), token)
    return None if found is None else SiteUser(found)


def _find(realm: Realm, token: str) -> SignedIn | None:
    scope, site = sign_in_scope(realm), site_or_none()
    if scope is None or site is None:
        return None
    now = current_ports().clock()
    with transaction(scope, sole=True) as session:
        found = find_signed_in(session, scope, realm=realm, token=token, host=site.host, now=now)
    if found is None:
        return None
    if is_seen_long_ago(found, now=now):
        with transaction(scope) as session:
            note_seen(session, scope, token=token, now=now)
    return found


def _require(realm: Realm) -> Response | None:
    found = signed_in()
    if found is not None and found.realm is realm:
        return None
    if is_machine():
        raise SignInNeededError
    if request.method != "GET":
        return redirect(LOGIN_PATHS[realm], code=303)
    here = request.full_path.removesuffix("?")
    return redirect(f"{LOGIN_PATHS[realm]}?next={quote(here, safe='/')}")
