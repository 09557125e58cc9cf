"""The customer's portal: balance, transactions."""

import csv
import io
from collections.abc import Iterator

from flask import Blueprint, Response, render_template, request, stream_with_context, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from app.billing import get_wallet, wallet_balance, wallet_history
from app.edge import current_scope, signed_in_required
from app.identity import Realm, get_customer
from app.kernel import MAXIMUM_PAGE_SIZE, Money, read_cursor, transaction
from app.web.rows import transaction_row

bp = Blueprint("customer", __name__, url_prefix="/portal")
signed_in_required(bp, Realm.CUSTOMER)

RECENT = 8


@bp.get("/")
def dashboard() -> ResponseReturnValue:
    """Show the balance that moves and the latest transactions; five queries, whatever happened."""
    scope = current_scope()
    with transaction(scope) as session:
        customer = get_customer(session, scope, customer_id=current_user.customer_id)
        wallet = get_wallet(session, scope, customer_id=current_user.customer_id)
        balance = wallet_balance(session, scope, wallet=wallet)
        recent = wallet_history(session, scope, wallet=wallet, size=RECENT)
    return render_template(
        "customer/dashboard.html",
        customer_name=customer.name,
        balance=balance.posted,
        balance_version=balance.revision,
        low_balance=balance.available < Money(wallet.low_balance_minor, wallet.currency),
        recent=[transaction_row(line) for line in recent.rows],
        wallet_id=wallet.id,
    )


@bp.get("/transactions")
def transactions() -> ResponseReturnValue:
    """List the wallet's movements, newest first, a page at a time."""
    scope = current_scope()
    before = read_cursor(request.args.get("before"))
    partial = "partial" in request.args
    with transaction(scope) as session:
        wallet = get_wallet(session, scope, customer_id=current_user.customer_id)
        page = wallet_history(
            session, scope, wallet=wallet, before=before, **({"size": RECENT} if partial else {})
        )
    rows = [transaction_row(line) for line in page.rows]
    if partial:
        return render_template("customer/_transactions.html", rows=rows)
    here = url_for("customer.transactions")
    return render_template(
        "customer/transactions.html",
        rows=rows,
        older_url=f"{here}?before={page.next_cursor}" if page.next_cursor else None,
        newest_url=here if before else None,
        csv_url=url_for("customer.transactions_csv"),
    )


@bp.get("/transactions.csv")
def transactions_csv() -> Response:
    """Send every movement as CSV, page by page, so that no list is too long."""
    head = [_("Date"), _("Type"), _("Details"), _("Amount"), _("Currency"), _("Balance after")]
    answer = Response(stream_with_context(_csv_lines(head)), mimetype="text/csv")
    answer.headers["Content-Disposition"] = 'attachment; filename="transactions.csv"'
    return answer


def _csv_lines(head: list[str]) -> Iterator[str]:
    scope = current_scope()
    yield _csv_line(head)
    before: int | None = None
    while True:
        with transaction(scope) as session:
            wallet = get_wallet(session, scope, customer_id=current_user.customer_id)
            page = wallet_history(
                session, scope, wallet=wallet, before=before, size=MAXIMUM_PAGE_SIZE
            )
        for row in (transaction_row(line) for line in page.rows):
            amount, after = row.amount.amount, row.balance_after.amount
            yield _csv_line(
                [
                    row.at.isoformat(timespec="seconds"), row.title, row.detail,
                    str(amount), row.amount.currency, str(after),
                ]
            )  # fmt: skip
        if page.next_cursor is None:
            return
        before = int(page.next_cursor)


def _csv_line(values: list[str]) -> str:
    buffer = io.StringIO()
    # A cell that starts like a formula would run in a spreadsheet (OWASP: CSV injection).
    guarded = [f"'{value}" if value.startswith(("=", "@", "\t")) else value for value in values]
    csv.writer(buffer).writerow(guarded)
    return buffer.getvalue()
