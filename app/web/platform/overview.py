"""The platform's own pages: revenue, tax, every reseller."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from app.billing import BookTotals, customer_counts, platform_figures
from app.edge import current_site, signed_in_required
from app.identity import Realm
from app.kernel import Money, transaction
from app.tenancy import PlatformScope, Tenant, list_resellers

bp = Blueprint("platform", __name__, url_prefix="/admin")
signed_in_required(bp, Realm.PLATFORM)

# One currency until requirement L4 brings conversion.
CURRENCY = "EUR"


@dataclass(frozen=True, slots=True)
class ResellerRow:
    """One reseller in the platform's list; the amounts are those of its own book."""

    name: str
    slug: str
    depth: int
    host: str
    customers: int
    gross: Money
    commission: Money
    revenue: Money


@bp.get("/")
def dashboard() -> ResponseReturnValue:
    """Show revenue, tax and every reseller; a fixed number of queries."""
    scope = PlatformScope()
    with transaction(scope) as session:
        whole, books = platform_figures(session, scope, currency=CURRENCY)
        counts = customer_counts(session, scope)
        resellers = list_resellers(session, scope)
    return render_template(
        "platform/dashboard.html",
        revenue=whole.revenue,
        tax=whole.tax,
        commission=whole.commission,
        ledger_ok=None,
        resellers=[_row(tenant, counts, books) for tenant in resellers],
    )


def _row(tenant: Tenant, counts: dict[UUID, int], books: dict[UUID, BookTotals]) -> ResellerRow:
    nothing = Money(0, CURRENCY)
    totals = books.get(tenant.id, BookTotals(nothing, nothing, nothing, nothing))
    return ResellerRow(
        name=tenant.name,
        slug=tenant.slug,
        depth=len(tenant.path),
        host=f"{tenant.slug}.{current_site().host}",
        customers=counts.get(tenant.id, 0),
        gross=totals.gross,
        commission=totals.commission,
        revenue=totals.revenue,
    )
