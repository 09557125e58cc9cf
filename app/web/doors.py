"""The ways in beside signing in: a forgotten password, and an invitation; of all three realms."""

from __future__ import annotations

from functools import partial

from flask import Blueprint, Flask, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from app import identity
from app.edge import (
    LOGIN_PATHS,
    Allowance,
    Where,
    current_ports,
    declare,
    realm_of_path,
    sign_in_scope,
)
from app.identity import LinkRefusedError, Realm, SignInScope
from app.kernel import transaction
from app.web.forms import Elsewhere, submitted
from app.web.mailed_links import link_id_of, never_keep, refused_link
from app.web.registrations import REGISTER_PATH, is_registration_possible
from app.web.typed import Typed
from app.web.words import gettext as _

reseller_sites = Blueprint("doors", __name__)
declare(reseller_sites, where=Where.RESELLER_SITES, allowance=Allowance.SIGN_IN)
platform_site = Blueprint("platform_doors", __name__)
declare(platform_site, where=Where.PLATFORM_SITE, allowance=Allowance.SIGN_IN)

FORGOT_PATHS = {
    Realm.CUSTOMER: "/password/forgot",
    Realm.STAFF: "/reseller/password/forgot",
    Realm.PLATFORM: "/admin/password/forgot",
}
_BELOW = {Realm.CUSTOMER: "", Realm.STAFF: "/reseller", Realm.PLATFORM: "/admin"}


def register(app: Flask) -> None:
    """Tell the sign-in pages where a forgotten password and a stranger go."""
    app.context_processor(_ways_in)


def _ways_in() -> dict[str, str | None]:
    realm = realm_of_path(request.path)
    if request.path != LOGIN_PATHS[realm] or sign_in_scope(realm) is None:
        return {}
    is_open = realm is Realm.CUSTOMER and is_registration_possible()
    return {"forgot_url": FORGOT_PATHS[realm], "register_url": REGISTER_PATH if is_open else None}


def forgot() -> str:
    """Ask whose password is forgotten; what follows is the same for every address."""
    realm, _scope = _here()
    return render_template(
        "door/forgot.html",
        is_sent="sent" in request.args,
        login_url=LOGIN_PATHS[realm],
        forgot_url=FORGOT_PATHS[realm],
    )


def ask_for_reset() -> ResponseReturnValue:
    """Have a link sent, if the address has an account here."""
    return submitted({"forgot": _forgot}, page=forgot, to=request.path)


def reset(token: str) -> str:
    """Ask for the new password of a mailed link."""
    realm, scope = _here()
    with transaction(scope) as session:
        user = identity.read_password_reset(
            session, scope, realm=realm, link_id=link_id_of(token), now=current_ports().clock()
        )
    return render_template("door/reset.html", email=user.email, login_url=LOGIN_PATHS[realm])


def set_password(token: str) -> ResponseReturnValue:
    """Set the new password of a mailed link."""
    return submitted(
        {"reset": partial(_reset, token)},
        page=partial(reset, token),
        to=LOGIN_PATHS[_here()[0]],
    )


def invitation(token: str) -> str:
    """Greet an invited person and ask for the password she wants."""
    realm, scope = _here()
    with transaction(scope) as session:
        user = identity.read_invitation(
            session, scope, realm=realm, link_id=link_id_of(token), now=current_ports().clock()
        )
    return render_template("door/invitation.html", email=user.email, name=user.name)


def accept(token: str) -> ResponseReturnValue:
    """Let an invited person in from now on."""
    return submitted(
        {"invitation": partial(_accept, token)},
        page=partial(invitation, token),
        to=LOGIN_PATHS[_here()[0]],
    )


def _forgot(typed: Typed) -> Elsewhere:
    realm, scope = _here()
    with transaction(scope) as session:
        identity.request_password_reset(
            session,
            scope,
            realm=realm,
            email=typed.optional_text("email"),
            now=current_ports().clock(),
        )
    return Elsewhere(f"{FORGOT_PATHS[realm]}?sent=1")


def _reset(token: str, typed: Typed) -> str:
    realm, scope = _here()
    with transaction(scope) as session:
        identity.reset_password(
            session,
            scope,
            realm=realm,
            link_id=link_id_of(token),
            password=typed.secret("password"),
            now=current_ports().clock(),
        )
    return _("Your new password is set, and you are signed out everywhere. Please sign in.")


def _accept(token: str, typed: Typed) -> str:
    realm, scope = _here()
    with transaction(scope) as session:
        identity.accept_invitation(
            session,
            scope,
            realm=realm,
            link_id=link_id_of(token),
            password=typed.secret("password"),
            now=current_ports().clock(),
        )
    return _("Your password is set. Please sign in.")


def _here() -> tuple[Realm, SignInScope]:
    realm = realm_of_path(request.path)
    scope = sign_in_scope(realm)
    if scope is None:
        raise NotFound
    return realm, scope


def _refused(refused: LinkRefusedError) -> ResponseReturnValue:
    realm, _scope = _here()
    if "/password/reset/" in request.path:
        return refused_link(refused, again_url=FORGOT_PATHS[realm], again=_("Ask for a new link"))
    return refused_link(refused, again_url=LOGIN_PATHS[realm], again=_("To the sign-in"))


def _open(blueprint: Blueprint, *realms: Realm) -> None:
    """Give a blueprint the pages of some realms; endpoints begin with the realm's name."""
    for realm in realms:
        for path, name, view, act in (
            ("/password/forgot", "forgot", forgot, ask_for_reset),
            ("/password/reset/<token>", "reset", reset, set_password),
            ("/invitation/<token>", "invitation", invitation, accept),
        ):
            rule, endpoint = f"{_BELOW[realm]}{path}", f"{realm.value}_{name}"
            blueprint.add_url_rule(rule, endpoint, view, methods=["GET"])
            blueprint.add_url_rule(rule, f"{endpoint}_sent", act, methods=["POST"])
    blueprint.register_error_handler(LinkRefusedError, _refused)
    blueprint.after_request(never_keep)


_open(reseller_sites, Realm.CUSTOMER, Realm.STAFF)
_open(platform_site, Realm.PLATFORM)
