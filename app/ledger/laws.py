"""The invariants of guides/ledger.md that apply so far, each as a query.

A law's query returns a row for each thing it examined: `id` (what to look for), `book_id` and
`account_id` (the guarded account whose money is in doubt, or NULL) and `holds`. Every query counts
from the transfers or compares two places that were written apart; none trusts a constraint.

What a law examines it reads from an `examined_…` relation (`reach.py`): the whole table, or what is
new in it. What it compares that with it reads from the tables themselves, by their keys.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.ledger.hold_laws import HOLD_LAWS

NOWHERE = "NULL::uuid AS book_id, NULL::uuid AS account_id"


@dataclass(frozen=True, slots=True)
class Law:
    """An invariant: its stable name, what it says, and the query that examines it.

    One that is not `incremental` counts from zero and is left out where only what is new is looked
    at; there it follows from the others and from the last proof.
    """

    name: str
    description: str
    query: str
    incremental: bool = True


def _changes(transfers: str) -> str:
    """Return a query of every transfer of a relation as two changes, one of each account."""
    return f"""
SELECT x.book_id, x.entry_id, side.account_id, side.delta
  FROM {transfers} x
 CROSS JOIN LATERAL (
    VALUES (x.debit_id, -x.amount), (x.credit_id, x.amount)) side (account_id, delta)
"""  # noqa: S608 - names of ours


_CHANGES = _changes("ledger_transfers")

_KINDS = """
SELECT a.book_id, a.id AS account_id, a.currency, k.guarded
  FROM {accounts} a JOIN ledger_account_kinds k ON k.kind = a.kind
"""
_ACCOUNTS = _KINDS.format(accounts="ledger_accounts")
_EXAMINED_ACCOUNTS = _KINDS.format(accounts="examined_accounts")

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
        incremental=False,
    ),
    Law(
        "balance-is-last-posting",
        "A guarded account holds what its last posting left, under that posting's version",
        """
        SELECT b.account_id::text AS id, b.book_id, b.account_id,
               b.posted = coalesce(l.balance_after, 0) AND b.version = coalesce(l.version, 0)
               AS holds
          FROM examined_balances b
          LEFT JOIN LATERAL (
            SELECT p.balance_after, p.version FROM ledger_postings p
             WHERE p.book_id = b.book_id AND p.account_id = b.account_id
             ORDER BY p.version DESC LIMIT 1) l ON true
        """,
    ),
    Law(
        "balance-is-guarded",
        "Every guarded account has a live balance and no other account has one",
        f"""
        SELECT account_id::text AS id, book_id, account_id,
               a.guarded IS TRUE AND b.posted IS NOT NULL AS holds
          FROM (SELECT * FROM ({_EXAMINED_ACCOUNTS}) g WHERE g.guarded) a
          FULL JOIN examined_balances b USING (book_id, account_id)
        """,  # noqa: S608
    ),
    Law(
        "floor",
        "No guarded account is below its limit: posted - held + credit limit >= 0",
        """
        SELECT b.account_id::text AS id, b.book_id, b.account_id,
               b.posted - b.held + b.credit_limit >= 0 AS holds
          FROM examined_balances b
        """,
    ),
    Law(
        "held",
        "Nothing less than nothing is held, and no credit limit is negative",
        """
        SELECT b.account_id::text AS id, b.book_id, b.account_id,
               b.held >= 0 AND b.credit_limit >= 0 AS holds
          FROM examined_balances b
        """,
    ),
)

# A posting with the one before it on its account.
_CHAINED = """
  FROM examined_postings p
  LEFT JOIN ledger_postings earlier ON earlier.book_id = p.book_id
        AND earlier.account_id = p.account_id AND earlier.version = p.version - 1
"""

_POSTINGS = (
    Law(
        "versions-gapless",
        "The postings of an account are numbered 1 to n",
        f"""
        SELECT p.account_id::text AS id, p.book_id, p.account_id,
               bool_and((p.version = 1 OR earlier.version IS NOT NULL) AND twin.version IS NULL)
               AS holds
               {_CHAINED}
          LEFT JOIN ledger_postings twin ON twin.book_id = p.book_id
                AND twin.account_id = p.account_id AND twin.version = p.version
                AND twin.entry_id <> p.entry_id
         GROUP BY p.book_id, p.account_id
        """,
    ),
    Law(
        "balance-chain",
        "Every posting leaves what the one before left, plus its own change",
        f"""
        SELECT p.entry_id::text AS id, p.book_id, p.account_id,
               p.balance_after = p.delta
                   + CASE WHEN p.version = 1 THEN 0 ELSE earlier.balance_after END AS holds
               {_CHAINED}
        """,
    ),
    Law(
        "posting-is-transfers",
        "A posting's change is the sum of its entry's transfers on that account",
        f"""
        SELECT entry_id::text AS id, book_id, account_id, p.delta = coalesce(c.delta, 0) AS holds
          FROM examined_postings p
          FULL JOIN (SELECT book_id, entry_id, account_id, sum(delta) AS delta
                       FROM ({_changes("examined_transfers")}) x
                       JOIN ({_ACCOUNTS}) a USING (book_id, account_id)
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
          FROM examined_postings p
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
        incremental=False,
    ),
    Law(
        "zero-sum-of-book",
        "All stored balances of a book and a currency add up to nothing",
        f"""
        SELECT s.book_id::text AS id, {NOWHERE}, sum(s.posted) = 0 AS holds
          FROM ({_STORED}) s GROUP BY s.book_id, s.currency
        """,  # noqa: S608
        incremental=False,
    ),
    Law(
        "rollup-is-transfers",
        "A shared account's roll-up is the sum of its transfers outside the tail",
        f"""
        SELECT account_id::text AS id, {NOWHERE},
               coalesce(r.posted, 0) = coalesce(v.posted, 0) + coalesce(s.total, 0) AS holds
          FROM examined_rollups r
          FULL JOIN proved_rollups v USING (book_id, account_id)
          FULL JOIN (SELECT c.book_id, c.account_id, sum(c.delta) AS total
                       FROM ({_changes("counted_transfers")}) c
                       JOIN ({_ACCOUNTS}) a USING (book_id, account_id)
                      WHERE NOT a.guarded
                      GROUP BY c.book_id, c.account_id) s USING (book_id, account_id)
        """,  # noqa: S608
    ),
)

# The months of an account count from zero: how they stood at the last proof is kept nowhere, only
# how their sum stood (`rollup-is-transfers`).
_PERIODS = (
    Law(
        "period-rollup-is-transfers",
        "A month of a shared account is the sum of its transfers in it outside the tail",
        f"""
        SELECT account_id::text AS id, {NOWHERE},
               coalesce(r.debited, 0) = coalesce(s.debited, 0)
               AND coalesce(r.credited, 0) = coalesce(s.credited, 0) AS holds
          FROM ledger_period_rollups r
          FULL JOIN (SELECT c.book_id, c.account_id, e.kind AS entry_kind,
                            coalesce(l.period, ledger_month(e.created_at)) AS period,
                            -sum(least(c.delta, 0)) AS debited,
                            sum(greatest(c.delta, 0)) AS credited
                       FROM ({_CHANGES}) c
                       JOIN ({_ACCOUNTS}) a USING (book_id, account_id)
                       JOIN ledger_entries e ON e.book_id = c.book_id AND e.id = c.entry_id
                       LEFT JOIN ledger_late_entries l
                         ON l.book_id = c.book_id AND l.entry_id = c.entry_id
                      WHERE NOT a.guarded AND NOT EXISTS (
                            SELECT FROM ledger_tail t
                             WHERE t.book_id = c.book_id AND t.entry_id = c.entry_id)
                      GROUP BY 1, 2, 3, 4) s USING (book_id, account_id, entry_kind, period)
        """,  # noqa: S608
        incremental=False,
    ),
    Law(
        "period-is-closed",
        "What counts in a later month than its own came after its own was closed",
        f"""
        SELECT l.entry_id::text AS id, {NOWHERE},
               e.id IS NOT NULL AND l.period > ledger_month(e.created_at) AND EXISTS (
                   SELECT FROM ledger_closed_periods c
                    WHERE c.book_id = l.book_id
                      AND c.period = (l.period - interval '1 month')::date) AS holds
          FROM examined_late l
          LEFT JOIN ledger_entries e ON e.book_id = l.book_id AND e.id = l.entry_id
        """,  # noqa: S608
    ),
)

# A transfer with what it refers to, found or not.
_TRANSFERS = """
  FROM examined_transfers x
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
          FROM examined_transfers x GROUP BY x.book_id, x.entry_id
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
          FROM examined_entries e
        """,  # noqa: S608
    ),
    Law(
        "key-used-once",
        "One idempotency key of a book has one entry",
        f"""
        SELECT e.key AS id, {NOWHERE}, count(*) = 1 AS holds
          FROM examined_keys e GROUP BY e.book_id, e.key
        """,  # noqa: S608
    ),
    Law(
        "tail-has-entry",
        "Every entry of the tail exists",
        f"""
        SELECT t.entry_id::text AS id, {NOWHERE}, e.id IS NOT NULL AS holds
          FROM examined_tail t
          LEFT JOIN ledger_entries e ON e.book_id = t.book_id AND e.id = t.entry_id
        """,  # noqa: S608
    ),
)

_SEALS = (
    Law(
        "entry-waits-or-is-sealed",
        "Every entry is in the tail or in one seal, and nowhere twice",
        f"""
        SELECT e.id::text AS id, {NOWHERE}, count(p.entry_id) = 1 AS holds
          FROM examined_entries e
          LEFT JOIN examined_places p ON p.book_id = e.book_id AND p.entry_id = e.id
         GROUP BY e.book_id, e.id
        """,  # noqa: S608
    ),
    Law(
        "seal-covers-entries",
        "The entries of a seal, their transfers, postings and accounts are what was sealed",
        """
        SELECT 'seal ' || s.n || ' of book ' || s.book_id AS id, s.book_id,
               NULL::uuid AS account_id,
               s.entries = cardinality(s.entry_ids)
               AND s.content_hash = ledger_content_hash(s.book_id, s.entry_ids) AS holds
          FROM examined_seals s
        """,
    ),
    Law(
        "seal-follows-seal",
        "The seals of a book are numbered from 1, each made over the one before",
        """
        SELECT 'seal ' || s.n || ' of book ' || s.book_id AS id, s.book_id,
               NULL::uuid AS account_id,
               (s.n = 1) = (earlier.n IS NULL)
               AND s.previous_hash = coalesce(earlier.seal_hash, decode(repeat('00', 32), 'hex'))
               AND s.seal_hash = ledger_seal_hash(
                   s.previous_hash, s.book_id, s.n, s.entries, s.content_hash, s.sealed_at)
               AS holds
          FROM examined_seals s
          LEFT JOIN ledger_seals earlier ON earlier.book_id = s.book_id AND earlier.n = s.n - 1
        """,
    ),
    Law(
        "seal-stays",
        "The seal that a book was last proved up to is still the same",
        """
        SELECT 'seal ' || v.n || ' of book ' || v.book_id AS id, v.book_id,
               NULL::uuid AS account_id, s.seal_hash = v.seal_hash AS holds
          FROM ledger_verified v
          LEFT JOIN ledger_seals s ON s.book_id = v.book_id AND s.n = v.n
        """,
    ),
)

# Holds change without an entry, and few are open at a time: counted from zero.
_HOLDS = tuple(Law(*law, incremental=False) for law in HOLD_LAWS)

LAWS = (*_BALANCES, *_POSTINGS, *_SUMS, *_PERIODS, *_BOOKINGS, *_HOLDS, *_SEALS)
