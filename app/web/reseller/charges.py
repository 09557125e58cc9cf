"""One charge in the reseller's book: how it was rated, who paid, who earned what."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue

from app.billing import (
    ChargedFee,
    ChargeSplit,
    charge_split,
    find_charge,
    find_reversal,
    reverse_charge,
)
from app.edge import current_ports, current_scope, signed_in_required
from app.identity import Realm, get_customer
from app.kernel import transaction
from app.tenancy import list_chain
from app.web.actors import acting
from app.web.forms import submitted
from app.web.typed import Typed
from app.web.words import gettext as _

bp = Blueprint("reseller_charges", __name__, url_prefix="/reseller/charges")
signed_in_required(bp, Realm.STAFF)


@bp.get("/<uuid:entry_id>")
def charge(entry_id: UUID) -> str:
    """Show a charge of an own customer with every share of it; a fixed number of queries."""
    scope = current_scope()
    with transaction(scope) as session:
        found = find_charge(session, scope, entry_id=entry_id)
        split = charge_split(session, scope, entry_id=entry_id)
        customer = get_customer(session, scope, customer_id=found.customer_id)
        reversal = find_reversal(session, scope, entry_id=entry_id)
        names = {each.id: each.name for each in list_chain(session, scope)}
    template = "reseller/fee.html" if isinstance(found, ChargedFee) else "reseller/charge.html"
    return render_template(
        template,
        charge=found,
        customer=customer,
        split=split,
        parts=_parts(split),
        reversal=reversal,
        names=names,
        own_book=scope.reseller_id,
    )


@bp.post("/<uuid:entry_id>")
def change(entry_id: UUID) -> ResponseReturnValue:
    """Write the charge off: everybody gives back exactly what it gave them."""
    return submitted(
        {"reverse": partial(_reverse, entry_id)},
        page=partial(charge, entry_id),
        to=url_for("reseller_charges.charge", entry_id=entry_id),
    )


def _parts(split: ChargeSplit) -> list[tuple[str, object, int]]:
    earned = sum((part.amount for part in split.commissions), -split.revenue + split.revenue)
    return [
        (_("Commission"), earned, 1),
        (_("Platform"), split.revenue, 2),
        (_("Value-added tax"), split.tax, 3),
    ]


def _reverse(entry_id: UUID, typed: Typed) -> str:
    scope = current_scope()
    with transaction(scope) as session:
        reverse_charge(
            session,
            scope,
            entry_id=entry_id,
            reason=typed.text("reason"),
            now=current_ports().clock(),
            actor=acting(),
        )
    return _("The charge is written off.")
