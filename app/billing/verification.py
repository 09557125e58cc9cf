"""Proof that wallets, usage and top-ups say what the ledger says: one query for each law."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.billing.models import Wallet
from app.billing.wallets import freeze_wallet
from app.ledger import NOWHERE, Check, Law, examine
from app.tenancy import PlatformScope

# What the ledger moved for each usage record: out of what pays for its wallet, to the tax office
# or, where a bonus paid, back to who gave it (`spending.transfers`), to the rest.
_USAGE = """
SELECT u.entry_id::text AS id, u.reseller_id AS book_id, w.account_id,
       u.gross_minor, u.net_minor, u.tax_minor,
       coalesce(sum(x.amount) FILTER (WHERE
           x.debit_id IN (w.account_id, w.receivable_account_id, l.account_id)), 0) AS debited,
       coalesce(sum(x.amount) FILTER (WHERE
           c.kind IN ('tax_payable', 'tax_prepaid', 'promotion')), 0) AS tax,
       coalesce(sum(x.amount) FILTER (WHERE c.kind IN ('commission', 'revenue')), 0) AS shared
  FROM usage_records u
  LEFT JOIN wallets w ON w.reseller_id = u.reseller_id AND w.id = u.wallet_id
  LEFT JOIN ledger_transfers x ON x.book_id = u.reseller_id AND x.entry_id = u.entry_id
  LEFT JOIN (SELECT DISTINCT reseller_id, wallet_id, account_id FROM bonus_lots) l
    ON l.reseller_id = u.reseller_id AND l.wallet_id = u.wallet_id AND l.account_id = x.debit_id
  LEFT JOIN ledger_accounts c ON c.book_id = x.book_id AND c.id = x.credit_id
 GROUP BY u.reseller_id, u.entry_id, w.account_id
"""

# What the ledger and the claims know of each top-up.
_TOP_UPS = """
SELECT t.id::text AS id, t.reseller_id AS book_id, w.account_id, t.state,
       coalesce(e.entries, 0) AS entries, coalesce(p.claims, 0) AS claims,
       e.credited = t.amount_minor AND e.account_id = w.account_id AND e.currency = t.currency
       AS credited,
       p.payment_id = t.payment_id AND p.reseller_id = t.reseller_id AS claimed
  FROM top_ups t
  LEFT JOIN wallets w ON w.reseller_id = t.reseller_id AND w.id = t.wallet_id
  LEFT JOIN (SELECT e.book_id, e.key, count(DISTINCT e.id) AS entries,
                    sum(x.amount) FILTER (WHERE a.kind = 'wallet') AS credited,
                    (array_agg(a.id) FILTER (WHERE a.kind = 'wallet'))[1] AS account_id,
                    (array_agg(a.currency) FILTER (WHERE a.kind = 'wallet'))[1] AS currency
               FROM ledger_entries e
               LEFT JOIN ledger_transfers x ON x.book_id = e.book_id AND x.entry_id = e.id
               LEFT JOIN ledger_accounts a ON a.book_id = x.book_id AND a.id = x.credit_id
              WHERE e.kind = 'top_up' GROUP BY e.book_id, e.key) e
    ON e.book_id = t.reseller_id AND e.key = 'top-up:' || t.id
  LEFT JOIN (SELECT top_up_id, count(*) AS claims, (array_agg(payment_id))[1] AS payment_id,
                    (array_agg(reseller_id))[1] AS reseller_id
               FROM payment_claims GROUP BY top_up_id) p ON p.top_up_id = t.id
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
          FROM wallets w
          FULL JOIN (SELECT * FROM ledger_accounts WHERE kind = 'wallet') a
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
          FROM usage_records u
          FULL JOIN (SELECT * FROM ledger_entries WHERE kind = 'usage') e
            ON e.book_id = u.reseller_id AND e.id = u.entry_id
          LEFT JOIN wallets w ON w.reseller_id = u.reseller_id AND w.id = u.wallet_id
        """,
    ),
    _of_usage(
        "usage-gross",
        "A record's gross is what its entry debits its wallet, the wallet's bonus and receivable",
        "debited = gross_minor",
    ),
    _of_usage(
        "usage-parts",
        "A record's net and tax are not negative and add up to its gross",
        "net_minor + tax_minor = gross_minor AND net_minor >= 0 AND tax_minor >= 0",
    ),
    _of_usage(
        "usage-tax",
        "A record's tax is what its entry sets aside or gives back to who gave the bonus",
        "tax = tax_minor",
    ),
    _of_usage(
        "usage-net",
        "A record's net is what its entry pays to the chain: commissions and revenue",
        "shared = net_minor",
    ),
    _of_top_ups(
        "top-up-credited",
        "A settled top-up has one entry, which credits its amount to its wallet",
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
          FROM (SELECT e.id::text AS id, e.book_id, e.key FROM ledger_entries e
                 WHERE e.kind = 'top_up'
                UNION ALL
                SELECT p.payment_id, p.reseller_id, 'top-up:' || p.top_up_id
                  FROM payment_claims p) s
          LEFT JOIN top_ups t ON t.reseller_id = s.book_id AND s.key = 'top-up:' || t.id
        """,  # noqa: S608
    ),
)


def verify(session: Session, scope: PlatformScope) -> list[Check]:
    """Check that every wallet, usage record and top-up agrees with the ledger."""
    return [examine(session, scope, law) for law in LAWS]


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
