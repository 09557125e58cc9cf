"""The end of a Berlin month: every charge's provisional share is trued up, exactly and once.

A recipe of several transactions, each of which may be repeated: the month is closed in every book
of the ledger, reckoned from what is then fixed, and posted reseller by reseller.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.orm import Session

from app import commissions, ledger
from app.billing import chart
from app.commissions import StatementDraft
from app.kernel import Money, transaction
from app.ledger import AccountName, EntryDraft, TransferDraft
from app.tenancy import PlatformScope, TenantScope, list_resellers

_PLATFORM = PlatformScope()


@dataclass(frozen=True, slots=True)
class MonthClosing:
    """What became of closing a month: the statements written, and how many moved money.

    `is_new` is False where the month had been closed before; then nothing was done.
    """

    month: date
    is_new: bool
    statements: int = 0
    trued_up: int = 0


def close_month(*, month: date, now: datetime) -> MonthClosing:
    """Close a month (its first day) for every reseller: post the true-ups, write the statements.

    Opens its own transactions. May be killed anywhere and begun again, and run twice at once: each
    reseller's true-up has a key of its own. Refuses a month that is not over by two hours, and one
    before which another is open.
    """
    with transaction(_PLATFORM) as session:
        if not commissions.begin_month(session, _PLATFORM, month=month, now=now):
            return MonthClosing(month, is_new=False)
        books = [tenant.id for tenant in list_resellers(session, _PLATFORM)]
    for book in books:
        with transaction(TenantScope(book)) as session:
            ledger.close_period(session, book, month)
    with transaction(_PLATFORM) as session:
        drafts = commissions.reckon_month(session, _PLATFORM, month=month)
    for draft in drafts:
        scope = TenantScope(draft.reseller_id)
        with transaction(scope) as session:
            close_statement(session, scope, draft=draft, now=now)
    with transaction(_PLATFORM) as session:
        commissions.finish_month(session, _PLATFORM, month=month, now=now)
    return MonthClosing(
        month,
        is_new=True,
        statements=len(drafts),
        trued_up=sum(1 for draft in drafts if draft.difference),
    )


def close_months(*, now: datetime) -> list[MonthClosing]:
    """Close every month that is over by two hours and open, the oldest first."""
    with transaction(_PLATFORM) as session:
        months = commissions.months_to_close(session, _PLATFORM, now=now)
    return [close_month(month=month, now=now) for month in months]


def close_statement(
    session: Session, scope: TenantScope, *, draft: StatementDraft, now: datetime
) -> None:
    """Post what a reseller's month still owes, in its own book, and write its statement.

    Safe to repeat: the entry has the key of reseller, month and currency.
    """
    known = commissions.statements_of(session, scope, month=draft.month)
    if draft.currency in known:
        return
    entry_id = _true_up(session, scope, draft, now) if draft.difference else None
    commissions.write_statement(session, scope, draft=draft, entry_id=entry_id, now=now)


def _true_up(session: Session, scope: TenantScope, draft: StatementDraft, now: datetime) -> UUID:
    book, currency = scope.reseller_id, draft.currency
    # A reseller without customers of its own has no accounts in its book yet.
    revenue, commission = (
        ledger.open_account(session, book, name)
        for name in (
            chart.platform_account(chart.REVENUE, currency),
            AccountName(chart.COMMISSION, book, currency),
        )
    )
    owed = Money(abs(draft.difference), currency)
    transfer = (
        TransferDraft(revenue, commission, owed)
        if draft.difference > 0
        else TransferDraft(commission, revenue, owed)
    )
    posted = ledger.post(
        session,
        EntryDraft(
            book_id=book,
            kind=chart.TRUE_UP,
            key=f"true-up:{book}:{draft.month:%Y-%m}:{currency}",
            input_hash=ledger.fingerprint(
                {"final": draft.final, "provisional": draft.provisional, "volume": draft.volume}
            ),
            effective_at=now,
            transfers=[transfer],
            watch=None,
        ),
    )
    return posted.entry_id
