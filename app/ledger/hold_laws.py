"""Invariant I9 of guides/ledger.md: what is held is what open holds keep back.

Each is a law's name, what it says, and its query (see `laws.py`). A hold puts the money of the
wallet's account in doubt, which it names first.
"""

from __future__ import annotations

_NAMED = "h.id::text AS id, h.book_id, h.account_id"
# What every hold keeps back, a row for each account; of uneven arrays, NULL where one ends.
_PARTS = """
SELECT h.book_id, h.id, h.state, part.account_id, part.amount
  FROM ledger_holds h
 CROSS JOIN LATERAL unnest(h.accounts, h.amounts) AS part (account_id, amount)
"""

HOLD_LAWS: tuple[tuple[str, str, str], ...] = (
    (
        "held-is-open-holds",
        "A guarded account holds back the sum of what its open holds keep of it",
        f"""
        SELECT b.account_id::text AS id, b.book_id, b.account_id,
               b.held = coalesce(s.kept, 0) AS holds
          FROM ledger_balances b
          LEFT JOIN (SELECT book_id, account_id, sum(amount) AS kept FROM ({_PARTS}) p
                      WHERE p.state = 'open' GROUP BY book_id, account_id) s
         USING (book_id, account_id)
        """,  # noqa: S608 - constants of ours
    ),
    (
        "hold-has-parts",
        "A hold names the wallet's account first, and for each account an amount, never below 0",
        f"""
        SELECT {_NAMED},
               cardinality(h.accounts) = cardinality(h.amounts)
               AND h.accounts[1] = h.account_id AND 0 <= ALL (h.amounts) AS holds
          FROM ledger_holds h
        """,  # noqa: S608
    ),
    (
        "hold-has-accounts",
        "Whatever a hold keeps back is kept of a guarded account of its book",
        f"""
        SELECT {_NAMED}, bool_and(k.guarded IS TRUE) AS holds
          FROM ledger_holds h
         CROSS JOIN LATERAL unnest(h.accounts) AS part (id)
          LEFT JOIN ledger_accounts a ON a.book_id = h.book_id AND a.id = part.id
          LEFT JOIN ledger_account_kinds k ON k.kind = a.kind
         GROUP BY h.book_id, h.id
        """,  # noqa: S608
    ),
    (
        "hold-captured-by-entry",
        "A captured hold has its own entry, which posts on its account; no other hold has one",
        f"""
        SELECT {_NAMED},
               CASE WHEN h.state = 'captured'
                    THEN p.entry_id IS NOT NULL
                         AND count(*) OVER (PARTITION BY h.book_id, h.entry_id) = 1
                    ELSE h.entry_id IS NULL END AS holds
          FROM ledger_holds h
          LEFT JOIN ledger_entries e ON e.book_id = h.book_id AND e.id = h.entry_id
          LEFT JOIN ledger_postings p ON p.book_id = e.book_id AND p.entry_id = e.id
               AND p.account_id = h.account_id
        """,  # noqa: S608
    ),
    (
        "hold-is-closed-once",
        "A hold that is not open says when it was closed; an open one does not",
        f"""
        SELECT {_NAMED}, (h.state = 'open') = (h.closed_at IS NULL)
               AND h.state IN ('open', 'captured', 'released', 'expired') AS holds
          FROM ledger_holds h
        """,  # noqa: S608
    ),
)
