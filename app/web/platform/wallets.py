"""The platform corrects a customer's wallet, with a reason."""

from __future__ import annotations

from functools import partial
from uuid import UUID, uuid4

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app import billing, identity
from app.edge import current_ports, signed_in_required
from app.identity import Realm
from app.kernel import transaction
from app.tenancy import PlatformScope, Tenant, TenantScope, get_reseller
from app.web.actors import acting
from app.web.forms import submitted
from app.web.platform.resellers import CURRENCY
from app.web.typed import Typed
from app.web.words import gettext as _

bp = Blueprint("platform_wallets", __name__, url_prefix="/admin/resellers/<slug>/customers")
signed_in_required(bp, Realm.PLATFORM)

_PLATFORM = PlatformScope()
_MOST = 100


@bp.get("")
def customers(slug: str) -> str:
    """List a reseller's customers with what they hold."""
    tenant, search = _tenant(slug), request.args.get("q", "").replace("\0", "").strip()
    scope = TenantScope(tenant.id)
    with transaction(scope) as session:
        page = billing.customer_page(session, scope, currency=CURRENCY, search=search, size=_MOST)
    return render_template(
        "platform/customers.html", reseller=tenant, customers=page.rows, search=search
    )


@bp.get("/<uuid:customer_id>")
def wallet(slug: str, customer_id: UUID) -> str:
    """Show what a customer holds and what was corrected by hand."""
    tenant, now = _tenant(slug), current_ports().clock()
    scope = TenantScope(tenant.id)
    with transaction(scope) as session:
        customer = identity.get_customer(session, scope, customer_id=customer_id)
        found = billing.get_wallet(session, scope, customer_id=customer_id)
        credit = billing.wallet_credit(session, scope, wallet=found, now=now)
        adjustments = billing.list_adjustments(session, scope, wallet_id=found.id)
    return render_template(
        "platform/wallet.html",
        reseller=tenant,
        customer=customer,
        credit=credit,
        adjustments=adjustments,
        request_key=str(uuid4()),
    )


@bp.post("/<uuid:customer_id>")
def change(slug: str, customer_id: UUID) -> ResponseReturnValue:
    """Give credit, or take it back."""
    return submitted(
        {"adjust": partial(_adjust, slug, customer_id)},
        page=partial(wallet, slug, customer_id),
        to=url_for("platform_wallets.wallet", slug=slug, customer_id=customer_id),
    )


def _adjust(slug: str, customer_id: UUID, typed: Typed) -> str:
    scope = TenantScope(_tenant(slug).id)
    with transaction(scope) as session:
        found = billing.get_wallet(session, scope, customer_id=customer_id)
        billing.adjust_wallet(
            session,
            scope,
            wallet_id=found.id,
            amount=typed.money("amount", found.currency),
            reason=typed.text("reason"),
            key=typed.text("request_key"),
            now=current_ports().clock(),
            actor=acting(),
        )
    return _("The correction is booked.")


def _tenant(slug: str) -> Tenant:
    with transaction(_PLATFORM) as session:
        return get_reseller(session, _PLATFORM, slug=slug)
