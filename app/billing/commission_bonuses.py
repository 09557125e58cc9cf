"""Bonuses for resellers: who has earned one, and the entry that grants it, once per customer.

Usage that was written off by then is none; a bonus that was granted before stays. The terms that
hold at the event count: at the customer's first settled top-up (new customer, retention), at the
end of the month of use or now, while it lasts (high usage).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from app import commissions, identity, ledger
from app.billing import chart
from app.billing.credit_models import Reversal
from app.billing.models import TopUp, TopUpState, UsageRecord, Wallet
from app.billing.rules import reversal_key
from app.commissions import BonusKind
from app.kernel import Money, first_id_at
from app.ledger import AccountName, EntryDraft, TransferDraft
from app.tenancy import TenantScope

# How long after its day a retention is still looked for: longer than a worker may be down.
_LOOKED_FOR = timedelta(days=35)


@dataclass(frozen=True, slots=True)
class FirstPayment:
    """When a customer paid in for the first time, and in which currency."""

    customer_id: UUID
    settled_at: datetime
    currency: str


def grant_new_customer_bonus(
    session: Session, scope: TenantScope, *, wallet_id: UUID, now: datetime
) -> Money | None:
    """Grant the bonus for the customer whose top-up has settled; None where none is due.

    Due is what was agreed when its first top-up settled. Safe to repeat, in any order.
    """
    wallet = session.get_one(Wallet, (scope.reseller_id, wallet_id))
    first = next(iter(_first_payments(session, scope, customer_id=wallet.customer_id)), None)
    if first is None:
        return None
    terms = commissions.bonus_terms(
        session, scope, kind=BonusKind.NEW_CUSTOMER, currency=first.currency, at=first.settled_at
    )
    if terms is None:
        return None
    return _grant(
        session, scope, first.customer_id, BonusKind.NEW_CUSTOMER, amount=terms.amount, now=now
    )


def grant_due_bonuses(session: Session, scope: TenantScope, *, now: datetime) -> list[Money]:
    """Grant what a reseller's customers have earned by staying and by using much; return it.

    For a daily job; safe to repeat. Looks at this Berlin month and the one before, and at
    retentions that fell due in the last 35 days: a worker that was down for longer missed some.
    """
    granted = [*_retentions(session, scope, now), *_high_usages(session, scope, now)]
    return [amount for amount in granted if amount is not None]


def _retentions(session: Session, scope: TenantScope, now: datetime) -> Iterator[Money | None]:
    for first in _first_payments(session, scope):
        terms = commissions.bonus_terms(
            session, scope, kind=BonusKind.RETENTION, currency=first.currency, at=first.settled_at
        )
        if terms is None or terms.months is None:
            continue
        due = commissions.months_after(first.settled_at, terms.months)
        is_time = due <= now < due + _LOOKED_FOR
        if is_time and _stayed(session, scope, first, terms.months):
            yield _grant(
                session, scope, first.customer_id, BonusKind.RETENTION, amount=terms.amount, now=now
            )


def _stayed(session: Session, scope: TenantScope, first: FirstPayment, months: int) -> bool:
    """Return whether a customer is active and used something in each month since it first paid."""
    customer = identity.get_customer(session, scope, customer_id=first.customer_id)
    if customer.state != identity.CustomerState.ACTIVE.value:
        return False
    accounts = session.scalars(
        select(Wallet.account_id).where(
            Wallet.reseller_id == scope.reseller_id, Wallet.customer_id == first.customer_id
        )
    ).all()
    edges = [commissions.months_after(first.settled_at, number) for number in range(months + 1)]
    return all(
        ledger.has_entry(
            session,
            scope.reseller_id,
            accounts,
            kind=chart.USAGE,
            since=since,
            until=until,
            undone_by=reversal_key(""),
        )
        for since, until in pairwise(edges)
    )


def _high_usages(session: Session, scope: TenantScope, now: datetime) -> Iterator[Money | None]:
    this_month = commissions.starts_at(commissions.month_of(now))
    last_month = commissions.starts_at(commissions.month_of(this_month - timedelta(days=1)))
    for since, until in ((last_month, this_month), (this_month, now)):
        # The month before is judged by the terms at its end.
        at = min(until - timedelta(microseconds=1), now)
        for customer_id, used in _used(session, scope, since, until):
            terms = commissions.bonus_terms(
                session, scope, kind=BonusKind.HIGH_USAGE, currency=used.currency, at=at
            )
            if terms is not None and terms.threshold is not None and used >= terms.threshold:
                yield _grant(
                    session, scope, customer_id, BonusKind.HIGH_USAGE, amount=terms.amount, now=now
                )


def _used(
    session: Session, scope: TenantScope, since: datetime, until: datetime
) -> Sequence[tuple[UUID, Money]]:
    """Return what each customer used in a span of booking and still pays for, gross, by wallet."""
    rows = session.execute(
        select(
            Wallet.customer_id, Wallet.currency, func.sum(UsageRecord.gross_minor).label("gross")
        )
        .join(
            Wallet,
            (Wallet.reseller_id == UsageRecord.reseller_id) & (Wallet.id == UsageRecord.wallet_id),
        )
        .outerjoin(
            Reversal,
            (Reversal.reseller_id == UsageRecord.reseller_id)
            & (Reversal.entry_id == UsageRecord.entry_id),
        )
        .where(
            UsageRecord.reseller_id == scope.reseller_id,
            UsageRecord.entry_id >= first_id_at(since),
            UsageRecord.entry_id < first_id_at(until),
            Reversal.entry_id.is_(None),
        )
        .group_by(Wallet.customer_id, Wallet.currency)
        .order_by(Wallet.customer_id, Wallet.currency)
    )
    return [(row.customer_id, Money(int(row.gross), row.currency)) for row in rows]


def _first_payments(
    session: Session, scope: TenantScope, *, customer_id: UUID | None = None
) -> list[FirstPayment]:
    """Return when each customer's first top-up settled: of all customers, or of one."""
    query = (
        select(Wallet.customer_id, TopUp.settled_at, TopUp.currency)
        .ext(distinct_on(Wallet.customer_id))
        .join(Wallet, (Wallet.reseller_id == TopUp.reseller_id) & (Wallet.id == TopUp.wallet_id))
        .where(TopUp.reseller_id == scope.reseller_id, TopUp.state == TopUpState.SETTLED.value)
        .order_by(Wallet.customer_id, TopUp.settled_at, TopUp.id)
    )
    if customer_id is not None:
        query = query.where(Wallet.customer_id == customer_id)
    return [
        FirstPayment(row.customer_id, row.settled_at, row.currency)
        for row in session.execute(query)
        if row.settled_at is not None
    ]


def _grant(
    session: Session,
    scope: TenantScope,
    customer_id: UUID,
    kind: BonusKind,
    *,
    amount: Money,
    now: datetime,
) -> Money | None:
    """Post a bonus and write it down; None where the customer has earned it before."""
    if commissions.is_granted(session, scope, customer_id=customer_id, kind=kind):
        return None
    posted = _post(session, scope, amount, key=f"bonus:{kind.value}:{customer_id}", now=now)
    commissions.note_bonus(
        session,
        scope,
        customer_id=customer_id,
        kind=kind,
        amount=amount,
        entry_id=posted.entry_id,
        now=now,
    )
    return None if posted.replayed else amount


def _post(
    session: Session, scope: TenantScope, amount: Money, *, key: str, now: datetime
) -> ledger.Posted:
    book = scope.reseller_id
    promotion, commission = (
        ledger.open_account(session, book, name)
        for name in (
            chart.platform_account(chart.PROMOTION, amount.currency),
            AccountName(chart.COMMISSION, book, amount.currency),
        )
    )
    return ledger.post(
        session,
        EntryDraft(
            book_id=book,
            kind=chart.COMMISSION_BONUS,
            key=key,
            input_hash=ledger.fingerprint({"minor": amount.minor, "currency": amount.currency}),
            effective_at=now,
            transfers=[TransferDraft(promotion, commission, amount)],
            watch=None,
        ),
    )
