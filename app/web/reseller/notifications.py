"""Which e-mails a person of the reseller's staff wants."""

from __future__ import annotations

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue

from app.edge import signed_in_required
from app.identity import Realm
from app.web.forms import submitted
from app.web.notification_settings import choose_own, own_preferences

bp = Blueprint("reseller_notifications", __name__, url_prefix="/reseller/notifications")
signed_in_required(bp, Realm.STAFF)


@bp.get("")
def notifications() -> str:
    """Show the e-mails that can be turned off."""
    return render_template("reseller/notifications.html", preferences=own_preferences())


@bp.post("")
def change() -> ResponseReturnValue:
    """Change her e-mails."""
    return submitted(
        {"emails": choose_own},
        page=notifications,
        to=url_for("reseller_notifications.notifications"),
    )
