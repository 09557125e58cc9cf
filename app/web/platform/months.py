"""Month ends: which Berlin months are open, and the button that closes one."""

from __future__ import annotations

from babel import Locale
from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale

from app import commissions
from app.billing import close_month
from app.edge import current_ports, signed_in_required
from app.identity import Realm
from app.kernel import transaction
from app.tenancy import PlatformScope
from app.web import formats
from app.web.forms import submitted
from app.web.typed import Typed
from app.web.words import gettext as _

bp = Blueprint("months", __name__, url_prefix="/admin/months")
signed_in_required(bp, Realm.PLATFORM)

_PLATFORM = PlatformScope()


@bp.get("")
def months() -> str:
    """List the months, the latest first."""
    now = current_ports().clock()
    with transaction(_PLATFORM) as session:
        found = commissions.list_months(session, _PLATFORM, now=now)
    oldest = next((each.month for each in reversed(found) if each.closed_at is None), None)
    return render_template("platform/months.html", months=found, oldest=oldest)


@bp.post("")
def close() -> ResponseReturnValue:
    """Close a month that is over: every reseller's statement is written, for ever."""
    return submitted({"close": _close}, page=months, to=url_for("months.months"))


def _close(typed: Typed) -> str:
    month = typed.month("month")
    closing = close_month(month=month, now=current_ports().clock())
    words = {"month": formats.month(month, get_locale() or Locale("de"))}
    if not closing.is_new:
        return _("%(month)s was closed already.", **words)
    return _(
        "%(month)s is closed: %(statements)s statements, of which %(trued_up)s moved money.",
        statements=closing.statements,
        trued_up=closing.trued_up,
        **words,
    )
