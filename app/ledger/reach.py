"""How far a proof looks: what the `examined_…` relations of a law's query stand for.

The whole of the books, or what was booked since each book's last verified seal. The second kind
reads three temporary tables that `mark_new` fills, so that every law looks at the same entries;
everything else it finds by key, and its work grows with what is new.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.kernel import Scope, SignIn
from app.ledger.errors import PartialViewError


class Reach(Enum):
    """`WHOLE` counts from zero; `NEW` goes on from the last proof."""

    WHOLE = "whole"
    NEW = "new"


_WHOLE: Mapping[str, str] = {
    "examined_accounts": "SELECT * FROM ledger_accounts",
    "examined_balances": "SELECT * FROM ledger_balances",
    "examined_entries": "SELECT * FROM ledger_entries",
    "examined_keys": "SELECT * FROM ledger_entries",
    "examined_transfers": "SELECT * FROM ledger_transfers",
    "examined_postings": "SELECT * FROM ledger_postings",
    "examined_tail": "SELECT * FROM ledger_tail",
    "examined_rollups": "SELECT * FROM ledger_rollups",
    "examined_late": "SELECT * FROM ledger_late_entries",
    "examined_seals": "SELECT * FROM ledger_seals",
    "examined_places": """
        SELECT book_id, entry_id FROM ledger_tail
        UNION ALL
        SELECT s.book_id, u.entry_id FROM ledger_seals s
         CROSS JOIN unnest(s.entry_ids) u (entry_id)""",
    # Nothing is taken for granted, and all that left the tail was counted.
    "proved_rollups": """
        SELECT NULL::uuid AS book_id, NULL::uuid AS account_id, NULL::bigint AS posted
         WHERE false""",
    "counted_transfers": """
        SELECT x.* FROM ledger_transfers x WHERE NOT EXISTS (
            SELECT FROM ledger_tail t WHERE t.book_id = x.book_id AND t.entry_id = x.entry_id)""",
}

_NEW: Mapping[str, str] = {
    "examined_accounts": """
        SELECT a.* FROM pg_temp.new_accounts n
          JOIN ledger_accounts a ON a.book_id = n.book_id AND a.id = n.account_id""",
    "examined_balances": """
        SELECT b.* FROM pg_temp.new_accounts n
          JOIN ledger_balances b ON b.book_id = n.book_id AND b.account_id = n.account_id""",
    "examined_entries": """
        SELECT e.* FROM pg_temp.new_entries n
          JOIN ledger_entries e ON e.book_id = n.book_id AND e.id = n.entry_id""",
    # Every entry under the key of a new one.
    "examined_keys": """
        SELECT e.* FROM pg_temp.new_entries n
          JOIN ledger_entries k ON k.book_id = n.book_id AND k.id = n.entry_id
          JOIN ledger_entries e ON e.book_id = k.book_id AND e.key = k.key""",
    "examined_transfers": """
        SELECT x.* FROM pg_temp.new_entries n
          JOIN ledger_transfers x ON x.book_id = n.book_id AND x.entry_id = n.entry_id""",
    "examined_postings": """
        SELECT p.* FROM pg_temp.new_entries n
          JOIN ledger_postings p ON p.book_id = n.book_id AND p.entry_id = n.entry_id""",
    "examined_tail": """
        SELECT t.* FROM pg_temp.new_books b JOIN ledger_tail t ON t.book_id = b.book_id""",
    "examined_rollups": """
        SELECT r.* FROM pg_temp.new_books b JOIN ledger_rollups r ON r.book_id = b.book_id""",
    "examined_late": """
        SELECT l.* FROM pg_temp.new_entries n
          JOIN ledger_late_entries l ON l.book_id = n.book_id AND l.entry_id = n.entry_id""",
    "examined_seals": """
        SELECT s.* FROM pg_temp.new_books b
          JOIN ledger_seals s ON s.book_id = b.book_id AND s.n > b.n_from AND s.n <= b.n_to""",
    "examined_places": """
        SELECT t.book_id, t.entry_id FROM pg_temp.new_books b
          JOIN ledger_tail t ON t.book_id = b.book_id
        UNION ALL
        SELECT s.book_id, u.entry_id FROM pg_temp.new_books b
          JOIN ledger_seals s ON s.book_id = b.book_id AND s.n > b.n_from
         CROSS JOIN unnest(s.entry_ids) u (entry_id)""",
    "proved_rollups": """
        SELECT v.book_id, v.account_id, v.posted FROM pg_temp.new_books b
          JOIN ledger_verified_rollups v ON v.book_id = b.book_id""",
    # Roll-up and seal are one transaction: what the seals since the last proof hold was counted
    # since then. Its number is read here, not from `new_books`: a proof that ends meanwhile moves
    # it together with the proved roll-ups.
    "counted_transfers": """
        SELECT x.* FROM pg_temp.new_books b
          LEFT JOIN ledger_verified v ON v.book_id = b.book_id
          JOIN ledger_seals s ON s.book_id = b.book_id AND s.n > coalesce(v.n, 0)
         CROSS JOIN unnest(s.entry_ids) u (entry_id)
          JOIN ledger_transfers x ON x.book_id = s.book_id AND x.entry_id = u.entry_id""",
}


def relations(reach: Reach) -> Mapping[str, str]:
    """Return the queries of the relations that the ledger's laws examine."""
    return _WHOLE if reach is Reach.WHOLE else _NEW


_FIRST_ID = "'00000000-0000-0000-0000-000000000000'::uuid"

# One step of the index for each book, however much it holds; a quiet book is left out.
_BOOKS = f"""
CREATE TEMPORARY TABLE new_books ON COMMIT DROP AS
WITH RECURSIVE sealed AS (
    (SELECT book_id FROM ledger_seals ORDER BY book_id LIMIT 1)
    UNION ALL
    SELECT (SELECT s.book_id FROM ledger_seals s WHERE s.book_id > sealed.book_id
             ORDER BY s.book_id LIMIT 1)
      FROM sealed WHERE sealed.book_id IS NOT NULL
), booked AS (
    (SELECT book_id FROM ledger_entries ORDER BY book_id LIMIT 1)
    UNION ALL
    SELECT (SELECT e.book_id FROM ledger_entries e WHERE e.book_id > booked.book_id
             ORDER BY e.book_id LIMIT 1)
      FROM booked WHERE booked.book_id IS NOT NULL
)
SELECT b.book_id, coalesce(v.n, 0) AS n_from, coalesce(head.n, 0) AS n_to,
       coalesce(v.last_entry_id, {_FIRST_ID}) AS last_entry_id
  FROM (SELECT book_id FROM sealed UNION SELECT book_id FROM booked) b
  LEFT JOIN ledger_verified v ON v.book_id = b.book_id
  LEFT JOIN LATERAL (SELECT s.n FROM ledger_seals s WHERE s.book_id = b.book_id
                      ORDER BY s.n DESC LIMIT 1) head ON true
 WHERE b.book_id IS NOT NULL
   AND (head.n > coalesce(v.n, 0)
        OR EXISTS (SELECT FROM ledger_tail t WHERE t.book_id = b.book_id)
        OR EXISTS (SELECT FROM ledger_entries e WHERE e.book_id = b.book_id
                      AND e.id > coalesce(v.last_entry_id, {_FIRST_ID})))
"""  # noqa: S608 - constants of ours

# What the new seals and the tail hold, and what neither knows but is younger than all that was
# proved: somebody put it in by hand.
_ENTRIES = """
CREATE TEMPORARY TABLE new_entries ON COMMIT DROP AS
SELECT s.book_id, u.entry_id FROM pg_temp.new_books b
  JOIN ledger_seals s ON s.book_id = b.book_id AND s.n > b.n_from AND s.n <= b.n_to
 CROSS JOIN unnest(s.entry_ids) u (entry_id)
UNION
SELECT t.book_id, t.entry_id FROM pg_temp.new_books b
  JOIN ledger_tail t ON t.book_id = b.book_id
UNION
SELECT e.book_id, e.id FROM pg_temp.new_books b
  JOIN ledger_entries e ON e.book_id = b.book_id AND e.id > b.last_entry_id
"""

_ACCOUNTS = """
CREATE TEMPORARY TABLE new_accounts ON COMMIT DROP AS
SELECT x.book_id, side.account_id FROM pg_temp.new_entries n
  JOIN ledger_transfers x ON x.book_id = n.book_id AND x.entry_id = n.entry_id
 CROSS JOIN LATERAL (VALUES (x.debit_id), (x.credit_id)) side (account_id)
UNION
SELECT p.book_id, p.account_id FROM pg_temp.new_entries n
  JOIN ledger_postings p ON p.book_id = n.book_id AND p.entry_id = n.entry_id
"""


def mark_new(session: Session, scope: Scope, reach: Reach) -> None:
    """Fix what is new in the books at this moment, for the laws and for `record_verified`.

    It holds until the end of the transaction. A whole proof needs the books alone.
    """
    if scope.sign_in is not SignIn.PLATFORM:
        raise PartialViewError("mark_new")
    session.execute(
        text("DROP TABLE IF EXISTS pg_temp.new_books, pg_temp.new_entries, pg_temp.new_accounts")
    )
    _fill(session, "new_books", _BOOKS)
    if reach is Reach.NEW:
        _fill(session, "new_entries", _ENTRIES)
        _fill(session, "new_accounts", _ACCOUNTS)


def _fill(session: Session, table: str, query: str) -> None:
    session.execute(text(query))
    # Without figures the planner would take a handful of rows for thousands and read whole tables.
    session.execute(text(f"ANALYZE pg_temp.{table}"))


# Whoever ends first moves the mark; a proof that began earlier and ends later leaves it.
_WAIT = "SELECT pg_advisory_xact_lock(hashtextextended('ledger_verified', 0))"
_LEAVE_PROVED = """
DELETE FROM pg_temp.new_books b
 WHERE b.n_to = 0 OR b.n_to <= (
    SELECT v.n FROM ledger_verified v WHERE v.book_id = b.book_id)
"""
# As of the seal that was proved: what was counted since then is taken off again.
_RECORD_ROLLUPS = """
INSERT INTO ledger_verified_rollups (book_id, account_id, posted)
SELECT r.book_id, r.account_id, r.posted - coalesce(later.total, 0)
  FROM pg_temp.new_books b
  JOIN ledger_rollups r ON r.book_id = b.book_id
  LEFT JOIN (SELECT x.book_id, side.account_id, sum(side.delta)::bigint AS total
               FROM pg_temp.new_books n
               JOIN ledger_seals s ON s.book_id = n.book_id AND s.n > n.n_to
              CROSS JOIN unnest(s.entry_ids) u (entry_id)
               JOIN ledger_transfers x ON x.book_id = s.book_id AND x.entry_id = u.entry_id
              CROSS JOIN LATERAL (
                VALUES (x.debit_id, -x.amount), (x.credit_id, x.amount)) side (account_id, delta)
              GROUP BY x.book_id, side.account_id) later
    ON later.book_id = r.book_id AND later.account_id = r.account_id
ON CONFLICT (book_id, account_id) DO UPDATE SET posted = excluded.posted
"""
_RECORD_BOOKS = """
INSERT INTO ledger_verified (book_id, n, seal_hash, last_entry_id, at)
SELECT b.book_id, b.n_to, head.seal_hash, greatest(b.last_entry_id, greatest_new.id), now()
  FROM pg_temp.new_books b
  JOIN ledger_seals head ON head.book_id = b.book_id AND head.n = b.n_to
 CROSS JOIN LATERAL (
    SELECT s.entry_ids[cardinality(s.entry_ids)] AS id FROM ledger_seals s
     WHERE s.book_id = b.book_id AND s.n > b.n_from AND s.n <= b.n_to
     ORDER BY 1 DESC LIMIT 1) greatest_new
ON CONFLICT (book_id) DO UPDATE
   SET n = excluded.n, seal_hash = excluded.seal_hash,
       last_entry_id = excluded.last_entry_id, at = excluded.at
"""


def record_verified(session: Session, scope: Scope) -> None:
    """Remember that all that `mark_new` marked was proved: the next proof of NEW goes on there.

    Only after every law held, in the same transaction.
    """
    if scope.sign_in is not SignIn.PLATFORM:
        raise PartialViewError("record_verified")
    for statement in (_WAIT, _LEAVE_PROVED, _RECORD_ROLLUPS, _RECORD_BOOKS):
        session.execute(text(statement))
