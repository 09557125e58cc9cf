"""Proof that lots, receivables, fees, adjustments and reversals say what the ledger says."""

from __future__ import annotations

from collections.abc import Mapping

from app.ledger import Law, Reach

_OF_ENTRY = """
SELECT t.* FROM pg_temp.new_entries n
  JOIN {table} t ON t.reseller_id = n.book_id AND t.{column} = n.entry_id
"""

# What the laws examine: whole tables, or what belongs to new entries and accounts.
RELATIONS: Mapping[Reach, Mapping[str, str]] = {
    Reach.WHOLE: {
        "examined_lots": "SELECT * FROM bonus_lots",
        "examined_fees": "SELECT * FROM fee_records",
        "examined_contracts": "SELECT * FROM contracts",
        "examined_adjustments": "SELECT * FROM adjustments",
        "examined_reversals": "SELECT * FROM reversals",
    },
    Reach.NEW: {
        "examined_lots": """
            SELECT l.* FROM pg_temp.new_accounts n
              JOIN ledger_accounts a ON a.book_id = n.book_id AND a.id = n.account_id
                   AND a.kind = 'bonus'
              JOIN bonus_lots l ON l.reseller_id = a.book_id AND l.id = a.owner_id""",
        "examined_fees": _OF_ENTRY.format(table="fee_records", column="entry_id"),
        "examined_contracts": f"""
            SELECT c.* FROM contracts c WHERE EXISTS (
                SELECT FROM ({_OF_ENTRY.format(table="fee_records", column="entry_id")}) f
                 WHERE f.reseller_id = c.reseller_id AND f.contract_id = c.id)""",  # noqa: S608
        "examined_adjustments": _OF_ENTRY.format(table="adjustments", column="entry_id"),
        "examined_reversals": _OF_ENTRY.format(table="reversals", column="reversal_id"),
    },
}

# What the ledger moved for each fee; as for usage, the tax a bonus paid falls back to its giver.
_FEES = """
SELECT f.entry_id::text AS id, f.reseller_id AS book_id, w.account_id,
       f.gross_minor, f.net_minor, f.tax_minor, f.bonus_minor,
       coalesce(sum(x.amount) FILTER (WHERE x.debit_id = w.account_id OR l.wallet_id = w.id), 0)
       AS debited,
       coalesce(sum(x.amount) FILTER (WHERE l.wallet_id = w.id), 0) AS bonus,
       coalesce(sum(x.amount) FILTER (
           WHERE c.kind IN ('tax_payable', 'tax_prepaid', 'promotion', 'gift_relief')), 0) AS tax,
       coalesce(sum(x.amount) FILTER (WHERE c.kind IN ('commission', 'revenue')), 0) AS shared
  FROM examined_fees f
  LEFT JOIN wallets w ON w.reseller_id = f.reseller_id AND w.id = f.wallet_id
  LEFT JOIN ledger_transfers x ON x.book_id = f.reseller_id AND x.entry_id = f.entry_id
  LEFT JOIN ledger_accounts c ON c.book_id = x.book_id AND c.id = x.credit_id
  LEFT JOIN ledger_accounts d ON d.book_id = x.book_id AND d.id = x.debit_id AND d.kind = 'bonus'
  LEFT JOIN bonus_lots l ON l.reseller_id = d.book_id AND l.id = d.owner_id
 GROUP BY f.reseller_id, f.entry_id, w.account_id, f.gross_minor, f.net_minor, f.tax_minor,
          f.bonus_minor
"""

_LOTS = (
    Law(
        "lot-has-account",
        "Every bonus lot has its own guarded account in its wallet's currency, and the other way",
        """
        SELECT coalesce(l.id::text, a.id::text) AS id,
               coalesce(l.reseller_id, a.book_id) AS book_id, w.account_id,
               l.id IS NOT NULL AND a.owner_id = l.id AND a.currency = w.currency AS holds
          FROM examined_lots l
          FULL JOIN (SELECT * FROM examined_accounts WHERE kind = 'bonus') a
            ON a.book_id = l.reseller_id AND a.id = l.account_id
          LEFT JOIN wallets w ON w.reseller_id = l.reseller_id AND w.id = l.wallet_id
        """,
    ),
    Law(
        "lot-adds-up",
        "A lot's grant = what is left + what was used - what was reversed + what expired (I10)",
        """
        SELECT l.id::text AS id, l.reseller_id AS book_id, w.account_id,
               l.granted_minor = m.granted
               AND l.granted_minor = b.posted + m.used - m.reversed + m.expired
               AND (l.state = 'open' OR b.posted = 0) AS holds
          FROM examined_lots l
          LEFT JOIN wallets w ON w.reseller_id = l.reseller_id AND w.id = l.wallet_id
          LEFT JOIN ledger_balances b ON b.book_id = l.reseller_id AND b.account_id = l.account_id
         CROSS JOIN LATERAL (
            SELECT coalesce(sum(p.delta) FILTER (WHERE e.kind IN ('top_up', 'bonus', 'credit')), 0)
                   AS granted,
                   coalesce(-sum(p.delta) FILTER (WHERE e.kind IN ('usage', 'fee')), 0) AS used,
                   coalesce(sum(p.delta) FILTER (WHERE e.kind = 'reversal'), 0) AS reversed,
                   coalesce(-sum(p.delta) FILTER (WHERE e.kind = 'bonus_expiry'), 0) AS expired
              FROM ledger_postings p
              JOIN ledger_entries e ON e.book_id = p.book_id AND e.id = p.entry_id
             WHERE p.book_id = l.reseller_id AND p.account_id = l.account_id) m
        """,
    ),
    Law(
        "lot-has-care",
        "A wallet with an open lot or a spending cap needs care",
        """
        SELECT w.id::text AS id, w.reseller_id AS book_id, w.account_id, w.needs_care AS holds
          FROM examined_wallets w
         WHERE EXISTS (SELECT 1 FROM bonus_lots l WHERE l.reseller_id = w.reseller_id
                          AND l.wallet_id = w.id AND l.state = 'open')
            OR EXISTS (SELECT 1 FROM spending_caps c WHERE c.reseller_id = w.reseller_id
                          AND c.wallet_id = w.id)
        """,
    ),
)

_RECEIVABLES = (
    Law(
        "receivable-has-wallet",
        "Every receivable is its wallet's, in its currency, and holds nothing but debt",
        """
        SELECT coalesce(w.id::text, a.id::text) AS id, a.book_id, w.account_id,
               w.receivable_account_id = a.id AND a.currency = w.currency AND b.posted <= 0 AS holds
          FROM examined_accounts a
          LEFT JOIN wallets w ON w.reseller_id = a.book_id AND w.id = a.owner_id
          LEFT JOIN ledger_balances b ON b.book_id = a.book_id AND b.account_id = a.id
         WHERE a.kind = 'receivable'
        UNION ALL
        SELECT w.id::text, w.reseller_id, w.account_id, a.kind = 'receivable' AND a.owner_id = w.id
          FROM examined_wallets w
          LEFT JOIN ledger_accounts a
            ON a.book_id = w.reseller_id AND a.id = w.receivable_account_id
         WHERE w.receivable_account_id IS NOT NULL
        """,
    ),
    Law(
        "own-balance-has-owner",
        "A reseller's own balance stands in her own book",
        """
        SELECT a.id::text AS id, a.book_id, a.id AS account_id, a.owner_id = a.book_id AS holds
          FROM examined_accounts a WHERE a.kind = 'reseller_balance'
        """,
    ),
)

_FEE_LAWS = (
    Law(
        "fee-has-entry",
        "Every fee entry has one record and every record one fee entry, under its period",
        """
        SELECT coalesce(f.entry_id, e.id)::text AS id,
               coalesce(f.reseller_id, e.book_id) AS book_id, w.account_id,
               f.entry_id IS NOT NULL AND e.key = 'fee:' || f.contract_id || ':' || f.n AS holds
          FROM examined_fees f
          FULL JOIN (SELECT * FROM examined_entries WHERE kind = 'fee') e
            ON e.book_id = f.reseller_id AND e.id = f.entry_id
          LEFT JOIN wallets w ON w.reseller_id = f.reseller_id AND w.id = f.wallet_id
        """,
    ),
    Law(
        "fee-shares",
        "A fee's gross is what its entry debits, its tax and net are what it sets aside and pays",
        f"""
        SELECT f.id, f.book_id, f.account_id,
               debited = gross_minor AND tax = tax_minor AND shared = net_minor
               AND bonus = bonus_minor AND net_minor >= 0 AND tax_minor >= 0 AS holds
          FROM ({_FEES}) f
        """,  # noqa: S608 - a constant of ours
    ),
    Law(
        "contract-periods",
        "A contract's periods are settled from the first on, none left out, each with its fee",
        """
        SELECT c.id::text AS id, c.reseller_id AS book_id, w.account_id,
               c.periods = p.settled AND c.periods = p.last AND p.missing = 0 AS holds
          FROM examined_contracts c
          LEFT JOIN wallets w ON w.reseller_id = c.reseller_id AND w.id = c.wallet_id
         CROSS JOIN LATERAL (
            SELECT count(*) AS settled, coalesce(max(t.n), 0) AS last,
                   count(*) FILTER (WHERE f.entry_id IS DISTINCT FROM t.entry_id) AS missing
              FROM fee_charges t
              LEFT JOIN fee_records f ON f.reseller_id = t.reseller_id
                   AND f.contract_id = t.contract_id AND f.n = t.n
             WHERE t.reseller_id = c.reseller_id AND t.contract_id = c.id
               AND t.refusal IS NULL) p
        """,
    ),
)

_BY_HAND = (
    Law(
        "adjustment-has-entry",
        "Every adjustment has its entry, which moves its amount to the wallet or a lot of it",
        """
        SELECT coalesce(j.entry_id, e.id)::text AS id,
               coalesce(j.reseller_id, e.book_id) AS book_id, w.account_id,
               j.entry_id IS NOT NULL AND e.id IS NOT NULL AND j.amount_minor = m.moved AS holds
          FROM examined_adjustments j
          FULL JOIN (SELECT * FROM examined_entries WHERE kind IN ('adjustment', 'credit')) e
            ON e.book_id = j.reseller_id AND e.id = j.entry_id
          LEFT JOIN wallets w ON w.reseller_id = j.reseller_id AND w.id = j.wallet_id
          LEFT JOIN bonus_lots l ON l.reseller_id = j.reseller_id AND l.id = j.lot_id
               AND l.wallet_id = j.wallet_id
         CROSS JOIN LATERAL (
            SELECT sum(p.delta) AS moved FROM ledger_postings p
             WHERE p.book_id = e.book_id AND p.entry_id = e.id
               AND p.account_id IN (w.account_id, l.account_id)) m
        """,
    ),
    Law(
        "reversal-mirrors",
        "A reversal takes back, account by account, what its charge moved, and nothing else",
        """
        SELECT coalesce(r.reversal_id, e.id)::text AS id,
               coalesce(r.reseller_id, e.book_id) AS book_id, NULL::uuid AS account_id,
               r.entry_id IS NOT NULL AND e.key = 'reversal:' || r.entry_id
               -- A charge that cost nothing moved nothing: there is nothing to take back.
               AND coalesce(m.is_even, true) AS holds
          FROM examined_reversals r
          FULL JOIN (SELECT * FROM examined_entries WHERE kind = 'reversal') e
            ON e.book_id = r.reseller_id AND e.id = r.reversal_id
         CROSS JOIN LATERAL (
            SELECT bool_and(t.total = 0) AS is_even
              FROM (SELECT sum(side.delta) AS total
                      FROM ledger_transfers x
                     CROSS JOIN LATERAL (
                        VALUES (x.debit_id, -x.amount), (x.credit_id, x.amount)) side (id, delta)
                      JOIN ledger_accounts a ON a.book_id = x.book_id AND a.id = side.id
                     WHERE x.book_id = r.reseller_id
                       AND x.entry_id IN (r.entry_id, r.reversal_id)
                     -- What a top-up paid of a receivable comes back as paid credit.
                     GROUP BY CASE WHEN a.kind IN ('wallet', 'receivable') THEN a.owner_id
                                   ELSE a.id END) t) m
        """,
    ),
)

LAWS: tuple[Law, ...] = (*_LOTS, *_RECEIVABLES, *_FEE_LAWS, *_BY_HAND)
