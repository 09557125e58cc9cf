"""What must hold of statements and bonuses; `billing.verify` examines it with its own laws."""

from app.commissions.volumes import SALES, SHARED, TAKEN_BACK
from app.ledger import NOWHERE, Law

_SHARED = ", ".join(f"'{kind}'" for kind in SHARED)
_SALES = ", ".join(f"'{kind}'" for kind in sorted(SALES))

# Net sales of each month, account for account, from the period roll-ups.
_SOLD = f"""
SELECT r.book_id, r.period, a.kind, a.owner_id, a.currency,
       CASE WHEN r.entry_kind IN ({_SALES}) THEN r.credited
            WHEN r.entry_kind = '{TAKEN_BACK}' THEN -r.debited ELSE 0 END AS sold
  FROM ledger_period_rollups r
  JOIN ledger_accounts a ON a.book_id = r.book_id AND a.id = r.account_id
 WHERE a.kind IN ({_SHARED})
"""  # noqa: S608 - constants of ours

# What each true-up moved to its reseller's commission, signed.
_TRUE_UPS = """
SELECT e.book_id, e.id, e.key,
       sum(CASE WHEN c.kind = 'commission' THEN x.amount ELSE -x.amount END) AS moved
  FROM ledger_entries e
  JOIN ledger_transfers x ON x.book_id = e.book_id AND x.entry_id = e.id
  JOIN ledger_accounts c ON c.book_id = x.book_id AND c.id = x.credit_id
 WHERE e.kind = 'commission_true_up'
 GROUP BY e.book_id, e.id
"""

LAWS: tuple[Law, ...] = (
    Law(
        "statement-is-posted",
        "Every statement's difference was posted by its true-up, and every true-up has one",
        f"""
        SELECT coalesce(s.reseller_id, t.book_id)::text AS id, {NOWHERE},
               s.reseller_id IS NOT NULL
               AND coalesce(t.moved, 0) = s.final_minor - s.provisional_minor
               AND (t.id IS NULL OR t.key = 'true-up:' || s.reseller_id || ':'
                    || to_char(s.month, 'YYYY-MM') || ':' || s.currency) AS holds
          FROM commission_statements s
          FULL JOIN ({_TRUE_UPS}) t ON t.book_id = s.reseller_id AND t.id = s.entry_id
        """,  # noqa: S608
    ),
    Law(
        "statement-is-the-month",
        "A statement's provisional share and own volume are what the month's entries credited",
        f"""
        SELECT s.reseller_id::text AS id, {NOWHERE},
               s.provisional_minor = coalesce((
                   SELECT sum(m.sold) FROM ({_SOLD}) m
                    WHERE m.period = s.month AND m.currency = s.currency
                      AND m.kind = 'commission' AND m.owner_id = s.reseller_id), 0)
               AND s.own_volume_minor = coalesce((
                   SELECT sum(m.sold) FROM ({_SOLD}) m
                    WHERE m.period = s.month AND m.currency = s.currency
                      AND m.book_id = s.reseller_id), 0) AS holds
          FROM commission_statements s
        """,  # noqa: S608
    ),
    Law(
        "statement-passes-on",
        "What a reseller passes on is what its children's agreements come to",
        f"""
        SELECT s.reseller_id::text AS id, {NOWHERE},
               s.passed_on_minor = coalesce((
                   SELECT sum(c.total_minor) FROM commission_statements c
                     JOIN tenants t ON t.id = c.reseller_id
                    WHERE t.parent_id = s.reseller_id AND c.month = s.month
                      AND c.currency = s.currency), 0) AS holds
          FROM commission_statements s
          JOIN commission_months m ON m.month = s.month AND m.closed_at IS NOT NULL
        """,  # noqa: S608
    ),
    Law(
        "bonus-is-posted",
        "Every bonus has its entry over its amount, and every such entry its bonus",
        f"""
        SELECT coalesce(b.entry_id, e.id)::text AS id, {NOWHERE},
               b.entry_id IS NOT NULL AND e.moved = b.amount_minor AS holds
          FROM commission_bonuses b
          FULL JOIN (SELECT n.book_id, n.id, sum(x.amount) AS moved
                       FROM ledger_entries n
                       JOIN ledger_transfers x ON x.book_id = n.book_id AND x.entry_id = n.id
                      WHERE n.kind = 'commission_bonus' GROUP BY n.book_id, n.id) e
            ON e.book_id = b.reseller_id AND e.id = b.entry_id
        """,  # noqa: S608
    ),
)
