"""The reseller's site as it would look in a brand that is not published: nothing on it is real."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from flask import Blueprint, make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import force_locale

from app.billing import Credit
from app.branding import BrandLook
from app.edge import (
    current_brand,
    current_ports,
    current_scope,
    let_own_pages_frame,
    signed_in_required,
    wear,
)
from app.identity import Realm
from app.kernel import AppError, Money, transaction
from app.notifications import PREVIEWED_KINDS, preview_message
from app.web.forms import reason_of
from app.web.navigation import NavigationItem
from app.web.reseller.brand import current_look
from app.web.reseller.brand_choices import contrast_sentences
from app.web.reseller.brand_form import read_look
from app.web.reseller.messages import PREVIEW_POLICY
from app.web.rows import TransactionRow
from app.web.words import gettext as _

bp = Blueprint("reseller_brand_preview", __name__, url_prefix="/reseller/brand/preview")
signed_in_required(bp, Realm.STAFF)

_PORTAL, _LOGIN = "portal", "login"
_NOBODY = UUID(int=0)
_CURRENCY = "EUR"


@bp.route("/portal", methods=["GET", "POST"])
def portal() -> ResponseReturnValue:
    """Show a customer's dashboard in the draft, or in what a form says at the moment."""
    return _shown(_PORTAL)


@bp.route("/login", methods=["GET", "POST"])
def login() -> ResponseReturnValue:
    """Show the customers' sign-in page in the draft, or in what a form says at the moment."""
    return _shown(_LOGIN)


@bp.post("/email")
def email() -> ResponseReturnValue:
    """Show an e-mail in what a form says at the moment."""
    scope = current_scope()
    try:
        look = _typed_look()
    except AppError as refused:
        return _refused(refused)
    with transaction(scope) as session:
        letter = preview_message(
            session, scope, current_ports().post, kind=PREVIEWED_KINDS[0], look=look
        )
    answer = make_response(letter.html)
    answer.headers["Content-Security-Policy"] = PREVIEW_POLICY
    answer.headers["X-Frame-Options"] = "SAMEORIGIN"
    answer.headers["Cache-Control"] = "no-store"
    return answer


@bp.post("/contrast")
def contrast() -> ResponseReturnValue:
    """Say what happens to the typed colours; a piece of the editor's page."""
    look = _typed_look()
    return render_template("reseller/_contrast.html", contrasts=contrast_sentences(look.tokens))


def _shown(page: str) -> ResponseReturnValue:
    let_own_pages_frame()
    try:
        look = _typed_look() if request.method == "POST" else current_look()
    except AppError as refused:
        return _refused(refused)
    answer = make_response(_dressed(page, look))
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _refused(refused: AppError) -> ResponseReturnValue:
    """Say in the frame why there is nothing to show."""
    let_own_pages_frame()
    wear(current_look())
    body = render_template("reseller/brand_refused.html", reason=reason_of(refused))
    answer = make_response(body, 422)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _dressed(page: str, look: BrandLook) -> str:
    wear(look)
    with force_locale(current_brand().language):
        if page == _LOGIN:
            return render_template("customer/login.html", user=None, site_nav=None)
        return _dashboard()


def _typed_look() -> BrandLook:
    return read_look(request.form, base=current_look())


def _dashboard() -> str:
    now = current_ports().clock()
    nothing = Money(0, _CURRENCY)
    paid, bonus = Money(48_37, _CURRENCY), Money(5_00, _CURRENCY)
    credit = Credit(
        paid=paid, bonus=bonus, owed=nothing, held=nothing, available=paid + bonus, lots=(),
        version=1, revision=1,
    )  # fmt: skip
    return render_template(
        "customer/dashboard.html",
        customer_name=_("Example Ltd"),
        credit=credit,
        mode="prepaid",
        mark="1",
        low_balance=True,
        recent=_movements(now, credit.total),
        wallet_id=_NOBODY,
        user={"name": _("Your customer"), "email": ""},
        site_nav=[
            NavigationItem(label, "#", active=number == 0)
            for number, label in enumerate(
                (_("Overview"), _("Transactions"), _("Billing"), _("Settings"))
            )
        ],
    )


def _movements(now: datetime, balance: Money) -> list[TransactionRow]:
    """Return a top-up and two charges that never were."""
    call, message = Money(-1_33, _CURRENCY), Money(-9, _CURRENCY)
    steps = (
        (_("Call"), "+49 40 ••• 42", call, "call", 1),
        (_("Message"), "+49 30 ••• 17", message, "message", 3),
        (_("Top-up"), _("Card"), Money(50_00, _CURRENCY), "top_up", 26),
    )
    rows = []
    for title, detail, amount, kind, hours in steps:
        rows.append(
            TransactionRow(title, detail, now - timedelta(hours=hours), amount, balance, kind)
        )
        balance -= amount
    return rows
