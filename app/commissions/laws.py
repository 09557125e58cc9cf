"""What must hold of statements and bonuses; `billing.verify` examines it with its own laws.

Like the ledger's laws (`app/ledger/laws.py`) they read what they examine from `examined_…`
relations, and what they compare it with from the tables.
"""

from __future__ import annotations

from collections.abc import Mapping

from app.commissions.volumes import SALES, SHARED, TAKEN_BACK
from app.ledger import NOWHERE, Law, Reach

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

# Statements whose true-up is new, by its key, and those of a month that was closed in the last day:
# they may need no true-up, and what they pass on is examined only then.
_NEW_STATEMENTS = """
SELECT s.* FROM (
    SELECT e.book_id AS reseller_id,
           CASE WHEN e.key ~ '^true-up:[0-9a-f-]{36}:[0-9]{4}-(0[1-9]|1[0-2]):[A-Z]{3}$'
                THEN to_date(split_part(e.key, ':', 3), 'YYYY-MM') END AS month,
           split_part(e.key, ':', 4) AS currency
      FROM pg_temp.new_entries n
      JOIN ledger_entries e ON e.book_id = n.book_id AND e.id = n.entry_id
     WHERE e.kind = 'commission_true_up'
    UNION
    SELECT c.reseller_id, c.month, c.currency
      FROM commission_months m
     CROSS JOIN tenants t
      JOIN commission_statements c ON c.reseller_id = t.id AND c.month = m.month
     WHERE m.closed_at >= now() - interval '1 day') k
  JOIN commission_statements s USING (reseller_id, month, currency)
"""

_RELATIONS: Mapping[Reach, Mapping[str, str]] = {
    Reach.WHOLE: {
        "examined_statements": "SELECT * FROM commission_statements",
        "examined_true_ups": "SELECT * FROM ledger_entries WHERE kind = 'commission_true_up'",
        "examined_bonuses": "SELECT * FROM commission_bonuses",
    },
    Reach.NEW: {
        "examined_statements": _NEW_STATEMENTS,
        # Those of the statements may have been proved before.
        "examined_true_ups": f"""
            SELECT e.* FROM pg_temp.new_entries n
              JOIN ledger_entries e ON e.book_id = n.book_id AND e.id = n.entry_id
             WHERE e.kind = 'commission_true_up'
            UNION
            SELECT e.* FROM ({_NEW_STATEMENTS}) s
              JOIN ledger_entries e ON e.book_id = s.reseller_id AND e.id = s.entry_id
             WHERE e.kind = 'commission_true_up'""",  # noqa: S608
        "examined_bonuses": """
            SELECT b.* FROM pg_temp.new_entries n
              JOIN ledger_entries e ON e.book_id = n.book_id AND e.id = n.entry_id
                   AND e.kind = 'commission_bonus'
              JOIN commission_bonuses b ON b.reseller_id = e.book_id
                   AND b.kind = split_part(e.key, ':', 2) AND b.customer_id =
                   CASE WHEN e.key ~ '^bonus:[a-z_]+:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
                        THEN split_part(e.key, ':', 3)::uuid END""",
    },
}

# What each true-up moved to its reseller's commission, signed.
_TRUE_UPS = """
SELECT e.book_id, e.id, e.key,
       sum(CASE WHEN c.kind = 'commission' THEN x.amount ELSE -x.amount END) AS moved
  FROM examined_true_ups e
  JOIN ledger_transfers x ON x.book_id = e.book_id AND x.entry_id = e.id
  JOIN ledger_accounts c ON c.book_id = x.book_id AND c.id = x.credit_id
 GROUP BY e.book_id, e.id, e.key
"""

# What the month of a statement `c` earned by its own volume, rounded down once.
_EARNED = """
floor(coalesce((SELECT sum(CAST(p ->> 'earned' AS numeric))
                  FROM jsonb_array_elements(c.lines -> 'segments') g
                 CROSS JOIN jsonb_array_elements(g -> 'steps') p), 0))
"""

# What a month came to before a line took from it: its statement, and what took from it since.
_BEFORE = f"""
SELECT sum(known.came_to)
  FROM (SELECT {_EARNED} AS came_to FROM commission_statements c
         WHERE c.reseller_id = s.reseller_id AND c.currency = s.currency
           AND c.month = CAST(t ->> 'month' AS date)
        UNION ALL
        SELECT CAST(u ->> 'after' AS bigint) - CAST(u ->> 'before' AS bigint)
          FROM commission_statements c
         CROSS JOIN jsonb_array_elements(coalesce(c.lines -> 'taken_back', '[]')) u
         WHERE c.reseller_id = s.reseller_id AND c.currency = s.currency
           AND c.month < s.month AND u ->> 'month' = t ->> 'month') known
"""  # noqa: S608 - constants of ours

LAWS: tuple[Law, ...] = (
    Law(
        "statement-is-its-lines",
        "A statement's volume and total are those of its lines; none is paid for less than nothing",
        f"""
        SELECT c.reseller_id::text AS id, {NOWHERE},
               c.total_minor = {_EARNED} + coalesce((
                   SELECT sum(CAST(u ->> 'after' AS bigint) - CAST(u ->> 'before' AS bigint))
                     FROM jsonb_array_elements(coalesce(c.lines -> 'taken_back', '[]')) u), 0)
               AND c.volume_minor = coalesce((
                   SELECT sum(CAST(g ->> 'volume' AS bigint))
                     FROM jsonb_array_elements(c.lines -> 'segments') g), 0)
                 - coalesce((
                   SELECT sum(CAST(u ->> 'volume' AS bigint))
                     FROM jsonb_array_elements(coalesce(c.lines -> 'taken_back', '[]')) u), 0)
               AND NOT EXISTS (
                   SELECT FROM jsonb_array_elements(c.lines -> 'segments') g
                    WHERE CAST(g ->> 'volume' AS bigint) < 0) AS holds
          FROM examined_statements c
        """,  # noqa: S608
    ),
    Law(
        "statement-takes-back",
        "What a month is said to have earned before something was taken back is what it came to",
        f"""
        SELECT s.reseller_id::text AS id, {NOWHERE},
               NOT EXISTS (
                   SELECT FROM jsonb_array_elements(coalesce(s.lines -> 'taken_back', '[]')) t
                    WHERE CAST(t ->> 'before' AS bigint) IS DISTINCT FROM ({_BEFORE})) AS holds
          FROM examined_statements s
        """,  # noqa: S608
    ),
    Law(
        "statement-is-posted",
        "Every statement's difference was posted by its true-up, and every true-up has one",
        f"""
        SELECT coalesce(s.reseller_id, t.book_id)::text AS id, {NOWHERE},
               s.reseller_id IS NOT NULL
               AND coalesce(t.moved, 0) = s.final_minor - s.provisional_minor
               AND (t.id IS NULL OR t.key = 'true-up:' || s.reseller_id || ':'
                    || to_char(s.month, 'YYYY-MM') || ':' || s.currency) AS holds
          FROM examined_statements s
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
          FROM examined_statements s
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
          FROM examined_statements s
          JOIN commission_months m ON m.month = s.month AND m.closed_at IS NOT NULL
        """,  # noqa: S608
    ),
    Law(
        "bonus-is-posted",
        "Every bonus has its entry over its amount, and every such entry its bonus",
        f"""
        SELECT coalesce(b.entry_id, e.id)::text AS id, {NOWHERE},
               b.entry_id IS NOT NULL AND e.moved = b.amount_minor AS holds
          FROM examined_bonuses b
          FULL JOIN (SELECT n.book_id, n.id, sum(x.amount) AS moved
                       FROM examined_entries n
                       JOIN ledger_transfers x ON x.book_id = n.book_id AND x.entry_id = n.id
                      WHERE n.kind = 'commission_bonus' GROUP BY n.book_id, n.id) e
            ON e.book_id = b.reseller_id AND e.id = b.entry_id
        """,  # noqa: S608
    ),
)


def relations(reach: Reach) -> Mapping[str, str]:
    """Return the queries of the relations that these laws examine beside the ledger's."""
    return _RELATIONS[reach]
