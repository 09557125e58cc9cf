"""A reseller's customers as her list shows them, a page at a time."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from app import ledger
from app.billing.figures import WalletLine, wallet_line
from app.billing.models import Wallet
from app.identity import Customer
from app.kernel import PAGE_SIZE, Page
from app.tenancy import TenantScope


def customer_page(
    session: Session,
    scope: TenantScope,
    *,
    currency: str,
    search: str = "",
    before: UUID | None = None,
    size: int = PAGE_SIZE,
) -> Page[WalletLine]:
    """Return customers with a wallet of a currency, newest first, in two queries.

    `search` is part of a name or number; the cursor is a customer's id.
    """
    query = (
        select(Customer, Wallet)
        .join(
            Wallet,
            (Wallet.reseller_id == Customer.reseller_id) & (Wallet.customer_id == Customer.id),
        )
        .where(Customer.reseller_id == scope.reseller_id, Wallet.currency == currency)
        .order_by(Customer.id.desc())
        .limit(size + 1)
    )
    if search:
        query = query.where(_holds(search.casefold()))
    if before is not None:
        query = query.where(Customer.id < before)
    rows = session.execute(query).all()
    shown = rows[:size]
    accounts = [wallet.account_id for _, wallet in shown]
    balances = ledger.get_balances(session, scope.reseller_id, accounts)
    lines = [
        wallet_line(customer, wallet, balances[wallet.account_id]) for customer, wallet in shown
    ]
    return Page(lines, str(shown[-1][0].id) if len(rows) > size else None)


def _holds(sought: str) -> ColumnElement[bool]:
    return or_(
        func.lower(Customer.name).contains(sought, autoescape=True),
        func.lower(Customer.number).contains(sought, autoescape=True),
    )
