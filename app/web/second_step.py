"""The second step of a sign-in in all three realms: a code, or setting an app up to get one."""

from __future__ import annotations

from typing import cast
from urllib.parse import quote

import structlog
from flask import Blueprint, Response, make_response, redirect, render_template, request, session
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app import identity
from app.edge import (
    LOGIN_PATHS,
    STATUS,
    Allowance,
    BrowserSession,
    Where,
    current_brand,
    current_edge,
    current_ports,
    current_site,
    declare,
    keep_browser,
    safe_next,
    this_browser,
)
from app.identity import ChallengeOverError, Realm, SecondStep, Stage
from app.kernel import AppError, transaction
from app.web.app_codes import AppKey, app_key
from app.web.sign_in import CODE_PATHS, destination, login_form, sign_in_scope_here

reseller_sites = Blueprint("second_step", __name__)
declare(reseller_sites, where=Where.RESELLER_SITES, allowance=Allowance.SIGN_IN)
platform_site = Blueprint("platform_second_step", __name__)
declare(platform_site, where=Where.PLATFORM_SITE, allowance=Allowance.SIGN_IN)

log = structlog.get_logger(__name__)


@reseller_sites.get(CODE_PATHS[Realm.CUSTOMER])
def customer_code() -> ResponseReturnValue:
    """Ask a customer for the code of her app."""
    return _ask(Realm.CUSTOMER)


@reseller_sites.post(CODE_PATHS[Realm.CUSTOMER])
def customer_answer() -> ResponseReturnValue:
    """Let a customer in by her code."""
    return _answer(Realm.CUSTOMER)


@reseller_sites.get(CODE_PATHS[Realm.STAFF])
def staff_code() -> ResponseReturnValue:
    """Ask a member of the staff for the code of the app, or to set one up."""
    return _ask(Realm.STAFF)


@reseller_sites.post(CODE_PATHS[Realm.STAFF])
def staff_answer() -> ResponseReturnValue:
    """Let a member of the staff in by the code."""
    return _answer(Realm.STAFF)


@platform_site.get(CODE_PATHS[Realm.PLATFORM])
def platform_code() -> ResponseReturnValue:
    """Ask an admin for the code of the app, or to set one up."""
    return _ask(Realm.PLATFORM)


@platform_site.post(CODE_PATHS[Realm.PLATFORM])
def platform_answer() -> ResponseReturnValue:
    """Let an admin in by the code."""
    return _answer(Realm.PLATFORM)


def _ask(realm: Realm, refused: AppError | None = None) -> ResponseReturnValue:
    """Ask for what the waiting sign-in needs; without one, for the password again."""
    scope, kept = sign_in_scope_here(realm), cast("BrowserSession", session)
    wanted = safe_next(request.values.get("next"), otherwise="")
    if kept.challenge is None:
        return redirect(LOGIN_PATHS[realm] + (f"?next={quote(wanted, safe='/')}" if wanted else ""))
    with transaction(scope) as database:
        stage = identity.challenge_stage(
            database,
            scope,
            realm=realm,
            token=kept.challenge,
            host=current_site().host,
            now=current_ports().clock(),
        )
    if stage is None:
        return _over(realm, wanted)
    try:
        key = _key_to_set_up(realm, kept.challenge) if stage is Stage.SETUP else None
    except ChallengeOverError:
        return _over(realm, wanted)
    page = render_template(
        "second_step.html",
        key=key,
        next_url=wanted,
        login_url=LOGIN_PATHS[realm],
        error=_(refused.text) if refused else None,
    )
    answer = _unkept(page)
    if refused is not None:
        answer.status_code = STATUS[refused.kind].value
    return answer


def _answer(realm: Realm) -> ResponseReturnValue:
    scope, kept, browser = (
        sign_in_scope_here(realm),
        cast("BrowserSession", session),
        this_browser(),
    )
    if kept.challenge is None:
        return _ask(realm)
    with transaction(scope) as database:
        step = identity.answer_challenge(
            database,
            scope,
            realm=realm,
            token=kept.challenge,
            host=current_site().host,
            code=request.form.get("code", ""),
            box=current_ports().secrets,
            now=current_ports().clock(),
            agent=request.headers.get("User-Agent", ""),
            browser=browser,
            lifetime=current_edge().options.session_lifetime,
        )
    if step.token is None:
        log.info("second_step_refused", realm=realm.value, code=step.refusal and step.refusal.code)
        if isinstance(step.refusal, ChallengeOverError):
            return _over(realm, request.form.get("next", ""))
        return _ask(realm, step.refusal)
    kept.begin(step.token)
    answer = _welcome(realm, step)
    keep_browser(answer, browser)
    return answer


def _welcome(realm: Realm, step: SecondStep) -> Response:
    """Let a person go on; whoever has just set an app up sees her recovery codes first."""
    onward = destination(realm, request.form.get("next"))
    if step.codes:
        page = render_template("recovery_codes.html", codes=step.codes, next_url=onward)
        return _unkept(page)
    return make_response(redirect(onward, 303))


def _over(realm: Realm, wanted: str) -> ResponseReturnValue:
    """Ask for the password again and say why."""
    cast("BrowserSession", session).end()
    return login_form(realm, next_url=wanted, error=_(ChallengeOverError.text)), 401


def _key_to_set_up(realm: Realm, challenge: str) -> AppKey:
    scope = sign_in_scope_here(realm)
    with transaction(scope) as database:
        secret, email = identity.challenge_secret(
            database,
            scope,
            realm=realm,
            token=challenge,
            host=current_site().host,
            box=current_ports().secrets,
            now=current_ports().clock(),
        )
    return app_key(secret, account=email, issuer=current_brand().name)


def _unkept(page: str) -> Response:
    """Answer with a page that no cache and no history may keep: it may show a secret."""
    answer = make_response(page)
    answer.headers["Cache-Control"] = "private, no-store"
    return answer
