"""Proof that wallets, usage and top-ups say what the ledger says: one query for each law.

Like the ledger's laws (`app/ledger/laws.py`) they read what they examine from `examined_…`
relations, and what they compare it with from the tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy.orm import Session

from app import commissions
from app.billing import credit_laws
from app.billing.models import Wallet
from app.billing.wallets import freeze_wallet
from app.ledger import NOWHERE, Check, Law, Reach, examine_all, relations
from app.tenancy import PlatformScope

# The top-up that an entry credits, by its key; NULL where the key names none.
_TOP_UP_OF_KEY = """
CASE WHEN e.key ~ '^top-up:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
     THEN substr(e.key, 8)::uuid END
"""
# The top-ups that new entries credit.
_CREDITED = f"""
SELECT e.book_id, {_TOP_UP_OF_KEY} AS id FROM pg_temp.new_entries n
  JOIN ledger_entries e ON e.book_id = n.book_id AND e.id = n.entry_id
 WHERE e.kind = 'top_up'
"""  # noqa: S608
# The least id (UUIDv7) that a top-up of the last day can have.
_A_DAY_AGO = """
(lpad(to_hex((extract(epoch FROM now() - interval '1 day') * 1000)::bigint), 12, '0')
 || repeat('0', 20))::uuid
"""

_RELATIONS: Mapping[Reach, Mapping[str, str]] = {
    Reach.WHOLE: {
        "examined_wallets": "SELECT * FROM wallets",
        "examined_usage": "SELECT * FROM usage_records",
        "examined_top_ups": "SELECT * FROM top_ups",
        "examined_claims": "SELECT * FROM payment_claims",
    },
    Reach.NEW: {
        "examined_wallets": """
            SELECT w.* FROM pg_temp.new_accounts n
              JOIN ledger_accounts a ON a.book_id = n.book_id AND a.id = n.account_id
                   AND a.kind = 'wallet'
              JOIN wallets w ON w.reseller_id = a.book_id AND w.id = a.owner_id""",
        "examined_usage": """
            SELECT u.* FROM pg_temp.new_entries n
              JOIN usage_records u ON u.reseller_id = n.book_id AND u.entry_id = n.entry_id""",
        # Those that were credited, and those begun in the last day, credited or not.
        "examined_top_ups": f"""
            SELECT t.* FROM ({_CREDITED}) k
              JOIN top_ups t ON t.reseller_id = k.book_id AND t.id = k.id
             WHERE t.id < {_A_DAY_AGO}
            UNION ALL
            SELECT t.* FROM pg_temp.new_books b
              JOIN top_ups t ON t.reseller_id = b.book_id AND t.id >= {_A_DAY_AGO}""",  # noqa: S608
        "examined_claims": f"""
            SELECT p.* FROM ({_CREDITED}) k JOIN payment_claims p ON p.top_up_id = k.id""",  # noqa: S608
    },
}

# What the ledger moved for each usage record: out of its wallet, its lots and its receivable, to
# the tax office, to the rest. The tax within what a bonus paid falls back to who gave the bonus.
_USAGE = """
SELECT u.entry_id::text AS id, u.reseller_id AS book_id, w.account_id,
       u.gross_minor, u.net_minor, u.tax_minor,
       coalesce((u.rating ->> 'bonus')::bigint, 0) AS bonus_minor,
       coalesce((u.rating ->> 'owed')::bigint, 0) AS owed_minor,
       coalesce(sum(x.amount) FILTER (
           WHERE x.debit_id IN (w.account_id, w.receivable_account_id) OR l.wallet_id = w.id), 0)
       AS debited,
       coalesce(sum(x.amount) FILTER (WHERE l.wallet_id = w.id), 0) AS bonus,
       coalesce(sum(x.amount) FILTER (WHERE x.debit_id = w.receivable_account_id), 0) AS owed,
       coalesce(sum(x.amount) FILTER (
           WHERE c.kind IN ('tax_payable', 'tax_prepaid', 'promotion', 'gift_relief')), 0) AS tax,
       coalesce(sum(x.amount) FILTER (WHERE c.kind IN ('promotion', 'gift_relief')), 0)
       AS relief,
       coalesce(sum(x.amount) FILTER (WHERE c.kind IN ('commission', 'revenue')), 0) AS shared
  FROM examined_usage u
  LEFT JOIN wallets w ON w.reseller_id = u.reseller_id AND w.id = u.wallet_id
  LEFT JOIN ledger_transfers x ON x.book_id = u.reseller_id AND x.entry_id = u.entry_id
  LEFT JOIN ledger_accounts c ON c.book_id = x.book_id AND c.id = x.credit_id
  LEFT JOIN ledger_accounts d ON d.book_id = x.book_id AND d.id = x.debit_id AND d.kind = 'bonus'
  LEFT JOIN bonus_lots l ON l.reseller_id = d.book_id AND l.id = d.owner_id
 GROUP BY u.reseller_id, u.entry_id, w.account_id, u.gross_minor, u.net_minor, u.tax_minor,
          u.rating
"""

# What the ledger and the claims know of each top-up.
_TOP_UPS = """
SELECT t.id::text AS id, t.reseller_id AS book_id, w.account_id, t.state,
       e.entries, p.claims,
       e.credited = t.amount_minor AND e.currencies = ARRAY[t.currency]
       AND e.owners = ARRAY[coalesce(t.wallet_id, t.reseller_id)] AS credited,
       p.payment_id = t.payment_id AND p.reseller_id = t.reseller_id AS claimed
  FROM examined_top_ups t
  LEFT JOIN wallets w ON w.reseller_id = t.reseller_id AND w.id = t.wallet_id
 CROSS JOIN LATERAL (
    SELECT count(DISTINCT e.id) AS entries, sum(x.amount) AS credited,
           array_agg(DISTINCT a.owner_id) AS owners, array_agg(DISTINCT a.currency) AS currencies
      FROM ledger_entries e
      LEFT JOIN ledger_transfers x ON x.book_id = e.book_id AND x.entry_id = e.id
           AND EXISTS (SELECT 1 FROM ledger_accounts p WHERE p.book_id = x.book_id
                          AND p.id = x.debit_id AND p.kind = 'clearing')
      LEFT JOIN ledger_accounts a ON a.book_id = x.book_id AND a.id = x.credit_id
     WHERE e.book_id = t.reseller_id AND e.key = 'top-up:' || t.id AND e.kind = 'top_up') e
 CROSS JOIN LATERAL (
    SELECT count(*) AS claims, (array_agg(c.payment_id))[1] AS payment_id,
           (array_agg(c.reseller_id))[1] AS reseller_id
      FROM payment_claims c WHERE c.top_up_id = t.id) p
"""


def _of_usage(name: str, description: str, holds: str) -> Law:
    query = f"SELECT u.id, u.book_id, u.account_id, {holds} AS holds FROM ({_USAGE}) u"  # noqa: S608
    return Law(name, description, query)


def _of_top_ups(name: str, description: str, settled: str, holds: str) -> Law:
    query = (
        f"SELECT t.id, t.book_id, t.account_id, {holds} AS holds"  # noqa: S608
        f" FROM ({_TOP_UPS}) t WHERE t.state {settled} 'settled'"
    )
    return Law(name, description, query)


LAWS: tuple[Law, ...] = (
    Law(
        "wallet-has-account",
        "Every wallet has its own guarded account in its currency, and the other way round",
        """
        SELECT coalesce(w.id::text, a.id::text) AS id,
               coalesce(w.reseller_id, a.book_id) AS book_id,
               coalesce(w.account_id, a.id) AS account_id,
               w.id IS NOT NULL AND a.id IS NOT NULL
               AND a.currency = w.currency AND a.owner_id = w.id AS holds
          FROM examined_wallets w
          FULL JOIN (SELECT * FROM examined_accounts WHERE kind = 'wallet') a
            ON a.book_id = w.reseller_id AND a.id = w.account_id
        """,
    ),
    Law(
        "usage-has-entry",
        "Every usage entry has one record and every record one usage entry, under its event id",
        """
        SELECT coalesce(u.entry_id, e.id)::text AS id,
               coalesce(u.reseller_id, e.book_id) AS book_id,
               coalesce(w.account_id, (SELECT p.account_id FROM ledger_postings p
                                        WHERE p.book_id = e.book_id AND p.entry_id = e.id LIMIT 1))
               AS account_id,
               u.entry_id IS NOT NULL AND e.id IS NOT NULL AND e.key =
               'usage:' || left(encode(sha256(convert_to(u.event_id, 'UTF8')), 'hex'), 32)
               AS holds
          FROM examined_usage u
          FULL JOIN (SELECT * FROM examined_entries WHERE kind = 'usage') e
            ON e.book_id = u.reseller_id AND e.id = u.entry_id
          LEFT JOIN wallets w ON w.reseller_id = u.reseller_id AND w.id = u.wallet_id
        """,
    ),
    _of_usage(
        "usage-gross",
        "A record's gross is what its entry debits its wallet, its lots and its receivable",
        "debited = gross_minor",
    ),
    _of_usage(
        "usage-parts",
        "A record's net and tax are not negative and add up to its gross",
        "net_minor + tax_minor = gross_minor AND net_minor >= 0 AND tax_minor >= 0",
    ),
    _of_usage(
        "usage-tax",
        "A record's tax is what its entry sets aside, or gives back for what a bonus paid",
        "tax = tax_minor AND relief <= bonus",
    ),
    _of_usage(
        "usage-payers",
        "A record says what of its gross was paid by bonus and what is owed",
        "bonus = bonus_minor AND owed = owed_minor",
    ),
    _of_usage(
        "usage-net",
        "A record's net is what its entry pays to the chain: commissions and revenue",
        "shared = net_minor",
    ),
    _of_top_ups(
        "top-up-credited",
        "A settled top-up has one entry: its amount goes to its wallet or to what that owes",
        "=",
        "entries = 1 AND credited",
    ),
    _of_top_ups(
        "top-up-claimed",
        "A settled top-up has one payment claim, of its own payment",
        "=",
        "claims = 1 AND claimed",
    ),
    _of_top_ups(
        "top-up-open",
        "A top-up that is not settled has neither entry nor payment claim",
        "<>",
        "entries = 0 AND claims = 0",
    ),
    Law(
        "credit-has-top-up",
        "Every top-up entry and every payment claim belongs to a top-up",
        f"""
        SELECT s.id, {NOWHERE}, t.id IS NOT NULL AS holds
          FROM (SELECT e.id::text AS id, e.book_id, {_TOP_UP_OF_KEY} AS top_up_id
                  FROM examined_entries e WHERE e.kind = 'top_up'
                UNION ALL
                SELECT p.payment_id, p.reseller_id, p.top_up_id FROM examined_claims p) s
          LEFT JOIN top_ups t ON t.reseller_id = s.book_id AND t.id = s.top_up_id
        """,  # noqa: S608
    ),
    *commissions.LAWS,
    *credit_laws.LAWS,
)


def verify(session: Session, scope: PlatformScope, *, reach: Reach = Reach.WHOLE) -> list[Check]:
    """Check that wallets, usage, top-ups, credit, fees and commission agree with the ledger.

    `Reach.NEW` looks at what `ledger.mark_new` marked before in the same transaction.
    """
    among = {
        **relations(reach),
        **_RELATIONS[reach],
        **credit_laws.RELATIONS[reach],
        **commissions.relations(reach),
    }
    return examine_all(session, scope, LAWS, reach=reach, among=among)


def freeze_wallets(
    session: Session, scope: PlatformScope, *, checks: Sequence[Check]
) -> list[Wallet]:
    """Freeze every wallet whose money a broken law puts in doubt; return those newly frozen."""
    doubtful = {
        (row.book_id, row.account_id): check.name
        for check in checks
        for row in check.rows
        if row.book_id is not None and row.account_id is not None
    }
    frozen = [
        freeze_wallet(session, scope, reseller_id=book, account_id=account, reason=name)
        for (book, account), name in doubtful.items()
    ]
    return [wallet for wallet in frozen if wallet is not None]
