"""The platform's front page: what this is, the way in for new resellers and for those we have."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue

from app.edge import (
    HOME_PATHS,
    LOGIN_PATHS,
    Where,
    address_of,
    current_edge,
    current_site,
    declare,
    signed_in_as,
)
from app.identity import Realm
from app.kernel import transaction
from app.tenancy import PlatformScope, TenantNotFoundError, get_reseller

bp = Blueprint("front", __name__)
declare(bp, where=Where.PLATFORM_SITE)

_PLATFORM = PlatformScope()


@bp.get("/")
def home() -> ResponseReturnValue:
    """Say what this is; who is signed in goes on to the platform's own pages."""
    if signed_in_as(Realm.PLATFORM) is not None:
        return redirect(HOME_PATHS[Realm.PLATFORM])
    return render_template("platform/front.html", is_open=current_edge().options.sign_up.is_open)


@bp.get("/signin")
def sign_in() -> ResponseReturnValue:
    """Lead staff to their own site's sign-in page: there is none for them here."""
    typed = request.args.get("site", "").replace("\0", "").strip().lower()[:100]
    # Whoever types the whole address means its first word.
    slug = typed.removeprefix("https://").partition("/")[0].partition(".")[0]
    if not slug:
        return _ask(typed="", is_unknown=False)
    try:
        with transaction(_PLATFORM) as session:
            tenant = get_reseller(session, _PLATFORM, slug=slug)
    except TenantNotFoundError:
        return _ask(typed=typed, is_unknown=True), 404
    host = f"{tenant.slug}.{current_site().host}"
    return redirect(f"{address_of(host)}{LOGIN_PATHS[Realm.STAFF]}", 303)


def _ask(*, typed: str, is_unknown: bool) -> str:
    return render_template(
        "platform/find_site.html",
        typed=typed,
        is_unknown=is_unknown,
        domain=current_site().host,
        is_open=current_edge().options.sign_up.is_open,
    )
