"""Figures for the pages of reseller and platform; a fixed number of queries each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import identity, ledger
from app.billing import chart
from app.billing.models import UsageRecord, Wallet
from app.kernel import Money, first_id_at, start_of_business_month
from app.tenancy import PlatformScope, TenantScope

RECENT = 12


@dataclass(frozen=True, slots=True)
class WalletLine:
    """A customer with what its wallet holds."""

    customer_id: UUID
    name: str
    number: str
    status: str
    balance: Money


@dataclass(frozen=True, slots=True)
class ChargeLine:
    """A charge in the reseller's own book and what the reseller earned of it."""

    entry_id: UUID
    at: datetime
    customer: str
    gross: Money
    net: Money
    tax: Money
    commission: Money


@dataclass(frozen=True, slots=True)
class ResellerFigures:
    """What a reseller earned: in all, from the resellers below, this Berlin month, lately."""

    commission_total: Money
    commission_below: Money
    commission_month: Money
    revenue_month: Money
    customers: Sequence[WalletLine]
    recent: Sequence[ChargeLine]


@dataclass(frozen=True, slots=True)
class BookTotals:
    """How the charges of a book were shared: gross = commission + revenue + tax."""

    commission: Money
    revenue: Money
    tax: Money
    gross: Money


def reseller_figures(
    session: Session, scope: TenantScope, *, currency: str, now: datetime
) -> ResellerFigures:
    """Return a reseller's figures in one currency."""
    month = start_of_business_month(now)
    owned = ledger.owned_balances(session, scope.reseller_id)
    commissions = [
        line for line in owned if line.kind == chart.COMMISSION and line.posted.currency == currency
    ]
    total = sum(line.posted.minor for line in commissions)
    below = sum(line.posted.minor for line in commissions if line.book_id != scope.reseller_id)
    accounts = {line.account_id: line.book_id for line in commissions}
    earned = ledger.credited_since(session, accounts, since=month)
    revenue = session.scalar(
        select(func.coalesce(func.sum(UsageRecord.gross_minor), 0))
        .join(
            Wallet,
            (Wallet.reseller_id == UsageRecord.reseller_id) & (Wallet.id == UsageRecord.wallet_id),
        )
        .where(
            UsageRecord.reseller_id == scope.reseller_id,
            UsageRecord.entry_id >= first_id_at(month),
            Wallet.currency == currency,
        )
    )
    return ResellerFigures(
        commission_total=Money(total, currency),
        commission_below=Money(below, currency),
        commission_month=Money(earned, currency),
        revenue_month=Money(int(revenue or 0), currency),
        customers=_customers(session, scope, currency),
        recent=_recent(session, scope, currency),
    )


def platform_figures(
    session: Session, scope: PlatformScope, *, currency: str
) -> tuple[BookTotals, dict[UUID, BookTotals]]:
    """Return the totals of the whole platform and of each reseller's book, in one query."""
    sums: dict[UUID, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for line in ledger.shared_balances(session):
        if line.posted.currency == currency:
            sums[line.book_id][line.kind] += line.posted.minor
    books = {book: _totals(kinds, currency) for book, kinds in sums.items()}
    whole: dict[str, int] = defaultdict(int)
    for kinds in sums.values():
        for kind, minor in kinds.items():
            whole[kind] += minor
    return _totals(whole, currency), books


def customer_counts(session: Session, scope: PlatformScope) -> dict[UUID, int]:
    """Return how many customers each reseller has."""
    query = select(identity.Customer.reseller_id, func.count().label("customers")).group_by(
        identity.Customer.reseller_id
    )
    return {row.reseller_id: row.customers for row in session.execute(query)}


def _totals(kinds: dict[str, int], currency: str) -> BookTotals:
    commission = kinds.get(chart.COMMISSION, 0)
    # Bonuses are commission that the platform pays out of what it earned.
    revenue = kinds.get(chart.REVENUE, 0) + kinds.get(chart.PROMOTION, 0)
    # The tax share of all charges: prepaid tax is negative by what top-ups paid ahead of use.
    tax = kinds.get(chart.TAX_PAYABLE, 0) + kinds.get(chart.TAX_PREPAID, 0)
    return BookTotals(
        commission=Money(commission, currency),
        revenue=Money(revenue, currency),
        tax=Money(tax, currency),
        gross=Money(commission + revenue + tax, currency),
    )


def _customers(session: Session, scope: TenantScope, currency: str) -> list[WalletLine]:
    rows = session.execute(
        select(identity.Customer, Wallet)
        .join(
            Wallet,
            (Wallet.reseller_id == identity.Customer.reseller_id)
            & (Wallet.customer_id == identity.Customer.id),
        )
        .where(identity.Customer.reseller_id == scope.reseller_id, Wallet.currency == currency)
        .order_by(identity.Customer.number)
        .limit(100)
    ).all()
    accounts = [wallet.account_id for _, wallet in rows]
    balances = ledger.get_balances(session, scope.reseller_id, accounts)
    return [wallet_line(customer, wallet, balances[wallet.account_id]) for customer, wallet in rows]


def wallet_line(customer: identity.Customer, wallet: Wallet, balance: ledger.Balance) -> WalletLine:
    """Return a customer with its balance, and whether that is low."""
    is_low = balance.available.minor < wallet.low_balance_minor
    is_active = customer.state == identity.CustomerState.ACTIVE.value
    return WalletLine(
        customer_id=customer.id,
        name=customer.name,
        number=customer.number,
        status="low" if is_active and is_low else customer.state,
        balance=balance.posted,
    )


def _recent(session: Session, scope: TenantScope, currency: str) -> list[ChargeLine]:
    own = ledger.account_id(
        scope.reseller_id, ledger.AccountName(chart.COMMISSION, scope.reseller_id, currency)
    )
    rows = session.execute(
        select(UsageRecord, identity.Customer.name)
        .join(
            Wallet,
            (Wallet.reseller_id == UsageRecord.reseller_id) & (Wallet.id == UsageRecord.wallet_id),
        )
        .join(
            identity.Customer,
            (identity.Customer.reseller_id == Wallet.reseller_id)
            & (identity.Customer.id == Wallet.customer_id),
        )
        .where(UsageRecord.reseller_id == scope.reseller_id, Wallet.currency == currency)
        .order_by(UsageRecord.entry_id.desc())
        .limit(RECENT)
    ).all()
    earned = ledger.credits_of(session, scope.reseller_id, own, [row.entry_id for row, _ in rows])
    return [
        ChargeLine(
            entry_id=row.entry_id,
            at=row.occurred_at,
            customer=name,
            gross=Money(row.gross_minor, currency),
            net=Money(row.net_minor, currency),
            tax=Money(row.tax_minor, currency),
            commission=Money(earned.get(row.entry_id, 0), currency),
        )
        for row, name in rows
    ]
