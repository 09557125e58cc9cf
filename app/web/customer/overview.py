"""The customer's portal: balance, transactions."""

import csv
import io
from collections.abc import Iterator

from flask import Blueprint, Response, render_template, request, stream_with_context, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.billing import HistoryLine, get_wallet, wallet_credit, wallet_history
from app.edge import current_ports, current_scope, signed_in_required
from app.identity import Realm, get_customer
from app.kernel import MAXIMUM_PAGE_SIZE, Money, read_cursor, transaction
from app.web.live_states import LiveState
from app.web.rows import TransactionRow, transaction_row
from app.web.words import gettext as _

bp = Blueprint("customer", __name__, url_prefix="/portal")
signed_in_required(bp, Realm.CUSTOMER)

RECENT = 8


@bp.get("/")
def dashboard() -> ResponseReturnValue:
    """Show the credit that moves and the latest transactions; a fixed number of queries."""
    scope, now = current_scope(), current_ports().clock()
    with transaction(scope) as session:
        customer = get_customer(session, scope, customer_id=current_user.customer_id)
        wallet = get_wallet(session, scope, customer_id=current_user.customer_id)
        credit = wallet_credit(session, scope, wallet=wallet, now=now)
        recent = wallet_history(session, scope, wallet=wallet, size=RECENT)
    # Live pages ask for what moves alone.
    template = "customer/_live.html" if "partial" in request.args else "customer/dashboard.html"
    return render_template(
        template,
        customer_name=customer.name,
        credit=credit,
        mode=wallet.mode,
        mark=LiveState.from_credit(credit).mark,
        low_balance=credit.available < Money(wallet.low_balance_minor, wallet.currency),
        recent=[_row(line) for line in recent.rows[:RECENT]],
        wallet_id=wallet.id,
    )


@bp.get("/transactions")
def transactions() -> ResponseReturnValue:
    """List the wallet's movements, newest first, a page at a time."""
    scope = current_scope()
    before = read_cursor(request.args.get("before"))
    with transaction(scope) as session:
        wallet = get_wallet(session, scope, customer_id=current_user.customer_id)
        page = wallet_history(session, scope, wallet=wallet, before=before)
    here = url_for("customer.transactions")
    return render_template(
        "customer/transactions.html",
        rows=[_row(line) for line in page.rows],
        older_url=f"{here}?before={page.next_cursor}" if page.next_cursor else None,
        newest_url=here if before else None,
        csv_url=url_for("customer.transactions_csv"),
    )


@bp.get("/transactions.csv")
def transactions_csv() -> Response:
    """Send every movement as CSV, page by page, so that no list is too long."""
    head = [
        _("Date"), _("Type"), _("Details"), _("Amount"), _("Bonus credit"), _("Owed"),
        _("Currency"), _("Balance after"),
    ]  # fmt: skip
    answer = Response(stream_with_context(_csv_lines(head)), mimetype="text/csv")
    answer.headers["Content-Disposition"] = 'attachment; filename="transactions.csv"'
    return answer


def _row(line: HistoryLine) -> TransactionRow:
    return transaction_row(line, charge_page="customer_charges.charge")


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
        for line in page.rows:
            row = transaction_row(line)
            yield _csv_line(
                [
                    row.at.isoformat(timespec="seconds"), row.title, row.detail,
                    str(line.amount.amount), _major(line.bonus_moved), _major(line.owed_moved),
                    row.amount.currency, str(row.balance_after.amount),
                ]
            )  # fmt: skip
        if page.next_cursor is None:
            return
        before = int(page.next_cursor)


def _major(amount: Money | None) -> str:
    return "" if amount is None else str(amount.amount)


def _csv_line(values: list[str]) -> str:
    buffer = io.StringIO()
    # A cell that starts like a formula would run in a spreadsheet (OWASP: CSV injection).
    guarded = [f"'{value}" if value.startswith(("=", "@", "\t")) else value for value in values]
    csv.writer(buffer).writerow(guarded)
    return buffer.getvalue()
