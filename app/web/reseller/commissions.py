"""What the reseller earned in a month: volume, steps, books below, down to the single charge."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app import commissions
from app.billing import commission_report
from app.edge import current_ports, current_scope, current_site, signed_in_required
from app.identity import Realm, customer_names
from app.kernel import BadCursorError, transaction
from app.tenancy import list_sub_resellers
from app.web.typed import UnreadableDayError, read_day

bp = Blueprint("reseller_commissions", __name__, url_prefix="/reseller/commissions")
signed_in_required(bp, Realm.STAFF)


@bp.get("")
def month() -> ResponseReturnValue:
    """Show a month, this one unless the address names another; a fixed number of queries."""
    scope, now = current_scope(), current_ports().clock()
    chosen = _chosen_month() or commissions.month_of(now)
    until = commissions.starts_at(commissions.next_month(chosen))
    with transaction(scope) as session:
        report = commission_report(session, scope, month=chosen, before=_before())
        statements = commissions.list_statements(session, scope)
        bonuses = commissions.granted_bonuses(
            session, scope, since=commissions.starts_at(chosen), until=until
        )
        names = customer_names(session, scope, [each.customer_id for each in bonuses])
        below = {each.id: each.name for each in list_sub_resellers(session, scope)}
    here = url_for("reseller_commissions.month", month=f"{chosen:%Y-%m}")
    cursor = report.lines.next_cursor
    return render_template(
        "reseller/commissions.html",
        month=chosen,
        is_running=chosen == commissions.month_of(now),
        report=report,
        statements=statements,
        bonuses=bonuses,
        customers=names,
        books={**below, scope.reseller_id: current_site().name},
        own_book=scope.reseller_id,
        older_url=f"{here}&before={cursor}" if cursor else None,
        newest_url=here if request.args.get("before") else None,
    )


def _chosen_month() -> date | None:
    try:
        return read_day(f"{request.args.get('month', '')}-01")
    except UnreadableDayError:
        return None


def _before() -> UUID | None:
    text = request.args.get("before")
    try:
        return UUID(text) if text else None
    except ValueError as damaged:
        raise BadCursorError(cursor=str(text)[:40]) from damaged
