"""The reseller's portal: what was earned, who the customers are."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from app.billing import reseller_figures
from app.edge import current_ports, current_scope, signed_in_required
from app.identity import Realm
from app.kernel import transaction
from app.pricing import tax_terms

bp = Blueprint("reseller", __name__, url_prefix="/reseller")
signed_in_required(bp, Realm.STAFF)


@bp.get("/")
def dashboard() -> ResponseReturnValue:
    """Show commission, revenue, customers and the latest charges."""
    scope = current_scope()
    now = current_ports().clock()
    with transaction(scope) as session:
        currency, _tax_rate, _purpose = tax_terms(session, scope, at=now)
        figures = reseller_figures(session, scope, currency=currency, now=now)
    return render_template(
        "reseller/dashboard.html",
        commission_total=figures.commission_total,
        commission_below=figures.commission_below,
        commission_month=figures.commission_month,
        revenue_month=figures.revenue_month,
        customers=figures.customers,
        recent=figures.recent,
    )
