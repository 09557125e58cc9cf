"""paying: bonus lots, receivables, spending caps, volumes; charges one by one and many at once

A wallet `needs_care` while it has lots or caps: its charges are prepared under its lock. All other
charges stay one statement.
"""

import runpy
from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

TENANT = "nullif(current_setting('app.reseller_id', true), '')::uuid"

# No row where there is no such wallet, it may not pay or needs care, it has too little, or the
# terms have changed: the caller looks why. A key that is known goes on to `ledger_post`, which
# answers it whatever became of wallet and terms. A hold must be of this wallet alone; the
# line that it was for is the usage's, where the usage names none.
CHARGE = """
CREATE FUNCTION charge_usage(
    p_book uuid, p_entry uuid, p_kind text, p_key text, p_hash bytea, p_effective timestamptz,
    p_debits uuid[], p_credits uuid[], p_amounts bigint[], p_watch uuid, p_guarded uuid[],
    p_hold uuid,
    p_revision bigint, p_customer uuid, p_currency text, p_event text, p_subject text,
    p_meter text, p_price uuid, p_retail_price uuid, p_quantity numeric, p_billed numeric,
    p_unit_price numeric, p_gross bigint, p_net bigint, p_tax bigint, p_rating jsonb,
    p_counterparty text
) RETURNS TABLE (
    replayed boolean, entry_id uuid, posted bigint, held bigint, credit_limit bigint,
    version bigint, revision bigint,
    unit_price numeric, billed numeric, gross bigint, net bigint, tax bigint, rating jsonb
)
LANGUAGE plpgsql AS $$
DECLARE
    wallet uuid;
    account uuid;
    may_pay boolean;
    remaining bigint;
    about text;
    done record;
BEGIN
    -- As a transaction of its own it names its tenant itself; inside one it keeps to that one's.
    IF coalesce(current_setting('app.reseller_id', true), '') = '' THEN
        PERFORM set_config('app.reseller_id', p_book::text, true);
    END IF;
    SELECT w.id, w.account_id, b.posted - b.held + b.credit_limit - p_gross,
           w.state = 'active' AND NOT w.needs_care
           AND EXISTS (SELECT 1 FROM terms_revision t WHERE t.revision = p_revision)
      INTO wallet, account, remaining, may_pay
      FROM wallets w
      JOIN ledger_balances b ON b.book_id = w.reseller_id AND b.account_id = w.account_id
     WHERE w.reseller_id = p_book AND w.customer_id = p_customer AND w.currency = p_currency;
    IF p_hold IS NOT NULL THEN
        SELECT k.about, remaining + k.kept INTO about, remaining
          FROM ledger_kept_by(p_book, p_hold, account) AS k;
    END IF;
    may_pay := may_pay AND remaining >= 0;
    IF wallet IS NULL OR may_pay IS NOT TRUE AND NOT EXISTS (
        SELECT 1 FROM ledger_entries e WHERE e.book_id = p_book AND e.key = p_key
    ) THEN
        RETURN;
    END IF;
    done := ledger_post(
        p_book, p_entry, p_kind, p_key, p_hash, p_effective,
        array_fill(account, ARRAY[cardinality(p_credits)]), p_credits, p_amounts,
        account, ARRAY[account], p_hold);
    replayed := done.replayed; entry_id := done.entry_id; posted := done.posted;
    held := done.held; credit_limit := done.credit_limit; version := done.version;
    revision := done.revision;
    IF NOT replayed THEN
        INSERT INTO usage_records (
            reseller_id, entry_id, event_id, wallet_id, subject, meter, price_id, retail_price_id,
            quantity, billed, unit_price, gross_minor, net_minor, tax_minor, rating, hold_id,
            occurred_at, counterparty)
        VALUES (
            p_book, p_entry, p_event, wallet, coalesce(p_subject, about), p_meter, p_price, p_retail_price,
            p_quantity, p_billed, p_unit_price, p_gross, p_net, p_tax, p_rating, p_hold,
            p_effective, p_counterparty);
        INSERT INTO outbox (reseller_id, kind, body)
        VALUES (p_book, 'balance_changed',
                jsonb_build_object('wallet_id', wallet, 'account_id', account));
        unit_price := p_unit_price; billed := p_billed; gross := p_gross; net := p_net;
        tax := p_tax; rating := p_rating;
    ELSE
        -- Charged before, and not by this hold, or else it is closed: there is nothing to capture.
        IF p_hold IS NOT NULL AND ledger_close_hold(p_book, p_hold) THEN
            INSERT INTO outbox (reseller_id, kind, body)
            SELECT p_book, 'balance_changed',
                   jsonb_build_object('wallet_id', w.id, 'account_id', w.account_id)
              FROM ledger_holds h
              JOIN wallets w ON w.reseller_id = h.book_id AND w.account_id = h.account_id
             WHERE h.book_id = p_book AND h.id = p_hold;
        END IF;
        SELECT u.unit_price, u.billed, u.gross_minor, u.net_minor, u.tax_minor, u.rating
          INTO unit_price, billed, gross, net, tax, rating
          FROM usage_records u WHERE u.reseller_id = p_book AND u.entry_id = charge_usage.entry_id;
    END IF;
    RETURN NEXT;
END $$
"""

# Reserves credit of a wallet; no row where its care is needed or it has too little.
RESERVE = """
CREATE FUNCTION reserve_credit(
    p_book uuid, p_hold uuid, p_key text, p_hash bytea, p_expires timestamptz, p_accounts uuid[],
    p_amounts bigint[], p_about text, p_customer uuid, p_currency text
) RETURNS TABLE (
    replayed boolean, hold_id uuid, posted bigint, held bigint, credit_limit bigint,
    version bigint, revision bigint, state text, expires_at timestamptz
)
LANGUAGE plpgsql AS $$
DECLARE
    wallet uuid;
    account uuid;
    may_pay boolean;
BEGIN
    IF coalesce(current_setting('app.reseller_id', true), '') = '' THEN
        PERFORM set_config('app.reseller_id', p_book::text, true);
    END IF;
    SELECT w.id, w.account_id, w.state = 'active' AND NOT w.needs_care
           AND b.posted - b.held + b.credit_limit >= p_amounts[1]
      INTO wallet, account, may_pay
      FROM wallets w
      JOIN ledger_balances b ON b.book_id = w.reseller_id AND b.account_id = w.account_id
     WHERE w.reseller_id = p_book AND w.customer_id = p_customer AND w.currency = p_currency;
    IF wallet IS NULL OR NOT may_pay AND NOT EXISTS (
        SELECT 1 FROM ledger_holds h WHERE h.book_id = p_book AND h.key = p_key
    ) THEN
        RETURN;
    END IF;
    SELECT * INTO replayed, hold_id, posted, held, credit_limit, version, revision, state, expires_at
      FROM ledger_hold(
          p_book, p_hold, p_key, p_hash, p_expires, ARRAY[account], p_amounts, p_about);
    IF NOT replayed THEN
        INSERT INTO outbox (reseller_id, kind, body)
        VALUES (p_book, 'balance_changed',
                jsonb_build_object('wallet_id', wallet, 'account_id', account));
    END IF;
    RETURN NEXT;
END $$
"""

FUNCTIONS = {
    "charge_usage(uuid, uuid, text, text, bytea, timestamptz, uuid[], uuid[], bigint[], uuid,"
    " uuid[], uuid, bigint, uuid, text, text, text, text, uuid, uuid, numeric, numeric, numeric, bigint,"
    " bigint, bigint, jsonb, text)": CHARGE,
    "reserve_credit(uuid, uuid, text, bytea, timestamptz, uuid[], bigint[], text, uuid, text)": RESERVE,
}
BEFORE = "0005_usage_charge.py"

KINDS = [("bonus", True), ("receivable", True), ("promotion", False)]
_EARNED = ("commission", "revenue")
_TAXES = ("tax_payable", "tax_prepaid")
RULES = [
    *(("usage", payer, to) for payer in ("bonus", "receivable") for to in (*_TAXES, *_EARNED)),
    # What a bonus pays is no consideration: the tax share of it falls back to who gave the bonus.
    ("usage", "bonus", "promotion"),
    ("top_up", "clearing", "receivable"),
    ("bonus", "promotion", "bonus"),
    ("top_up", "promotion", "bonus"),
    ("bonus_expiry", "bonus", "promotion"),
]

TABLES = {
    "bonus_lots": ("SELECT, INSERT, UPDATE", "SELECT"),
    "spending_caps": ("SELECT, INSERT, UPDATE, DELETE", "SELECT"),
    "usage_volumes": ("SELECT, INSERT, UPDATE", "SELECT"),
}
COLUMNS = {
    "wallets": [
        sa.Column("needs_care", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("mode", sa.Text(), server_default="prepaid", nullable=False),
        sa.Column("receivable_account_id", sa.Uuid(), nullable=True),
    ],
    "usage_records": [
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("retail_price_id", sa.Uuid(), nullable=True),
        sa.Column("billed", sa.Numeric(24, 12), nullable=True),
        sa.Column("rating", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("hold_id", sa.Uuid(), nullable=True),
    ],
}


def _walleted(name: str, *columns: sa.Column) -> None:
    """Make a table of facts about wallets."""
    op.create_table(
        name,
        sa.Column("reseller_id", sa.Uuid(), nullable=False),
        *columns,
        sa.ForeignKeyConstraint(
            ["reseller_id", "wallet_id"], ["wallets.reseller_id", "wallets.id"],
            name=op.f(f"fk_{name}_reseller_id_wallets"),
        ),
    )
    application, platform = TABLES[name]
    op.execute(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON {name} TO kontor_app USING (reseller_id = {TENANT})")
    op.execute(f"CREATE POLICY platform ON {name} TO kontor_platform USING (true)")
    op.execute(f"GRANT {application} ON {name} TO kontor_app")
    op.execute(f"GRANT {platform} ON {name} TO kontor_platform")


def _required(name: str, kind: sa.types.TypeEngine, **options: object) -> sa.Column:
    return sa.Column(name, kind, nullable=False, **options)


def _lots() -> None:
    _walleted(
        "bonus_lots",
        _required("id", sa.Uuid()),
        _required("wallet_id", sa.Uuid()),
        _required("account_id", sa.Uuid()),
        _required("granted_minor", sa.BigInteger()),
        _required("source", sa.Text()),
        sa.Column("top_up_id", sa.Uuid(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        _required("state", sa.Text(), server_default="open"),
        _required("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()")),
        sa.PrimaryKeyConstraint("reseller_id", "id", name=op.f("pk_bonus_lots")),
    )
    op.create_index(
        "ix_bonus_lots_open", "bonus_lots", ["reseller_id", "wallet_id", "expires_at", "id"],
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index("ix_bonus_lots_wallet", "bonus_lots", ["reseller_id", "wallet_id"])
    op.create_index(
        "uq_bonus_lots_top_up", "bonus_lots", ["reseller_id", "top_up_id"], unique=True,
        postgresql_where=sa.text("top_up_id IS NOT NULL"),
    )


def _caps_and_volumes() -> None:
    _walleted(
        "spending_caps",
        _required("id", sa.Uuid()),
        _required("wallet_id", sa.Uuid()),
        sa.Column("subject", sa.Text(), nullable=True),
        _required("limit_minor", sa.BigInteger()),
        _required("month", sa.Date()),
        _required("spent_minor", sa.BigInteger()),
        sa.CheckConstraint("limit_minor >= 0", name=op.f("ck_spending_caps_limit")),
        sa.PrimaryKeyConstraint("reseller_id", "id", name=op.f("pk_spending_caps")),
        sa.UniqueConstraint(
            "reseller_id", "wallet_id", "subject", postgresql_nulls_not_distinct=True,
            name=op.f("uq_spending_caps_reseller_id_wallet_id_subject"),
        ),
    )
    _walleted(
        "usage_volumes",
        _required("wallet_id", sa.Uuid()),
        _required("meter", sa.Text()),
        _required("month", sa.Date()),
        _required("quantity", sa.Numeric(24, 12)),
        sa.PrimaryKeyConstraint(
            "reseller_id", "wallet_id", "meter", "month", name=op.f("pk_usage_volumes")
        ),
    )


def upgrade() -> None:
    for kind, guarded in KINDS:
        op.execute(
            f"INSERT INTO ledger_account_kinds VALUES ('{kind}', {guarded}) ON CONFLICT DO NOTHING"
        )
    for rule in RULES:
        op.execute("INSERT INTO ledger_rules VALUES ('{}', '{}', '{}')".format(*rule))
    for table, columns in COLUMNS.items():
        for column in columns:
            op.add_column(table, column)
    _lots()
    _caps_and_volumes()
    before = runpy.run_path(str(Path(__file__).parent / BEFORE))
    op.execute(f"DROP FUNCTION {before['SIGNATURE']}")
    for signature, body in FUNCTIONS.items():
        op.execute(body)
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO kontor_app")


def downgrade() -> None:
    for signature in FUNCTIONS:
        op.execute(f"DROP FUNCTION {signature}")
    before = runpy.run_path(str(Path(__file__).parent / BEFORE))
    op.execute(before["CHARGE"])
    op.execute(f"REVOKE ALL ON FUNCTION {before['SIGNATURE']} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {before['SIGNATURE']} TO kontor_app")
    for table in reversed(TABLES):
        op.drop_table(table)
    for table, columns in COLUMNS.items():
        for column in columns:
            op.drop_column(table, column.name)
    for rule in RULES:
        op.execute(
            "DELETE FROM ledger_rules WHERE (entry_kind, debit_kind, credit_kind)"
            " = ('{}', '{}', '{}')".format(*rule)
        )
    for kind, _ in KINDS:
        op.execute(f"DELETE FROM ledger_account_kinds WHERE kind = '{kind}'")
