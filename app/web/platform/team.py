"""Who runs the platform: admins, and who was invited to be one."""

from __future__ import annotations

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue

from app import identity
from app.edge import current_ports, require_signed_in, signed_in_required
from app.identity import Realm
from app.kernel import transaction
from app.tenancy import PlatformScope
from app.web.actors import acting
from app.web.forms import Act, submitted
from app.web.typed import Typed
from app.web.words import gettext as _

bp = Blueprint("platform_team", __name__, url_prefix="/admin/team")
signed_in_required(bp, Realm.PLATFORM)

_PLATFORM = PlatformScope()


@bp.get("")
def team() -> str:
    """List the admins, the invited ones too."""
    with transaction(_PLATFORM) as session:
        people = identity.list_platform_users(session, _PLATFORM)
    return render_template("platform/team.html", people=people, me=require_signed_in().user_id)


@bp.post("")
def change() -> ResponseReturnValue:
    """Invite an admin, send the link again, or take a sign-in away."""
    acts: dict[str, Act] = {"invite": _invite, "resend": _resend, "remove": _remove}
    return submitted(acts, page=team, to=url_for("platform_team.team"))


def _invite(typed: Typed) -> str:
    with transaction(_PLATFORM) as session:
        link = identity.invite_platform_user(
            session,
            _PLATFORM,
            email=typed.text("email"),
            name=typed.text("name"),
            now=current_ports().clock(),
            actor=acting(),
        )
    return _("An invitation is on its way to %(address)s.", address=link.address)


def _resend(typed: Typed) -> str:
    with transaction(_PLATFORM) as session:
        link = identity.resend_invitation(
            session,
            _PLATFORM,
            realm=Realm.PLATFORM,
            user_id=typed.identifier("user"),
            now=current_ports().clock(),
            actor=acting(),
        )
    return _("An invitation is on its way to %(address)s.", address=link.address)


def _remove(typed: Typed) -> str:
    with transaction(_PLATFORM) as session:
        identity.remove_platform_user(
            session, _PLATFORM, user_id=typed.identifier("user"), actor=acting()
        )
    return _("The sign-in is removed, and every session of it has ended.")
