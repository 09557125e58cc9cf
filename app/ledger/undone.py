"""Entries that undo another one: what they moved, and in which month that other one was counted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

# Books by their roll-ups, entries by their key: an index for both, however many others there are.
# What is in the tail is not counted yet. An entry that undoes is never counted before its own.
_UNDONE = text("""
WITH undoing AS (
    SELECT e.book_id, e.id, e.kind, coalesce(l.period, ledger_month(e.created_at)) AS period,
           CAST(split_part(e.key, ':', 2) AS uuid) AS undone_id
      FROM (SELECT DISTINCT r.book_id FROM ledger_period_rollups r
             WHERE r.period BETWEEN :since AND :until AND r.entry_kind = :kind) b
      JOIN ledger_entries e ON e.book_id = b.book_id AND e.kind = :kind AND e.key LIKE :keys
      LEFT JOIN ledger_late_entries l ON l.book_id = e.book_id AND l.entry_id = e.id
     WHERE NOT EXISTS (SELECT FROM ledger_tail t
                        WHERE t.book_id = e.book_id AND t.entry_id = e.id)
)
SELECT u.book_id, a.kind, a.currency, u.kind AS entry_kind, u.period, o.created_at AS undone_at,
       least(coalesce(l.period, ledger_month(o.created_at)), u.period) AS undone_period,
       sum(side.debited) AS debited, sum(side.credited) AS credited
  FROM undoing u
  JOIN ledger_entries o ON o.book_id = u.book_id AND o.id = u.undone_id
  LEFT JOIN ledger_late_entries l ON l.book_id = o.book_id AND l.entry_id = o.id
  JOIN ledger_transfers x ON x.book_id = u.book_id AND x.entry_id = u.id
 CROSS JOIN LATERAL (
    VALUES (x.debit_id, x.amount, 0), (x.credit_id, 0, x.amount)) side (id, debited, credited)
  JOIN ledger_accounts a ON a.book_id = u.book_id AND a.id = side.id
  JOIN ledger_account_kinds k ON k.kind = a.kind AND NOT k.guarded
 WHERE u.period BETWEEN :since AND :until
 GROUP BY u.book_id, u.id, a.kind, a.currency, u.kind, u.period, o.created_at, l.period
""")


@dataclass(frozen=True, slots=True)
class Undone:
    """What an entry that undoes another moved on shared accounts of a kind, in minor units.

    `period` is the month it was counted in; `undone_period` that of the other entry, and
    `undone_at` when the other one was written.
    """

    book_id: UUID
    kind: str
    currency: str
    entry_kind: str
    period: date
    undone_at: datetime
    undone_period: date
    debited: int
    credited: int


def undone(session: Session, *, kind: str, since: date, until: date) -> list[Undone]:
    """Return what entries of a kind undid that were counted from one month to another, both in.

    The key of such an entry is `<kind>:<id of the entry it undoes>`. For the platform's sign-in and
    months that are closed in all books; what is not rolled up is not found.
    """
    rows = session.execute(
        _UNDONE, {"kind": kind, "keys": f"{kind}:%", "since": since, "until": until}
    )
    return [
        Undone(
            row.book_id,
            row.kind,
            row.currency,
            row.entry_kind,
            row.period,
            row.undone_at,
            row.undone_period,
            int(row.debited),
            int(row.credited),
        )
        for row in rows
    ]
