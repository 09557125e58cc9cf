"""Acting on behalf: staff open a customer's portal as one of its people, and leave it again."""

from __future__ import annotations

from functools import partial
from typing import cast
from uuid import UUID

from flask import Blueprint, redirect, render_template, session, url_for
from flask.typing import ResponseReturnValue

from app import identity
from app.edge import (
    HOME_PATHS,
    BrowserSession,
    continue_as_customer,
    current_ports,
    current_scope,
    current_site,
    open_to_acting,
    require_signed_in,
    signed_in_required,
)
from app.identity import VISIT_LIFETIME, Realm
from app.kernel import transaction
from app.web.forms import Elsewhere, submitted
from app.web.typed import Typed

staff = Blueprint("acting", __name__, url_prefix="/reseller/customers")
signed_in_required(staff, Realm.STAFF)
customer = Blueprint("acting_visit", __name__, url_prefix="/portal/act")
signed_in_required(customer, Realm.CUSTOMER)
open_to_acting(customer, "end")

_MINUTE = 60


@staff.get("/<uuid:customer_id>/act")
def ask(customer_id: UUID) -> str:
    """Ask as whom, and why; refuses staff who may not act for customers."""
    scope, holder = current_scope(), require_signed_in()
    with transaction(scope) as database:
        identity.require_acting_role(database, scope, staff_id=holder.user_id)
        found = identity.get_customer(database, scope, customer_id=customer_id)
        users = identity.list_customer_users(database, scope, customer_id=customer_id)
    return render_template(
        "reseller/act.html",
        customer=found,
        users=[(user.name, user.id) for user in users if user.has_joined],
        minutes=int(VISIT_LIFETIME.total_seconds()) // _MINUTE,
    )


@staff.post("/<uuid:customer_id>/act")
def begin(customer_id: UUID) -> ResponseReturnValue:
    """Open the portal as the chosen person."""
    return submitted(
        {"visit": partial(_begin, customer_id)},
        page=partial(ask, customer_id),
        to=HOME_PATHS[Realm.CUSTOMER],
    )


@customer.post("/end")
def end() -> ResponseReturnValue:
    """End the visit and go back to the page of the customer."""
    scope, holder = current_scope(), require_signed_in()
    if holder.visit_id is None:
        return redirect(HOME_PATHS[Realm.CUSTOMER], 303)
    with transaction(scope) as database:
        identity.close_visits(
            database, scope, visit_id=holder.visit_id, now=current_ports().clock()
        )
    cast("BrowserSession", session).end()
    return redirect(url_for("reseller_customers.customer", customer_id=holder.customer_id), 303)


def _begin(customer_id: UUID, typed: Typed) -> Elsewhere:
    scope = current_scope()
    with transaction(scope) as database:
        token = identity.begin_visit(
            database,
            scope,
            staff_id=require_signed_in().user_id,
            customer_id=customer_id,
            user_id=typed.identifier("user"),
            reason=typed.optional_text("reason"),
            host=current_site().host,
            now=current_ports().clock(),
        )
    continue_as_customer(token)
    return Elsewhere(HOME_PATHS[Realm.CUSTOMER])
