"""One charge of the customer's: how its price came about."""

from uuid import UUID

from flask import Blueprint, render_template
from flask_login import current_user

from app.billing import ChargedFee, find_charge, find_reversal
from app.edge import current_scope, signed_in_required
from app.identity import Realm
from app.kernel import transaction

bp = Blueprint("customer_charges", __name__, url_prefix="/portal/charges")
signed_in_required(bp, Realm.CUSTOMER)


@bp.get("/<uuid:entry_id>")
def charge(entry_id: UUID) -> str:
    """Show how a charge was rated and what paid it; who earned what is not the customer's."""
    scope = current_scope()
    with transaction(scope) as session:
        found = find_charge(session, scope, entry_id=entry_id, customer_id=current_user.customer_id)
        reversal = find_reversal(session, scope, entry_id=entry_id)
    template = "customer/fee.html" if isinstance(found, ChargedFee) else "customer/charge.html"
    return render_template(template, charge=found, reversal=reversal)
