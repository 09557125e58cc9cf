"""holds: amounts that guarded accounts keep back until they are captured, released or expire"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

TENANT = "nullif(current_setting('app.reseller_id', true), '')::uuid"

# `account_id` is the wallet's own account; the wallet's lots may be among the others. They are
# locked in the order of their ids before a key is bound, and the row of the hold after them. What
# expired holds keep back is not answered as held, whether somebody has written it down or not.
# One account, nearly every hold: it keeps the amount back at once, which locks it, and takes that
# back where the key turns out to be known.
HOLD = """
CREATE FUNCTION ledger_hold(
    p_book uuid, p_hold uuid, p_key text, p_hash bytea, p_expires timestamptz,
    p_accounts uuid[], p_amounts bigint[], p_about text
) RETURNS TABLE (
    replayed boolean, hold_id uuid, posted bigint, held bigint, credit_limit bigint,
    version bigint, revision bigint, state text, expires_at timestamptz
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET enable_seqscan = off AS $$
DECLARE
    known ledger_holds;
    after ledger_balances;
    has_kept boolean := false;
BEGIN
    IF cardinality(p_accounts) = 1 THEN
        UPDATE ledger_balances b SET held = b.held + p_amounts[1], revision = b.revision + 1
         WHERE b.book_id = p_book AND b.account_id = p_accounts[1] AND p_amounts[1] >= 0
           AND b.posted - b.held - p_amounts[1] >= -b.credit_limit
        RETURNING b.* INTO after;
        has_kept := FOUND;
    END IF;
    IF NOT has_kept THEN
        PERFORM 1 FROM ledger_balances b
          WHERE b.book_id = p_book AND b.account_id = ANY (p_accounts)
          ORDER BY b.account_id FOR NO KEY UPDATE;
    END IF;
    INSERT INTO ledger_holds (
        book_id, id, key, input_hash, expires_at, account_id, accounts, amounts, about)
    VALUES (
        p_book, p_hold, p_key, p_hash, p_expires, p_accounts[1], p_accounts, p_amounts, p_about)
    ON CONFLICT (book_id, key) DO NOTHING;
    replayed := NOT FOUND;
    IF NOT replayed AND has_kept AND after.held = p_amounts[1] THEN
        -- Nothing else is held: no other hold can be overdue.
        hold_id := p_hold; posted := after.posted; held := after.held;
        credit_limit := after.credit_limit; version := after.version; revision := after.revision;
        state := CASE WHEN p_expires <= now() THEN 'expired' ELSE 'open' END;
        held := CASE state WHEN 'open' THEN held ELSE 0 END;
        expires_at := p_expires;
        RETURN NEXT;
        RETURN;
    END IF;
    IF replayed THEN
        IF has_kept THEN
            UPDATE ledger_balances b SET held = b.held - p_amounts[1], revision = b.revision - 1
             WHERE b.book_id = p_book AND b.account_id = p_accounts[1];
        END IF;
        SELECT * INTO STRICT known FROM ledger_holds h WHERE h.book_id = p_book AND h.key = p_key;
        IF known.input_hash IS DISTINCT FROM p_hash THEN
            RAISE EXCEPTION 'key % was used with other input', p_key USING ERRCODE = 'KL002';
        END IF;
    ELSIF NOT has_kept THEN
        PERFORM ledger_reserve(p_book, p_accounts, p_amounts);
    END IF;
    -- One statement: hold and balance as of one moment.
    SELECT h.id, b.posted, b.held - coalesce(overdue.amount, 0), b.credit_limit, b.version,
           b.revision, h.expires_at,
           CASE WHEN h.state = 'open' AND h.expires_at <= now() THEN 'expired' ELSE h.state END
      INTO STRICT hold_id, posted, held, credit_limit, version, revision, expires_at, state
      FROM ledger_holds h
      JOIN ledger_balances b ON b.book_id = h.book_id AND b.account_id = h.account_id
     CROSS JOIN LATERAL (
        SELECT sum(part.amount)::bigint AS amount
          FROM ledger_holds o
         CROSS JOIN LATERAL unnest(o.accounts, o.amounts) AS part (account_id, amount)
         WHERE o.book_id = h.book_id AND o.account_id = h.account_id AND o.state = 'open'
           AND o.expires_at <= now() AND part.account_id = h.account_id) overdue
     WHERE h.book_id = p_book AND h.key = p_key;
    RETURN NEXT;
END $$
"""

# Guarded accounts, those of the hold and others, are locked in everybody's order.
LOCK = """
CREATE FUNCTION ledger_lock_hold(p_book uuid, p_hold uuid, p_more uuid[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET enable_seqscan = off AS $$
DECLARE
    kept uuid[] := (SELECT h.accounts FROM ledger_holds h WHERE h.book_id = p_book AND h.id = p_hold);
BEGIN
    -- The plan of one account is simpler, and enough for nearly every hold.
    IF cardinality(kept) = 1 AND p_more <@ kept THEN
        PERFORM 1 FROM ledger_balances b
          WHERE b.book_id = p_book AND b.account_id = kept[1] FOR NO KEY UPDATE;
    ELSE
        PERFORM 1 FROM ledger_balances b
          WHERE b.book_id = p_book AND b.account_id = ANY (p_more || kept)
          ORDER BY b.account_id FOR NO KEY UPDATE;
    END IF;
END $$
"""

RESERVE = """
CREATE FUNCTION ledger_reserve(p_book uuid, p_accounts uuid[], p_amounts bigint[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET enable_seqscan = off AS $$
DECLARE
    before ledger_balances;
BEGIN
    FOR place IN 1 .. cardinality(p_accounts) LOOP
        UPDATE ledger_balances b SET held = b.held + p_amounts[place], revision = b.revision + 1
         WHERE b.book_id = p_book AND b.account_id = p_accounts[place] AND p_amounts[place] >= 0
           AND b.posted - b.held - p_amounts[place] >= -b.credit_limit;
        IF NOT FOUND THEN
            SELECT * INTO before FROM ledger_balances b
             WHERE b.book_id = p_book AND b.account_id = p_accounts[place];
            RAISE EXCEPTION 'account % cannot hold', p_accounts[place] USING
                ERRCODE = CASE WHEN FOUND THEN 'KL001' ELSE 'KL003' END,
                DETAIL = json_build_object(
                    'available', before.posted - before.held + before.credit_limit,
                    'required', p_amounts[place])::text;
        END IF;
    END LOOP;
END $$
"""

EXTEND = """
CREATE FUNCTION ledger_extend_hold(
    p_book uuid, p_hold uuid, p_expires timestamptz, p_accounts uuid[], p_amounts bigint[]
) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET enable_seqscan = off AS $$
BEGIN
    PERFORM ledger_lock_hold(p_book, p_hold, p_accounts);
    UPDATE ledger_holds h
       SET expires_at = greatest(h.expires_at, p_expires),
           accounts = h.accounts || p_accounts, amounts = h.amounts || p_amounts
     WHERE h.book_id = p_book AND h.id = p_hold AND h.state = 'open' AND h.expires_at > now();
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM ledger_reserve(p_book, p_accounts, p_amounts);
    RETURN true;
END $$
"""

# Captured by an entry before its time is over, or else released; all NULL where it is not open. The
# accounts are locked, and what it kept of them is freed, by whoever calls. What it was about may be
# somebody's number, and holds stay for ever: it is forgotten (M3).
END = """
CREATE FUNCTION ledger_end_hold(p_book uuid, p_hold uuid, p_entry uuid, p_expiry boolean)
RETURNS ledger_holds
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET enable_seqscan = off AS $$
DECLARE
    closed ledger_holds;
BEGIN
    UPDATE ledger_holds h
       SET entry_id = p_entry, closed_at = clock_timestamp(), about = NULL,
           state = CASE WHEN p_entry IS NOT NULL THEN 'captured'
                        WHEN p_expiry THEN 'expired' ELSE 'released' END
     WHERE h.book_id = p_book AND h.id = p_hold AND h.state = 'open'
       AND (NOT p_expiry OR h.expires_at <= now()) AND (p_entry IS NULL OR h.expires_at > now())
    RETURNING h.* INTO closed;
    RETURN closed;
END $$
"""

# What an open hold keeps of this account; NULL where it is not open or keeps of others, too.
KEPT = """
CREATE FUNCTION ledger_kept_by(
    p_book uuid, p_hold uuid, p_account uuid, OUT about text, OUT kept bigint
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET enable_seqscan = off AS $$
BEGIN
    SELECT h.about, (SELECT sum(amount) FROM unnest(h.amounts) AS amount) INTO about, kept
      FROM ledger_holds h
     WHERE h.book_id = p_book AND h.id = p_hold AND h.state = 'open' AND h.account_id = p_account
       AND h.accounts <@ ARRAY[p_account];
END $$
"""

CLOSE = """
CREATE FUNCTION ledger_close_hold(p_book uuid, p_hold uuid, p_expiry boolean DEFAULT false)
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET enable_seqscan = off AS $$
DECLARE
    closed ledger_holds;
BEGIN
    PERFORM ledger_lock_hold(p_book, p_hold, '{}');
    closed := ledger_end_hold(p_book, p_hold, NULL, p_expiry);
    IF closed.id IS NULL THEN
        RETURN false;
    END IF;
    FOR place IN 1 .. cardinality(closed.accounts) LOOP
        UPDATE ledger_balances b
           SET held = b.held - closed.amounts[place], revision = b.revision + 1
         WHERE b.book_id = p_book AND b.account_id = closed.accounts[place];
    END LOOP;
    RETURN true;
END $$
"""

FUNCTIONS = {
    "ledger_lock_hold(uuid, uuid, uuid[])": LOCK,
    "ledger_reserve(uuid, uuid[], bigint[])": RESERVE,
    "ledger_end_hold(uuid, uuid, uuid, boolean)": END,
    "ledger_kept_by(uuid, uuid, uuid)": KEPT,
    "ledger_close_hold(uuid, uuid, boolean)": CLOSE,
    "ledger_extend_hold(uuid, uuid, timestamptz, uuid[], bigint[])": EXTEND,
    "ledger_hold(uuid, uuid, text, bytea, timestamptz, uuid[], bigint[], text)": HOLD,
}
# Called by the functions above alone.
WITHIN = {
    "ledger_reserve(uuid, uuid[], bigint[])",
    "ledger_lock_hold(uuid, uuid, uuid[])",
    "ledger_end_hold(uuid, uuid, uuid, boolean)",
}


def upgrade() -> None:
    op.create_table(
        "ledger_holds",
        sa.Column("book_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("input_hash", sa.LargeBinary(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("accounts", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("amounts", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("about", sa.Text(), nullable=True),
        sa.Column("entry_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("book_id", "id", name=op.f("pk_ledger_holds")),
        sa.UniqueConstraint("book_id", "key", name=op.f("uq_ledger_holds_book_id_key")),
    )
    op.create_index(
        "ix_ledger_holds_open", "ledger_holds", ["book_id", "account_id", "expires_at"],
        postgresql_where=sa.text("state = 'open'"),
    )
    _walls()
    op.execute("GRANT CREATE ON SCHEMA public TO kontor_ledger")
    for signature, body in FUNCTIONS.items():
        op.execute(body)
        op.execute(f"ALTER FUNCTION {signature} OWNER TO kontor_ledger")
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
        if signature not in WITHIN:
            op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO kontor_app, kontor_platform")
    op.execute("REVOKE CREATE ON SCHEMA public FROM kontor_ledger")


def _walls() -> None:
    op.execute("ALTER TABLE ledger_holds ENABLE ROW LEVEL SECURITY")
    for name, role, rule in (
        ("tenant", "kontor_app", f"USING (book_id = {TENANT})"),
        ("platform", "kontor_platform", "USING (true)"),
        ("ledger_writes", "kontor_ledger", f"USING (book_id = {TENANT})"),
    ):
        op.execute(f"CREATE POLICY {name} ON ledger_holds TO {role} {rule}")
    op.execute("GRANT SELECT ON ledger_holds TO kontor_app, kontor_platform")
    op.execute("GRANT SELECT, INSERT, UPDATE ON ledger_holds TO kontor_ledger")


def downgrade() -> None:
    for signature in reversed(FUNCTIONS):
        op.execute(f"DROP FUNCTION {signature}")
    op.drop_table("ledger_holds")
