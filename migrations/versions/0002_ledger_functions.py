"""ledger: the functions that alone write ledger rows, kinds of account and rules

`ledger_post` is one round trip: decision 0005 has the alternatives.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

OPEN_ACCOUNT = """
CREATE FUNCTION ledger_open_account(
    p_book uuid, p_id uuid, p_kind text, p_owner uuid, p_currency text, p_credit_limit bigint
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    INSERT INTO ledger_accounts (book_id, id, kind, owner_id, currency)
    SELECT p_book, p_id, k.kind, p_owner, p_currency FROM ledger_account_kinds k WHERE k.kind = p_kind
    ON CONFLICT DO NOTHING;
    INSERT INTO ledger_balances (book_id, account_id, credit_limit)
    SELECT a.book_id, a.id, p_credit_limit
      FROM ledger_accounts a JOIN ledger_account_kinds k ON k.kind = a.kind AND k.guarded
     WHERE a.book_id = p_book AND a.id = p_id
    ON CONFLICT DO NOTHING;
END $$
"""

# The order matters. The entry comes first: two deliveries of one key meet at its unique index and
# the second waits, then answers what the first one wrote. Guarded accounts are changed in the
# order of their ids, so that two entries never wait for each other. Shared accounts are only read.
POST = """
CREATE FUNCTION ledger_post(
    p_book uuid, p_entry uuid, p_kind text, p_key text, p_hash bytea, p_effective timestamptz,
    p_debits uuid[], p_credits uuid[], p_amounts bigint[], p_watch uuid
) RETURNS TABLE (
    replayed boolean, entry_id uuid, posted bigint, held bigint, credit_limit bigint, version bigint
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    known ledger_entries;
    account uuid;
    delta bigint;
    after ledger_balances;
    written bigint;
BEGIN
    INSERT INTO ledger_entries (book_id, id, kind, key, input_hash, effective_at)
    VALUES (p_book, p_entry, p_kind, p_key, p_hash, p_effective)
    ON CONFLICT (book_id, key) DO NOTHING;
    IF NOT FOUND THEN
        SELECT * INTO STRICT known FROM ledger_entries e WHERE e.book_id = p_book AND e.key = p_key;
        IF known.input_hash IS DISTINCT FROM p_hash OR known.kind IS DISTINCT FROM p_kind THEN
            RAISE EXCEPTION 'key % was used with other input', p_key USING ERRCODE = 'KL002';
        END IF;
        RETURN QUERY
            SELECT true, known.id, p.balance_after, b.held, b.credit_limit, p.version
              FROM ledger_postings p JOIN ledger_balances b USING (book_id, account_id)
             WHERE p.book_id = p_book AND p.entry_id = known.id AND p.account_id = p_watch;
        RETURN;
    END IF;

    -- The watched account always gets a posting: it keeps the answer, also of an entry that
    -- costs nothing.
    FOR account IN
        SELECT b.account_id FROM ledger_balances b
         WHERE b.book_id = p_book AND b.account_id = ANY (p_debits || p_credits || p_watch)
         ORDER BY b.account_id
    LOOP
        delta := 0;
        FOR i IN 1 .. cardinality(p_amounts) LOOP
            IF p_debits[i] = account THEN delta := delta - p_amounts[i]; END IF;
            IF p_credits[i] = account THEN delta := delta + p_amounts[i]; END IF;
        END LOOP;
        UPDATE ledger_balances b
           SET posted = b.posted + delta, version = b.version + 1
         WHERE b.book_id = p_book AND b.account_id = account
           AND (delta >= 0 OR b.posted + delta - b.held >= -b.credit_limit)
        RETURNING b.* INTO after;
        IF NOT FOUND THEN
            SELECT * INTO STRICT after FROM ledger_balances b
             WHERE b.book_id = p_book AND b.account_id = account;
            RAISE EXCEPTION 'account % cannot pay', account USING
                ERRCODE = 'KL001',
                DETAIL = json_build_object(
                    'available', after.posted - after.held + after.credit_limit,
                    'required', -delta)::text;
        END IF;
        INSERT INTO ledger_postings (book_id, entry_id, account_id, version, delta, balance_after)
        VALUES (p_book, p_entry, account, after.version, delta, after.posted);
        IF account = p_watch THEN
            replayed := false; entry_id := p_entry; posted := after.posted; held := after.held;
            credit_limit := after.credit_limit; version := after.version;
        END IF;
    END LOOP;
    IF entry_id IS NULL THEN
        RAISE EXCEPTION 'entry % does not touch the watched account', p_key USING ERRCODE = 'KL003';
    END IF;

    INSERT INTO ledger_transfers (book_id, entry_id, n, debit_id, credit_id, amount)
    SELECT p_book, p_entry, t.n, t.debit, t.credit, t.amount
      FROM unnest(p_debits, p_credits, p_amounts) WITH ORDINALITY AS t (debit, credit, amount, n)
      JOIN ledger_accounts d ON d.book_id = p_book AND d.id = t.debit
      JOIN ledger_accounts c ON c.book_id = p_book AND c.id = t.credit AND c.currency = d.currency
      JOIN ledger_rules r
        ON r.entry_kind = p_kind AND r.debit_kind = d.kind AND r.credit_kind = c.kind;
    GET DIAGNOSTICS written = ROW_COUNT;
    IF written <> greatest(cardinality(p_debits), cardinality(p_credits), cardinality(p_amounts))
    THEN
        RAISE EXCEPTION 'the rules do not allow entry %', p_key USING ERRCODE = 'KL003';
    END IF;
    INSERT INTO ledger_tail (book_id, entry_id) VALUES (p_book, p_entry);
    RETURN NEXT;
END $$
"""

# One roll-up of a book at a time; a reader sees an entry either in the tail or in the sum.
ROLL_UP = """
CREATE FUNCTION ledger_roll_up(p_book uuid, p_limit bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    counted uuid[];
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('ledger_roll_up:' || p_book, 0));
    WITH gone AS (
        DELETE FROM ledger_tail t
         WHERE t.book_id = p_book AND t.entry_id IN (
            SELECT s.entry_id FROM ledger_tail s WHERE s.book_id = p_book
             ORDER BY s.entry_id LIMIT p_limit)
        RETURNING t.entry_id)
    SELECT array_agg(gone.entry_id) INTO counted FROM gone;
    IF counted IS NULL THEN
        RETURN 0;
    END IF;
    INSERT INTO ledger_rollups AS r (book_id, account_id, posted)
    SELECT p_book, side.id, sum(side.delta)
      FROM ledger_transfers x
     CROSS JOIN LATERAL (VALUES (x.debit_id, -x.amount), (x.credit_id, x.amount)) side (id, delta)
      JOIN ledger_accounts a ON a.book_id = p_book AND a.id = side.id
      JOIN ledger_account_kinds k ON k.kind = a.kind AND NOT k.guarded
     WHERE x.book_id = p_book AND x.entry_id = ANY (counted)
     GROUP BY side.id
    ON CONFLICT (book_id, account_id) DO UPDATE SET posted = r.posted + excluded.posted;
    RETURN array_length(counted, 1);
END $$
"""

# Who asks is the tenant of the transaction, or the platform by its own sign-in.
OWNED_BALANCES = """
CREATE FUNCTION ledger_owned_balances(p_owner uuid)
RETURNS TABLE (book_id uuid, account_id uuid, kind text, currency text, posted bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    IF session_user <> 'kontor_platform'
       AND p_owner IS DISTINCT FROM nullif(current_setting('app.reseller_id', true), '')::uuid THEN
        RAISE EXCEPTION 'not the owner' USING ERRCODE = '42501';
    END IF;
    RETURN QUERY
    WITH mine AS MATERIALIZED (
        SELECT a.book_id, a.id, a.kind, a.currency
          FROM ledger_accounts a JOIN ledger_account_kinds k ON k.kind = a.kind AND NOT k.guarded
         WHERE a.owner_id = p_owner
    ), recent AS (
        SELECT side.book_id, side.id, sum(side.delta)::bigint AS posted
          FROM (SELECT DISTINCT m.book_id FROM mine m) books
          JOIN ledger_tail t ON t.book_id = books.book_id
          JOIN ledger_transfers x ON x.book_id = t.book_id AND x.entry_id = t.entry_id
         CROSS JOIN LATERAL (
            VALUES (x.book_id, x.debit_id, -x.amount), (x.book_id, x.credit_id, x.amount)
         ) side (book_id, id, delta)
         GROUP BY side.book_id, side.id
    )
    SELECT m.book_id, m.id, m.kind, m.currency,
           coalesce(r.posted, 0) + coalesce(recent.posted, 0)
      FROM mine m
      LEFT JOIN ledger_rollups r ON r.book_id = m.book_id AND r.account_id = m.id
      LEFT JOIN recent ON recent.book_id = m.book_id AND recent.id = m.id;
END $$
"""

FUNCTIONS = {
    "ledger_open_account(uuid, uuid, text, uuid, text, bigint)": OPEN_ACCOUNT,
    "ledger_post(uuid, uuid, text, text, bytea, timestamptz, uuid[], uuid[], bigint[], uuid)": POST,
    "ledger_roll_up(uuid, bigint)": ROLL_UP,
    "ledger_owned_balances(uuid)": OWNED_BALANCES,
}

KINDS = [
    ("wallet", True),
    ("clearing", False),
    ("tax_payable", False),
    ("tax_prepaid", False),
    ("commission", False),
    ("revenue", False),
]

RULES = [
    ("top_up", "clearing", "wallet"),
    ("top_up", "tax_prepaid", "tax_payable"),
    ("usage", "wallet", "tax_payable"),
    ("usage", "wallet", "tax_prepaid"),
    ("usage", "wallet", "commission"),
    ("usage", "wallet", "revenue"),
]


def upgrade() -> None:
    for kind, guarded in KINDS:
        op.execute(f"INSERT INTO ledger_account_kinds VALUES ('{kind}', {guarded})")
    for rule in RULES:
        op.execute("INSERT INTO ledger_rules VALUES ('{}', '{}', '{}')".format(*rule))
    # A function is given to the role that it runs as; that needs CREATE for the moment.
    op.execute("GRANT USAGE, CREATE ON SCHEMA public TO kontor_ledger")
    op.execute("GRANT kontor_ledger TO CURRENT_USER")
    for signature, body in FUNCTIONS.items():
        op.execute(body)
        op.execute(f"ALTER FUNCTION {signature} OWNER TO kontor_ledger")
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO kontor_app, kontor_platform")
    op.execute("REVOKE CREATE ON SCHEMA public FROM kontor_ledger")
    op.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    op.execute("GRANT USAGE ON SCHEMA public TO kontor_app, kontor_platform")


def downgrade() -> None:
    for signature in FUNCTIONS:
        op.execute(f"DROP FUNCTION {signature}")
    op.execute("DELETE FROM ledger_rules")
    op.execute("DELETE FROM ledger_account_kinds")
    op.execute("REVOKE ALL ON SCHEMA public FROM kontor_app, kontor_platform, kontor_ledger")
