"""The reseller's team: who works for it, as what, and who was invited."""

from __future__ import annotations

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue

from app import identity
from app.edge import current_ports, current_scope, require_signed_in, signed_in_required
from app.identity import Realm, StaffRole
from app.kernel import transaction
from app.web.actors import acting
from app.web.forms import Act, submitted
from app.web.typed import Typed
from app.web.words import gettext as _

bp = Blueprint("reseller_team", __name__, url_prefix="/reseller/team")
signed_in_required(bp, Realm.STAFF)


@bp.get("")
def team() -> str:
    """List the team, the invited ones too."""
    scope = current_scope()
    with transaction(scope) as session:
        people = identity.list_staff_users(session, scope)
    return render_template("reseller/team.html", people=people, me=require_signed_in().user_id)


@bp.post("")
def change() -> ResponseReturnValue:
    """Invite somebody, send the link again, change a role, or take a sign-in away."""
    acts: dict[str, Act] = {
        "invite": _invite, "resend": _resend, "role": _role, "remove": _remove,
    }  # fmt: skip
    return submitted(acts, page=team, to=url_for("reseller_team.team"))


def _invite(typed: Typed) -> str:
    scope = current_scope()
    with transaction(scope) as session:
        link = identity.invite_staff_user(
            session,
            scope,
            email=typed.text("email"),
            name=typed.text("name"),
            role=typed.choice("role", StaffRole),
            now=current_ports().clock(),
            actor=acting(),
        )
    return _("An invitation is on its way to %(address)s.", address=link.address)


def _resend(typed: Typed) -> str:
    scope = current_scope()
    with transaction(scope) as session:
        link = identity.resend_invitation(
            session,
            scope,
            realm=Realm.STAFF,
            user_id=typed.identifier("user"),
            now=current_ports().clock(),
            actor=acting(),
        )
    return _("An invitation is on its way to %(address)s.", address=link.address)


def _role(typed: Typed) -> str:
    scope = current_scope()
    with transaction(scope) as session:
        identity.change_staff_role(
            session,
            scope,
            user_id=typed.identifier("user"),
            role=typed.choice("role", StaffRole),
            actor=acting(),
        )
    return _("The role is changed; the person signs in anew.")


def _remove(typed: Typed) -> str:
    scope = current_scope()
    with transaction(scope) as session:
        identity.remove_staff_user(session, scope, user_id=typed.identifier("user"), actor=acting())
    return _("The sign-in is removed, and every session of it has ended.")
