"""Sign-in and sign-out of the three realms; each has its page, its cookie, its accounts."""

from typing import cast
from urllib.parse import quote

import structlog
from flask import Blueprint, make_response, redirect, render_template, request, session
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.exceptions import NotFound

from app import identity
from app.edge import (
    HOME_PATHS,
    LOGIN_PATHS,
    LOGOUT_PATHS,
    Allowance,
    BrowserSession,
    Where,
    current_edge,
    current_ports,
    current_site,
    declare,
    keep_browser,
    open_to_acting,
    safe_next,
    sign_in_scope,
    signed_in,
    this_browser,
)
from app.identity import Realm, SignInRefusedError, SignInScope, Stage
from app.kernel import transaction

reseller_sites = Blueprint("sign_in", __name__)
declare(reseller_sites, where=Where.RESELLER_SITES, allowance=Allowance.SIGN_IN)
# Signing out ends a visit.
open_to_acting(reseller_sites, "customer_sign_out")
platform_site = Blueprint("platform_sign_in", __name__)
declare(platform_site, where=Where.PLATFORM_SITE, allowance=Allowance.SIGN_IN)

_TEMPLATES = {
    Realm.CUSTOMER: "customer/login.html",
    Realm.STAFF: "reseller/login.html",
    Realm.PLATFORM: "platform/login.html",
}
CODE_PATHS = {realm: f"{path}/code" for realm, path in LOGIN_PATHS.items()}

log = structlog.get_logger(__name__)


@reseller_sites.get("/")
def customer_home() -> ResponseReturnValue:
    """Send a visitor to the customer's portal: there is no other front page."""
    return redirect(HOME_PATHS[Realm.CUSTOMER])


@reseller_sites.get(LOGIN_PATHS[Realm.CUSTOMER])
def customer_form() -> ResponseReturnValue:
    """Ask a customer who they are."""
    return _ask(Realm.CUSTOMER)


@reseller_sites.post(LOGIN_PATHS[Realm.CUSTOMER])
def customer_sign_in() -> ResponseReturnValue:
    """Let a customer in."""
    return _let_in(Realm.CUSTOMER)


@reseller_sites.post(LOGOUT_PATHS[Realm.CUSTOMER])
def customer_sign_out() -> ResponseReturnValue:
    """Let a customer out."""
    return _let_out(Realm.CUSTOMER)


@reseller_sites.get(LOGIN_PATHS[Realm.STAFF])
def staff_form() -> ResponseReturnValue:
    """Ask a member of the reseller's staff who they are."""
    return _ask(Realm.STAFF)


@reseller_sites.post(LOGIN_PATHS[Realm.STAFF])
def staff_sign_in() -> ResponseReturnValue:
    """Let a member of the reseller's staff in."""
    return _let_in(Realm.STAFF)


@reseller_sites.post(LOGOUT_PATHS[Realm.STAFF])
def staff_sign_out() -> ResponseReturnValue:
    """Let a member of the reseller's staff out."""
    return _let_out(Realm.STAFF)


@platform_site.get(LOGIN_PATHS[Realm.PLATFORM])
def platform_form() -> ResponseReturnValue:
    """Ask an admin of the platform who they are."""
    return _ask(Realm.PLATFORM)


@platform_site.post(LOGIN_PATHS[Realm.PLATFORM])
def platform_sign_in() -> ResponseReturnValue:
    """Let an admin of the platform in."""
    return _let_in(Realm.PLATFORM)


@platform_site.post(LOGOUT_PATHS[Realm.PLATFORM])
def platform_sign_out() -> ResponseReturnValue:
    """Let an admin of the platform out."""
    return _let_out(Realm.PLATFORM)


def _ask(realm: Realm) -> ResponseReturnValue:
    if signed_in() is not None:
        return redirect(destination(realm, request.args.get("next")))
    return login_form(realm, next_url=request.args.get("next", ""))


def _let_in(realm: Realm) -> ResponseReturnValue:
    scope, kept, browser = (
        sign_in_scope_here(realm),
        cast("BrowserSession", session),
        this_browser(),
    )
    now, wanted = current_ports().clock(), request.form.get("next", "")
    try:
        with transaction(scope) as database:
            step = identity.sign_in(
                database,
                scope,
                realm=realm,
                email=request.form.get("email", ""),
                password=request.form.get("password", ""),
                host=current_site().host,
                now=now,
                agent=request.headers.get("User-Agent", ""),
                browser=browser,
                lifetime=current_edge().options.session_lifetime,
            )
            if kept.token is not None:
                identity.sign_out(database, scope, realm=realm, token=kept.token, now=now)
    except SignInRefusedError as refused:
        log.info("sign_in_refused", realm=realm.value)
        return login_form(realm, next_url=wanted, error=_(refused.text)), 401
    if step.stage is not Stage.SIGNED_IN:
        kept.await_second_step(step.token)
        further = quote(safe_next(wanted, otherwise=""), safe="/")
        return redirect(CODE_PATHS[realm] + (f"?next={further}" if further else ""), 303)
    kept.begin(step.token)
    answer = make_response(redirect(destination(realm, wanted), 303))
    keep_browser(answer, browser)
    return answer


def _let_out(realm: Realm) -> ResponseReturnValue:
    scope, kept = sign_in_scope_here(realm), cast("BrowserSession", session)
    if kept.token is not None:
        now = current_ports().clock()
        with transaction(scope) as database:
            identity.sign_out(database, scope, realm=realm, token=kept.token, now=now)
    kept.end()
    return redirect(LOGIN_PATHS[realm], 303)


def login_form(realm: Realm, *, next_url: str, error: str | None = None) -> str:
    """Render the page that asks for address and password, with what was typed."""
    return render_template(
        _TEMPLATES[realm],
        next_url=safe_next(next_url, otherwise=""),
        email=request.form.get("email", ""),
        error=error,
    )


def destination(realm: Realm, wanted: str | None) -> str:
    """Return where a person goes who has signed in: where she wanted to, else home."""
    return safe_next(wanted, otherwise=HOME_PATHS[realm])


def sign_in_scope_here(realm: Realm) -> SignInScope:
    """Return the scope in which a realm signs in on this site; 404 where there is none."""
    scope = sign_in_scope(realm)
    if scope is None:
        raise NotFound
    return scope
