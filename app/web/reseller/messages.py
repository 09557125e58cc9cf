"""What became of the reseller's e-mails, and what each of them looks like."""

from __future__ import annotations

from flask import Blueprint, Response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from app import notifications
from app.edge import current_ports, current_scope, signed_in_required
from app.identity import Realm
from app.kernel import transaction
from app.notifications import PREVIEWED_KINDS
from app.web.forms import submitted
from app.web.messages import read_messages
from app.web.typed import Typed
from app.web.words import gettext as _

bp = Blueprint("reseller_messages", __name__, url_prefix="/reseller")
signed_in_required(bp, Realm.STAFF)

# A mail styles itself, and nothing else: it is shown in a frame that can do nothing.
PREVIEW_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; form-action 'none';"
    " base-uri 'none'; frame-ancestors 'self'; sandbox"
)


@bp.get("/messages")
def messages() -> str:
    """List e-mails by state, newest first, a page at a time; addresses are masked."""
    scope = current_scope()
    with transaction(scope) as session:
        found = read_messages(session, scope, endpoint="reseller_messages.messages")
    return render_template("reseller/messages.html", found=found)


@bp.post("/messages")
def change() -> ResponseReturnValue:
    """Send an e-mail again."""
    return submitted({"retry": _retry}, page=messages, to=url_for("reseller_messages.messages"))


def _retry(typed: Typed) -> str:
    scope = current_scope()
    with transaction(scope) as session:
        notifications.retry_delivery(
            session, scope, delivery_id=typed.identifier("delivery"), now=current_ports().clock()
        )
    return _("The e-mail is being sent again.")


@bp.get("/brand/preview/email")
def preview() -> Response:
    """Show an e-mail of a kind with made-up figures, in the published brand."""
    scope, kind = current_scope(), request.args.get("kind", PREVIEWED_KINDS[0].value)
    found = next((each for each in PREVIEWED_KINDS if each.value == kind), None)
    if found is None:
        raise NotFound
    with transaction(scope) as session:
        rendered = notifications.preview_message(session, scope, current_ports().post, kind=found)
    response = Response(rendered.html, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = PREVIEW_POLICY
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    return response
