"""Resellers below this one: the tree with what it brings, and the form that opens another."""

from __future__ import annotations

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue

from app import commissions
from app.billing import TreeTotals, tree_totals
from app.edge import current_edge, current_ports, current_scope, signed_in_required
from app.identity import Realm
from app.kernel import Money, transaction
from app.pricing import NothingSoldError, tax_terms
from app.tenancy import PlatformScope, get_path, list_sub_resellers
from app.web.actors import acting
from app.web.forms import ShownOnce, submitted
from app.web.one_time import one_time_password
from app.web.typed import Typed
from app.web.words import gettext as _

bp = Blueprint("sub_resellers", __name__, url_prefix="/reseller/sub-resellers")
signed_in_required(bp, Realm.STAFF)

# Before anything is sold there is no currency; nothing has been earned in it either.
_NO_CURRENCY = "EUR"


@bp.get("")
def tree() -> str:
    """Show who is below, and what each of them brings; a fixed number of queries."""
    scope, now = current_scope(), current_ports().clock()
    with transaction(scope) as session:
        try:
            currency = tax_terms(session, scope, at=now)[0]
        except NothingSoldError:
            currency = _NO_CURRENCY
        below = list_sub_resellers(session, scope)
        depth = len(get_path(session, scope))
        totals = tree_totals(session, scope, currency=currency, now=now)
        agreed = commissions.agreed_at(commissions.agreements_of(session, scope), now)
    nothing = Money(0, currency)
    return render_template(
        "reseller/sub_resellers.html",
        resellers=[
            (
                each,
                len(each.path) - depth,
                totals.get(each.id, TreeTotals(nothing, nothing, nothing)),
            )
            for each in below
        ],
        own_rate=agreed.rate if agreed else None,
        domain=current_edge().options.platform_domain,
    )


@bp.post("")
def change() -> ResponseReturnValue:
    """Open a reseller below this one; its first admin's password is shown this once."""
    return submitted({"open": _open}, page=tree, to=url_for("sub_resellers.tree"))


def _open(typed: Typed) -> ShownOnce:
    password, platform = one_time_password(), PlatformScope()
    # It writes into two resellers' books: the platform's sign-in alone sees both. Who may open one
    # is asked there.
    with transaction(platform) as session:
        tenant = commissions.open_sub_reseller(
            session,
            platform,
            parent_id=current_scope().reseller_id,
            slug=typed.text("slug"),
            name=typed.text("name"),
            commission_rate=typed.share("rate"),
            staff_email=typed.text("email"),
            staff_name=typed.text("staff_name"),
            staff_password=password,
            now=current_ports().clock(),
            actor=acting(),
        )
    return ShownOnce(_("“%(name)s” is open.", name=tenant.name), _("One-time password"), password)
