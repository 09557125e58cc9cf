"""Sums of a month over shared accounts: what reports and month ends are reckoned from.

The period of an entry is the month (of the business zone) it was written in, but never one that
its book has closed: what comes late counts in the first open month (migration 0011).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.kernel import first_id_at

# An entry's id is made before the entry is written, and by less than this.
_AGE_OF_AN_ID = timedelta(days=1)

# A transfer as two sides, in the words of the period roll-ups.
_SIDES = """
LATERAL (VALUES (x.debit_id, x.amount, 0), (x.credit_id, 0, x.amount)) side (id, debited, credited)
"""

# The month in which a tail entry will be counted.
_OF_TAIL = "greatest(ledger_month(e.created_at), open.since)"
_FIRST_OPEN = """
(SELECT c.book_id, (max(c.period) + interval '1 month')::date AS since
   FROM ledger_closed_periods c GROUP BY c.book_id) open
"""

_TOTALS = text(f"""
WITH counted AS (
    SELECT book_id, account_id, entry_kind, debited, credited
      FROM ledger_period_rollups WHERE period = :period
    UNION ALL
    SELECT x.book_id, side.id, e.kind, side.debited, side.credited
      FROM ledger_tail t
      JOIN ledger_entries e ON e.book_id = t.book_id AND e.id = t.entry_id
      JOIN ledger_transfers x ON x.book_id = t.book_id AND x.entry_id = t.entry_id
      LEFT JOIN {_FIRST_OPEN} ON open.book_id = t.book_id
     CROSS JOIN {_SIDES}
     WHERE {_OF_TAIL} = :period
)
SELECT a.book_id, a.id AS account_id, a.owner_id, a.kind, a.currency, c.entry_kind,
       sum(c.debited) AS debited, sum(c.credited) AS credited
  FROM counted c
  JOIN ledger_accounts a ON a.book_id = c.book_id AND a.id = c.account_id
  JOIN ledger_account_kinds k ON k.kind = a.kind AND NOT k.guarded
 GROUP BY a.book_id, a.id, c.entry_kind
""")  # noqa: S608 - constants of ours

# One step of the index per month, however many roll-ups a month has.
_PERIODS = text(f"""
WITH RECURSIVE months AS (
    (SELECT period FROM ledger_period_rollups ORDER BY period LIMIT 1)
    UNION ALL
    SELECT (SELECT r.period FROM ledger_period_rollups r WHERE r.period > months.period
             ORDER BY r.period LIMIT 1)
      FROM months WHERE months.period IS NOT NULL
)
SELECT period FROM months WHERE period IS NOT NULL
UNION
SELECT {_OF_TAIL}
  FROM ledger_tail t
  JOIN ledger_entries e ON e.book_id = t.book_id AND e.id = t.entry_id
  LEFT JOIN {_FIRST_OPEN} ON open.book_id = t.book_id
ORDER BY 1
""")  # noqa: S608

# Entries themselves: for the rare month that has to be cut within.
_PARTS = text(f"""
SELECT width_bucket(e.created_at, CAST(:cuts AS timestamptz[])) AS part,
       a.kind, a.currency, e.kind AS entry_kind,
       sum(side.debited) AS debited, sum(side.credited) AS credited
  FROM ledger_entries e
  LEFT JOIN ledger_late_entries l ON l.book_id = e.book_id AND l.entry_id = e.id
  LEFT JOIN ledger_tail t ON t.book_id = e.book_id AND t.entry_id = e.id
  LEFT JOIN {_FIRST_OPEN} ON open.book_id = e.book_id AND t.entry_id IS NOT NULL
  JOIN ledger_transfers x ON x.book_id = e.book_id AND x.entry_id = e.id
 CROSS JOIN {_SIDES}
  JOIN ledger_accounts a ON a.book_id = e.book_id AND a.id = side.id
  JOIN ledger_account_kinds k ON k.kind = a.kind AND NOT k.guarded
 WHERE e.book_id = :book AND e.id >= :first AND e.created_at >= :since
   AND coalesce(l.period, {_OF_TAIL}) = :period
 GROUP BY 1, 2, 3, 4
""")  # noqa: S608

_HAS_ENTRY = text("""
SELECT EXISTS (
    SELECT FROM ledger_postings p
      JOIN ledger_entries e ON e.book_id = p.book_id AND e.id = p.entry_id
     WHERE p.book_id = :book AND p.account_id = ANY (:accounts) AND e.kind = :kind
       AND e.created_at >= :since AND e.created_at < :until
       AND NOT EXISTS (SELECT FROM ledger_entries u
                        WHERE u.book_id = e.book_id AND u.key = :undone_by || e.id))
""")


@dataclass(frozen=True, slots=True)
class PeriodTotal:
    """What entries of one kind moved on a shared account in a month, in minor units."""

    book_id: UUID
    account_id: UUID
    owner_id: UUID
    kind: str
    currency: str
    entry_kind: str
    debited: int
    credited: int


@dataclass(frozen=True, slots=True)
class PeriodPart:
    """The same of a part of a month, over all accounts of a kind; parts are numbered from 0."""

    part: int
    kind: str
    currency: str
    entry_kind: str
    debited: int
    credited: int


@dataclass(frozen=True, slots=True)
class OwnedPeriod:
    """A month of a book as one of its beneficiaries may see it: own accounts, and all others."""

    book_id: UUID
    is_own: bool
    kind: str
    currency: str
    entry_kind: str
    debited: int
    credited: int


@dataclass(frozen=True, slots=True)
class OwnedCredit:
    """An entry that credited an owner with `amount` of the `whole` it moved (minor units)."""

    book_id: UUID
    entry_id: UUID
    kind: str
    created_at: datetime
    currency: str
    amount: int
    whole: int


def close_period(session: Session, book_id: UUID, period: date) -> bool:
    """Roll a book up to its end and close a month (its first day) in it, for ever.

    Entries that come later count in the first open month. Safe to repeat: False the second time.
    Refuses nothing: whether the month is over is for the caller to know.
    """
    closed = session.execute(
        text("SELECT ledger_close_period(:book, :period)"), {"book": book_id, "period": period}
    )
    return bool(closed.scalar_one())


def period_totals(session: Session, *, period: date) -> list[PeriodTotal]:
    """Return what a month moved on every shared account, exact at this moment, in one query.

    For the platform's sign-in; a tenant sees its own book alone.
    """
    return [
        PeriodTotal(
            row.book_id,
            row.account_id,
            row.owner_id,
            row.kind,
            row.currency,
            row.entry_kind,
            int(row.debited),
            int(row.credited),
        )
        for row in session.execute(_TOTALS, {"period": period})
    ]


def periods(session: Session) -> list[date]:
    """Return every month in which something was booked, in order; for the platform's sign-in."""
    return list(session.scalars(_PERIODS))


def split_period(
    session: Session, book_id: UUID, *, period: date, at: Sequence[datetime]
) -> list[PeriodPart]:
    """Return what a month moved in a book from the first of these instants on, cut at each.

    Part 1 begins at the first instant. Reads entries, not roll-ups: for months that must be cut.
    """
    cuts = sorted(at)
    rows = session.execute(
        _PARTS,
        {
            "book": book_id,
            "period": period,
            "cuts": cuts,
            "since": cuts[0],
            "first": first_id_at(cuts[0] - _AGE_OF_AN_ID),
        },
    )
    return [
        PeriodPart(
            row.part, row.kind, row.currency, row.entry_kind, int(row.debited), int(row.credited)
        )
        for row in rows
    ]


def owned_periods(session: Session, owner_id: UUID, *, period: date) -> list[OwnedPeriod]:
    """Return a month of every book in which an owner has an account, exact at this moment.

    A tenant's scope may ask for itself only; the platform's for anybody.
    """
    rows = session.execute(
        text("SELECT * FROM ledger_owned_periods(:owner, :period)"),
        {"owner": owner_id, "period": period},
    )
    return [OwnedPeriod(*row) for row in rows]


def owned_credits(
    session: Session,
    owner_id: UUID,
    *,
    kinds: Sequence[str],
    since: UUID,
    before: UUID,
    limit: int,
) -> list[OwnedCredit]:
    """Return the latest entries that credited an owner's accounts of these kinds, over all books.

    `since` (included) and `before` (not) are ids, newest first. Who may ask: as `owned_periods`.
    """
    rows = session.execute(
        text("SELECT * FROM ledger_owned_credits(:owner, :kinds, :since, :before, :limit)"),
        {"owner": owner_id, "kinds": list(kinds), "since": since, "before": before, "limit": limit},
    )
    return [OwnedCredit(*row) for row in rows]


def has_entry(
    session: Session,
    book_id: UUID,
    accounts: Sequence[UUID],
    *,
    kind: str,
    since: datetime,
    until: datetime,
    undone_by: str,
) -> bool:
    """Return whether an entry of a kind, written in a span, touched a guarded account of these.

    One that was undone since does not count: another entry's key is `undone_by` and its id.
    """
    asked = {
        "book": book_id,
        "accounts": list(accounts),
        "kind": kind,
        "undone_by": undone_by,
    }
    found = session.execute(_HAS_ENTRY, {**asked, "since": since, "until": until})
    return bool(found.scalar_one())
