"""The reseller's prices: the plan's, the floor, her own, from a day on."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app import pricing
from app.edge import current_ports, current_scope, signed_in_required
from app.identity import Realm
from app.kernel import transaction
from app.web.actors import acting
from app.web.forms import chosen_day, submitted
from app.web.rows import meter_name
from app.web.steps import read_steps
from app.web.typed import Typed
from app.web.words import gettext as _

bp = Blueprint("reseller_prices", __name__, url_prefix="/reseller/prices")
signed_in_required(bp, Realm.STAFF)


@bp.get("")
def prices() -> str:
    """Show what customers pay on a day, and every price of the reseller's own."""
    scope, now = current_scope(), current_ports().clock()
    book = None
    with transaction(scope) as session:
        try:
            book = pricing.price_book(session, scope, at=chosen_day() or now)
        except pricing.NothingSoldError:
            book = None
        history = pricing.retail_history(session, scope)
    return render_template(
        "reseller/prices.html",
        book=book,
        history=history,
        meters=[(meter_name(each.plan.meter), each.plan.meter) for each in book.meters]
        if book
        else [],
        day=request.args.get("at", ""),
        now=now,
    )


@bp.post("")
def change() -> ResponseReturnValue:
    """Set a price of her own from a day on, or go back to the plan's."""
    acts = {"price": _set_price, "plan": _follow_plan}
    return submitted(acts, page=prices, to=url_for("reseller_prices.prices"))


def _set_price(typed: Typed) -> str:
    scope, now = current_scope(), current_ports().clock()
    with transaction(scope) as session:
        price = pricing.set_retail_price(
            session,
            scope,
            meter=typed.text("meter"),
            unit_price=typed.number("unit_price"),
            valid_from=typed.since("valid_from", now=now),
            now=now,
            steps=read_steps(typed),
            actor=acting(),
        )
    return _("Your price for “%(meter)s” is set.", meter=meter_name(price.meter))


def _follow_plan(typed: Typed) -> str:
    scope, now = current_scope(), current_ports().clock()
    with transaction(scope) as session:
        price = pricing.set_retail_price(
            session,
            scope,
            meter=typed.text("meter"),
            unit_price=None,
            valid_from=typed.since("valid_from", now=now),
            now=now,
            actor=acting(),
        )
    return _("“%(meter)s” costs what the plan says from then on.", meter=meter_name(price.meter))
