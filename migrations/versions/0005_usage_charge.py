"""usage charge in one trip: its rows with its entry, and a revision of the terms it was rated by

A process may keep wallets, prices and shares of a charge between charges, because the charge
itself checks, in the statement that posts it, that nothing of that has changed since.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TERMS = ("offers", "prices", "sold_offers", "commission_terms")

# The revision moves in the transaction that changes the terms, so it becomes visible with them.
BUMP = """
CREATE FUNCTION bump_terms_revision() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    UPDATE terms_revision SET revision = revision + 1;
    RETURN NULL;
END $$
"""

# The wallet is the customer's in the currency; its account stands for every debit. No row where
# there is none, it is frozen, or the terms have changed: the caller looks why. A key that is known
# goes on to `ledger_post`, which answers it whatever became of wallet and terms.
CHARGE = """
CREATE FUNCTION charge_usage(
    p_book uuid, p_entry uuid, p_kind text, p_key text, p_hash bytea, p_effective timestamptz,
    p_debits uuid[], p_credits uuid[], p_amounts bigint[], p_watch uuid,
    p_revision bigint, p_customer uuid, p_currency text, p_event text, p_meter text, p_price uuid,
    p_quantity numeric, p_unit_price numeric, p_gross bigint, p_net bigint, p_tax bigint,
    p_counterparty text
) RETURNS TABLE (
    replayed boolean, entry_id uuid, posted bigint, held bigint, credit_limit bigint, version bigint,
    unit_price numeric, gross bigint, net bigint, tax bigint
)
LANGUAGE plpgsql AS $$
DECLARE
    wallet uuid;
    account uuid;
    may_pay boolean;
BEGIN
    -- As a transaction of its own it names its tenant itself; inside one it keeps to that one's.
    IF coalesce(current_setting('app.reseller_id', true), '') = '' THEN
        PERFORM set_config('app.reseller_id', p_book::text, true);
    END IF;
    SELECT w.id, w.account_id,
           w.state = 'active' AND EXISTS (
               SELECT 1 FROM terms_revision t WHERE t.revision = p_revision)
      INTO wallet, account, may_pay
      FROM wallets w
     WHERE w.reseller_id = p_book AND w.customer_id = p_customer AND w.currency = p_currency;
    IF wallet IS NULL OR NOT may_pay AND NOT EXISTS (
        SELECT 1 FROM ledger_entries e WHERE e.book_id = p_book AND e.key = p_key
    ) THEN
        RETURN;
    END IF;
    SELECT * INTO replayed, entry_id, posted, held, credit_limit, version
      FROM ledger_post(p_book, p_entry, p_kind, p_key, p_hash, p_effective,
                       array_fill(account, ARRAY[cardinality(p_credits)]), p_credits, p_amounts,
                       account);
    IF NOT replayed THEN
        INSERT INTO usage_records (
            reseller_id, entry_id, event_id, wallet_id, meter, price_id, quantity, unit_price,
            gross_minor, net_minor, tax_minor, occurred_at, counterparty)
        VALUES (
            p_book, p_entry, p_event, wallet, p_meter, p_price, p_quantity, p_unit_price,
            p_gross, p_net, p_tax, p_effective, p_counterparty);
        INSERT INTO outbox (reseller_id, kind, body)
        VALUES (p_book, 'balance_changed',
                jsonb_build_object('wallet_id', wallet, 'account_id', account));
        unit_price := p_unit_price; gross := p_gross; net := p_net; tax := p_tax;
    ELSE
        SELECT u.unit_price, u.gross_minor, u.net_minor, u.tax_minor
          INTO unit_price, gross, net, tax
          FROM usage_records u WHERE u.reseller_id = p_book AND u.entry_id = charge_usage.entry_id;
    END IF;
    RETURN NEXT;
END $$
"""

SIGNATURE = (
    "charge_usage(uuid, uuid, text, text, bytea, timestamptz, uuid[], uuid[], bigint[], uuid,"
    " bigint, uuid, text, text, text, uuid, numeric, numeric, bigint, bigint, bigint, text)"
)


def upgrade() -> None:
    op.create_table(
        "terms_revision",
        sa.Column("id", sa.SmallInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_terms_revision_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_terms_revision")),
    )
    op.execute("INSERT INTO terms_revision VALUES (1, 1)")
    op.execute("GRANT SELECT ON terms_revision TO kontor_app, kontor_platform")
    op.execute(BUMP)
    op.execute("REVOKE ALL ON FUNCTION bump_terms_revision() FROM PUBLIC")
    for table in TERMS:
        op.execute(
            f"CREATE TRIGGER bump_terms_revision AFTER INSERT OR UPDATE OR DELETE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION bump_terms_revision()"
        )
    op.execute(CHARGE)
    op.execute(f"REVOKE ALL ON FUNCTION {SIGNATURE} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {SIGNATURE} TO kontor_app")


def downgrade() -> None:
    op.execute(f"DROP FUNCTION {SIGNATURE}")
    for table in TERMS:
        op.execute(f"DROP TRIGGER bump_terms_revision ON {table}")
    op.execute("DROP FUNCTION bump_terms_revision()")
    op.drop_table("terms_revision")
