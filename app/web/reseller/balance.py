"""The reseller's own balance: what it holds, how it is filled, what was given from it."""

from __future__ import annotations

from uuid import uuid4

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale

from app import billing
from app.billing import PageTerms, TopUp, TopUpState
from app.edge import (
    Allowance,
    current_brand,
    current_ports,
    current_scope,
    require_signed_in,
    signed_in_required,
    site_address,
)
from app.identity import Realm, customer_names
from app.kernel import read_cursor, transaction
from app.payments import GatewayError
from app.pricing import NothingSoldError, tax_terms
from app.web.actors import acting
from app.web.forms import Act, Elsewhere, submitted
from app.web.rows import top_up_row
from app.web.typed import Typed
from app.web.words import gettext as _

bp = Blueprint("own_balance", __name__, url_prefix="/reseller/balance")
signed_in_required(bp, Realm.STAFF, allowance=Allowance.BILLING)

# Before anything is sold there is no currency; nothing has been earned in it either.
_NO_CURRENCY = "EUR"


@bp.get("")
def balance() -> str:
    """Show the balance, what commission could fill it, and what moved."""
    scope, before = current_scope(), read_cursor(request.args.get("before"))
    with transaction(scope) as session:
        currency = _currency()
        own = billing.own_balance(session, scope, currency=currency)
        history = billing.own_balance_history(session, scope, currency=currency, before=before)
        ids = {row.customer_id for row in history.rows if row.customer_id}
        names = customer_names(session, scope, ids)
        top_ups = billing.list_top_ups(session, scope, wallet_id=None, limit=5)
    here, cursor = url_for("own_balance.balance"), history.next_cursor
    return render_template(
        "reseller/balance.html",
        own=own,
        rows=history.rows,
        customers=names,
        top_ups=[top_up_row(each) for each in top_ups],
        request_key=str(uuid4()),
        older_url=f"{here}?before={cursor}" if cursor else None,
        newest_url=here if before else None,
    )


@bp.post("")
def change() -> ResponseReturnValue:
    """Move commission to the own balance, or go and pay into it."""
    acts: dict[str, Act] = {"fund": _fund, "top_up": _top_up}
    return submitted(acts, page=balance, to=url_for("own_balance.balance"))


@bp.get("/success")
def paid() -> ResponseReturnValue:
    """Say what became of a top-up; asks the processor, as the webhook may be late (R1.1)."""
    scope = current_scope()
    with transaction(scope) as session:
        known = billing.list_top_ups(session, scope, wallet_id=None)
    top_up = next((each for each in known if str(each.id) == request.args.get("top_up")), None)
    if top_up is None:
        raise billing.TopUpNotFoundError
    state = TopUpState(_asked(top_up).state)
    if state is TopUpState.SETTLED:
        flash(_("The top-up is in your own balance."), "success")
    elif state in {TopUpState.CREATING, TopUpState.PENDING} and "cancelled" not in request.args:
        flash(_("The payment is on its way. It is credited once, also without this page."), "info")
    else:
        flash(_("The payment was not made. Nothing was taken."), "warning")
    return redirect(url_for("own_balance.balance"), 303)


def _asked(top_up: TopUp) -> TopUp:
    if top_up.state != TopUpState.PENDING.value:
        return top_up
    try:
        return billing.confirm_top_up(
            current_ports().gateway,
            current_scope(),
            top_up_id=top_up.id,
            now=current_ports().clock(),
        )
    except GatewayError:
        return top_up


def _top_up(typed: Typed) -> Elsewhere:
    brand = current_brand()
    back = f"{site_address()}{url_for('own_balance.paid')}?top_up={{top_up}}"
    top_up = billing.start_top_up(
        current_ports().gateway,
        current_scope(),
        customer_id=None,
        amount=typed.money("amount", _currency()),
        request_key=typed.text("request_key"),
        terms=PageTerms(
            return_address=back,
            cancel_address=f"{back}&cancelled=1",
            customer_email=require_signed_in().email,
            description=_("Own balance at %(brand)s", brand=brand.name),
            locale=str(get_locale()),
            brand_name=brand.name,
            brand_accent=brand.accent,
            statement_suffix=brand.statement_suffix,
        ),
        now=current_ports().clock(),
    )
    return Elsewhere(top_up.checkout_url or url_for("own_balance.paid", top_up=top_up.id))


def _fund(typed: Typed) -> str:
    scope, currency = current_scope(), _currency()
    with transaction(scope) as session:
        billing.fund_by_commission(
            session,
            scope,
            amount=typed.money("amount", currency),
            key=typed.text("request_key"),
            now=current_ports().clock(),
            actor=acting(),
        )
    return _("The commission is in your own balance.")


def _currency() -> str:
    scope = current_scope()
    with transaction(scope) as session:
        try:
            return tax_terms(session, scope, at=current_ports().clock())[0]
        except NothingSoldError:
            return _NO_CURRENCY
