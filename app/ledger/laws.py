"""The invariants of guides/ledger.md that apply so far, each as a query.

A law's query returns a row for each thing it examined: `id` (what to look for), `book_id` and
`account_id` (the guarded account whose money is in doubt, or NULL) and `holds`. Every query counts
from the transfers or compares two places that were written apart; none trusts a constraint.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.ledger.hold_laws import HOLD_LAWS

NOWHERE = "NULL::uuid AS book_id, NULL::uuid AS account_id"


@dataclass(frozen=True, slots=True)
class Law:
    """An invariant: its stable name, what it says, and the query that examines it."""

    name: str
    description: str
    query: str


# Every transfer as two changes, one of each account.
_CHANGES = """
SELECT x.book_id, x.entry_id, side.account_id, side.delta
  FROM ledger_transfers x
 CROSS JOIN LATERAL (
    VALUES (x.debit_id, -x.amount), (x.credit_id, x.amount)) side (account_id, delta)
"""

_ACCOUNTS = """
SELECT a.book_id, a.id AS account_id, a.currency, k.guarded
  FROM ledger_accounts a JOIN ledger_account_kinds k ON k.kind = a.kind
"""

_TAIL_CHANGES = f"""
SELECT c.* FROM ({_CHANGES}) c JOIN ledger_tail t USING (book_id, entry_id)
"""  # noqa: S608

# What is stored of every account: live balances, roll-ups, and the tail that no roll-up counted.
_STORED = f"""
SELECT s.book_id, a.currency, s.posted
  FROM (SELECT book_id, account_id, posted FROM ledger_balances
        UNION ALL SELECT book_id, account_id, posted FROM ledger_rollups
        UNION ALL SELECT t.book_id, t.account_id, t.delta
                    FROM ({_TAIL_CHANGES}) t
                    LEFT JOIN ({_ACCOUNTS}) k USING (book_id, account_id)
                   WHERE k.guarded IS NOT TRUE) s
  LEFT JOIN ({_ACCOUNTS}) a USING (book_id, account_id)
"""  # noqa: S608 - constants of ours

_BALANCES = (
    Law(
        "balance-is-transfers",
        "A guarded account holds the sum of its transfers",
        f"""
        SELECT b.account_id::text AS id, b.book_id, b.account_id,
               b.posted = coalesce(s.total, 0) AS holds
          FROM ledger_balances b
          LEFT JOIN (SELECT book_id, account_id, sum(delta) AS total FROM ({_CHANGES}) c
                      GROUP BY book_id, account_id) s USING (book_id, account_id)
        """,  # noqa: S608
    ),
    Law(
        "balance-is-last-posting",
        "A guarded account holds what its last posting left, under that posting's version",
        """
        SELECT b.account_id::text AS id, b.book_id, b.account_id,
               b.posted = coalesce(l.balance_after, 0) AND b.version = coalesce(l.version, 0)
               AS holds
          FROM ledger_balances b
          LEFT JOIN (SELECT DISTINCT ON (book_id, account_id) * FROM ledger_postings
                      ORDER BY book_id, account_id, version DESC) l USING (book_id, account_id)
        """,
    ),
    Law(
        "balance-is-guarded",
        "Every guarded account has a live balance and no other account has one",
        f"""
        SELECT account_id::text AS id, book_id, account_id,
               a.guarded IS TRUE AND b.posted IS NOT NULL AS holds
          FROM (SELECT * FROM ({_ACCOUNTS}) g WHERE g.guarded) a
          FULL JOIN ledger_balances b USING (book_id, account_id)
        """,  # noqa: S608
    ),
    Law(
        "floor",
        "No guarded account is below its limit: posted - held + credit limit >= 0",
        """
        SELECT b.account_id::text AS id, b.book_id, b.account_id,
               b.posted - b.held + b.credit_limit >= 0 AS holds
          FROM ledger_balances b
        """,
    ),
    Law(
        "held",
        "Nothing less than nothing is held, and no credit limit is negative",
        """
        SELECT b.account_id::text AS id, b.book_id, b.account_id,
               b.held >= 0 AND b.credit_limit >= 0 AS holds
          FROM ledger_balances b
        """,
    ),
)

_POSTINGS = (
    Law(
        "versions-gapless",
        "The postings of an account are numbered 1 to n",
        """
        SELECT p.account_id::text AS id, p.book_id, p.account_id,
               min(p.version) = 1 AND max(p.version) = count(*)
               AND count(DISTINCT p.version) = count(*) AS holds
          FROM ledger_postings p GROUP BY p.book_id, p.account_id
        """,
    ),
    Law(
        "balance-chain",
        "Every posting leaves what the one before left, plus its own change",
        """
        SELECT p.entry_id::text AS id, p.book_id, p.account_id,
               p.balance_after = p.delta + lag(p.balance_after, 1, 0::bigint)
                   OVER (PARTITION BY p.book_id, p.account_id ORDER BY p.version) AS holds
          FROM ledger_postings p
        """,
    ),
    Law(
        "posting-is-transfers",
        "A posting's change is the sum of its entry's transfers on that account",
        f"""
        SELECT entry_id::text AS id, book_id, account_id, p.delta = coalesce(c.delta, 0) AS holds
          FROM ledger_postings p
          FULL JOIN (SELECT book_id, entry_id, account_id, sum(delta) AS delta
                       FROM ({_CHANGES}) x JOIN ({_ACCOUNTS}) a USING (book_id, account_id)
                      WHERE a.guarded GROUP BY book_id, entry_id, account_id) c
         USING (book_id, entry_id, account_id)
        """,  # noqa: S608
    ),
    Law(
        "posting-has-entry",
        "Every posting has its entry and its guarded account",
        f"""
        SELECT p.entry_id::text AS id, p.book_id, p.account_id,
               e.id IS NOT NULL AND a.guarded IS TRUE AS holds
          FROM ledger_postings p
          LEFT JOIN ledger_entries e ON e.book_id = p.book_id AND e.id = p.entry_id
          LEFT JOIN ({_ACCOUNTS}) a ON a.book_id = p.book_id AND a.account_id = p.account_id
        """,  # noqa: S608
    ),
)

_SUMS = (
    Law(
        "zero-sum",
        "All stored balances of a currency add up to nothing",
        f"""
        SELECT coalesce(s.currency, 'unknown') AS id, {NOWHERE}, sum(s.posted) = 0 AS holds
          FROM ({_STORED}) s GROUP BY s.currency
        """,  # noqa: S608
    ),
    Law(
        "zero-sum-of-book",
        "All stored balances of a book and a currency add up to nothing",
        f"""
        SELECT s.book_id::text AS id, {NOWHERE}, sum(s.posted) = 0 AS holds
          FROM ({_STORED}) s GROUP BY s.book_id, s.currency
        """,  # noqa: S608
    ),
    Law(
        "rollup-is-transfers",
        "A shared account's roll-up is the sum of its transfers outside the tail",
        f"""
        SELECT account_id::text AS id, {NOWHERE},
               coalesce(r.posted, 0) = coalesce(s.total, 0) AS holds
          FROM ledger_rollups r
          FULL JOIN (SELECT c.book_id, c.account_id, sum(c.delta) AS total
                       FROM ({_CHANGES}) c
                       JOIN ({_ACCOUNTS}) a USING (book_id, account_id)
                      WHERE NOT a.guarded AND NOT EXISTS (
                            SELECT FROM ledger_tail t
                             WHERE t.book_id = c.book_id AND t.entry_id = c.entry_id)
                      GROUP BY c.book_id, c.account_id) s USING (book_id, account_id)
        """,  # noqa: S608
    ),
)

# A transfer with what it refers to, found or not.
_TRANSFERS = """
  FROM ledger_transfers x
  LEFT JOIN ledger_entries e ON e.book_id = x.book_id AND e.id = x.entry_id
  LEFT JOIN ledger_accounts d ON d.book_id = x.book_id AND d.id = x.debit_id
  LEFT JOIN ledger_accounts c ON c.book_id = x.book_id AND c.id = x.credit_id
"""


def _of_transfers(name: str, description: str, holds: str) -> Law:
    query = f"SELECT x.entry_id::text AS id, {NOWHERE}, {holds} AS holds {_TRANSFERS}"
    return Law(name, description, query)


_BOOKINGS = (
    _of_transfers("transfer-has-entry", "Every transfer belongs to an entry", "e.id IS NOT NULL"),
    _of_transfers(
        "transfer-has-accounts",
        "Both accounts of a transfer are accounts of its book",
        "d.id IS NOT NULL AND c.id IS NOT NULL",
    ),
    _of_transfers(
        "transfer-of-one-currency",
        "A transfer joins accounts of one currency",
        "d.currency IS NOT DISTINCT FROM c.currency",
    ),
    _of_transfers(
        "transfer-moves-money",
        "A transfer moves more than nothing between two accounts",
        "x.amount > 0 AND x.debit_id <> x.credit_id",
    ),
    _of_transfers(
        "transfer-is-allowed",
        "The rules allow every transfer: kind of entry, debited kind, credited kind",
        """(e.id IS NULL OR d.id IS NULL OR c.id IS NULL OR EXISTS (
            SELECT FROM ledger_rules r WHERE r.entry_kind = e.kind
               AND r.debit_kind = d.kind AND r.credit_kind = c.kind))""",
    ),
    Law(
        "transfers-numbered",
        "The transfers of an entry are numbered 1 to n: none is missing",
        f"""
        SELECT x.entry_id::text AS id, {NOWHERE},
               min(x.n) = 1 AND max(x.n) = count(*) AND count(DISTINCT x.n) = count(*) AS holds
          FROM ledger_transfers x GROUP BY x.book_id, x.entry_id
        """,  # noqa: S608
    ),
    Law(
        "entry-moves-or-marks",
        "Every entry has transfers, or a posting of nothing",
        f"""
        SELECT e.id::text AS id, {NOWHERE},
               EXISTS (SELECT FROM ledger_transfers x
                        WHERE x.book_id = e.book_id AND x.entry_id = e.id)
               OR EXISTS (SELECT FROM ledger_postings p
                           WHERE p.book_id = e.book_id AND p.entry_id = e.id AND p.delta = 0)
               AS holds
          FROM ledger_entries e
        """,  # noqa: S608
    ),
    Law(
        "key-used-once",
        "One idempotency key of a book has one entry",
        f"""
        SELECT e.key AS id, {NOWHERE}, count(*) = 1 AS holds
          FROM ledger_entries e GROUP BY e.book_id, e.key
        """,  # noqa: S608
    ),
    Law(
        "tail-has-entry",
        "Every entry of the tail exists",
        f"""
        SELECT t.entry_id::text AS id, {NOWHERE}, e.id IS NOT NULL AS holds
          FROM ledger_tail t
          LEFT JOIN ledger_entries e ON e.book_id = t.book_id AND e.id = t.entry_id
        """,  # noqa: S608
    ),
)

_HOLDS = tuple(Law(*law) for law in HOLD_LAWS)

LAWS: tuple[Law, ...] = (*_BALANCES, *_POSTINGS, *_SUMS, *_BOOKINGS, *_HOLDS)
