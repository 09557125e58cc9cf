"""charging: several guarded accounts in an entry, many entries at once

Guarded accounts are locked in the order of their ids, by whatever posts or holds, and holds after
all of them (migration 0016): nobody waits in a ring (decision 0012).
"""

import runpy
from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TENANT = "nullif(current_setting('app.reseller_id', true), '')::uuid"

# Which transfers the rules allow, of accounts that exist, in one currency; a guarded account that
# the caller did not name is not allowed, for it would get no posting.
ALLOWED = """
      JOIN ledger_accounts d ON d.book_id = p_book AND d.id = t.debit
      JOIN ledger_accounts c ON c.book_id = p_book AND c.id = t.credit AND c.currency = d.currency
      JOIN ledger_rules r
        ON r.entry_kind = p_kind AND r.debit_kind = d.kind AND r.credit_kind = c.kind
"""

# The order matters, and is everybody's: guarded accounts, then keys, then holds. Two deliveries of
# one key that pay from different accounts meet at its unique index: the second waits, then answers
# what the first one wrote. Shared accounts are only read.
# `p_guarded` names the guarded accounts of the entry in the order of their ids, the watched one
# among them: it always gets a posting, which keeps the answer, also of an entry that costs nothing.
# Nearly every entry has one guarded account that pays shared ones: it pays at once, which locks it,
# and takes that back where the key is known. Which accounts it may join is found out once and kept.
# A plan that is kept from a time when a table was empty would read all of it: no sequential scans.
POST = f"""
CREATE FUNCTION ledger_post(
    p_book uuid, p_entry uuid, p_kind text, p_key text, p_hash bytea, p_effective timestamptz,
    p_debits uuid[], p_credits uuid[], p_amounts bigint[], p_watch uuid, p_guarded uuid[],
    p_hold uuid,
    OUT replayed boolean, OUT entry_id uuid, OUT posted bigint, OUT held bigint,
    OUT credit_limit bigint, OUT version bigint, OUT revision bigint
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET enable_seqscan = off AS $$
DECLARE
    known ledger_entries;
    closed record;
    account uuid := p_guarded[1];
    delta bigint := 0; freed bigint := 0;
    after ledger_balances;
    written bigint;
    is_plain boolean := cardinality(p_guarded) = 1 AND p_debits <@ p_guarded
        AND cardinality(p_debits) = cardinality(p_amounts)
        AND cardinality(p_credits) = cardinality(p_amounts) AND NOT p_credits && p_guarded;
    has_paid boolean := false;
BEGIN
    IF is_plain THEN
        FOR i IN 1 .. cardinality(p_amounts) LOOP delta := delta - p_amounts[i]; END LOOP;
    END IF;
    IF p_hold IS NOT NULL THEN
        PERFORM ledger_lock_hold(p_book, p_hold, p_guarded);
    ELSIF is_plain THEN
        UPDATE ledger_balances b
           SET posted = b.posted + delta, version = b.version + 1, revision = b.revision + 1
         WHERE b.book_id = p_book AND b.account_id = account
           AND (delta >= 0 OR b.posted + delta - b.held >= -b.credit_limit)
        RETURNING b.* INTO after;
        has_paid := FOUND;
    END IF;
    IF p_hold IS NULL AND NOT has_paid THEN
        PERFORM 1 FROM ledger_balances b
          WHERE b.book_id = p_book AND b.account_id = ANY (p_guarded)
          ORDER BY b.account_id FOR NO KEY UPDATE;
    END IF;
    INSERT INTO ledger_entries (book_id, id, kind, key, input_hash, effective_at)
    VALUES (p_book, p_entry, p_kind, p_key, p_hash, p_effective)
    ON CONFLICT (book_id, key) DO NOTHING;
    IF NOT FOUND THEN
        -- What it paid without need is given back; nothing where it did not.
        UPDATE ledger_balances b
           SET posted = b.posted - delta, version = b.version - 1, revision = b.revision - 1
         WHERE has_paid AND b.book_id = p_book AND b.account_id = account;
        SELECT * INTO STRICT known FROM ledger_entries e WHERE e.book_id = p_book AND e.key = p_key;
        IF known.input_hash IS DISTINCT FROM p_hash OR known.kind IS DISTINCT FROM p_kind THEN
            RAISE EXCEPTION 'key % was used with other input', p_key USING ERRCODE = 'KL002';
        END IF;
        SELECT true, known.id, p.balance_after, b.held, b.credit_limit, p.version, b.revision
          INTO replayed, entry_id, posted, held, credit_limit, version, revision
          FROM (VALUES (p_watch)) AS watched (id)
          LEFT JOIN ledger_postings p ON p.book_id = p_book AND p.entry_id = known.id
               AND p.account_id = watched.id
          LEFT JOIN ledger_balances b ON b.book_id = p_book AND b.account_id = watched.id;
        RETURN;
    END IF;

    replayed := false;
    entry_id := p_entry;
    IF p_hold IS NOT NULL THEN
        closed := ledger_end_hold(p_book, p_hold, p_entry, false);
        IF closed.id IS NULL THEN
            RAISE EXCEPTION 'hold % is closed', p_hold USING ERRCODE = 'KL005';
        END IF;
        -- What it kept of accounts that pay nothing is free again.
        FOR place IN 1 .. cardinality(closed.accounts) LOOP
            IF closed.accounts[place] <> ALL (p_guarded) THEN
                UPDATE ledger_balances b
                   SET held = b.held - closed.amounts[place], revision = b.revision + 1
                 WHERE b.book_id = p_book AND b.account_id = closed.accounts[place];
            END IF;
        END LOOP;
    END IF;
    FOR place IN 1 .. cardinality(p_guarded) LOOP
        account := p_guarded[place];
        IF place > 1 AND account <= p_guarded[place - 1] THEN
            RAISE EXCEPTION 'guarded accounts out of order' USING ERRCODE = 'KL003';
        END IF;
        IF NOT is_plain THEN
            delta := 0;
            FOR i IN 1 .. cardinality(p_amounts) LOOP
                IF p_debits[i] = account THEN delta := delta - p_amounts[i]; END IF;
                IF p_credits[i] = account THEN delta := delta + p_amounts[i]; END IF;
            END LOOP;
        END IF;
        IF NOT has_paid THEN
            freed := 0;
            IF p_hold IS NOT NULL THEN
                FOR i IN 1 .. cardinality(closed.accounts) LOOP
                    IF closed.accounts[i] = account THEN freed := freed + closed.amounts[i]; END IF;
                END LOOP;
            END IF;
            UPDATE ledger_balances b
               SET posted = b.posted + delta, held = b.held - freed, version = b.version + 1,
                   revision = b.revision + 1
             WHERE b.book_id = p_book AND b.account_id = account
               AND (delta >= 0 OR b.posted + delta - b.held + freed >= -b.credit_limit)
            RETURNING b.* INTO after;
            IF NOT FOUND THEN
                SELECT * INTO after FROM ledger_balances b
                 WHERE b.book_id = p_book AND b.account_id = account;
                RAISE EXCEPTION 'account % cannot pay', account USING
                    ERRCODE = CASE WHEN FOUND THEN 'KL001' ELSE 'KL003' END,
                    DETAIL = json_build_object(
                        'available', after.posted - after.held + freed + after.credit_limit,
                        'required', -delta)::text;
            END IF;
        END IF;
        INSERT INTO ledger_postings (book_id, entry_id, account_id, version, delta, balance_after)
        VALUES (p_book, p_entry, account, after.version, delta, after.posted);
        IF account = p_watch THEN
            posted := after.posted; held := after.held; credit_limit := after.credit_limit;
            version := after.version; revision := after.revision;
        END IF;
    END LOOP;

    IF is_plain THEN
        PERFORM 1 FROM ledger_accounts d
          JOIN ledger_routes r ON r.book_id = p_book AND r.credits = p_credits
               AND r.entry_kind = p_kind AND r.debit_kind = d.kind AND r.currency = d.currency
         WHERE d.book_id = p_book AND d.id = account;
        is_plain := FOUND OR ledger_find_route(p_book, p_kind, account, p_credits);
    END IF;
    IF is_plain THEN
        INSERT INTO ledger_transfers (book_id, entry_id, n, debit_id, credit_id, amount)
        SELECT p_book, p_entry, t.n, account, t.credit, t.amount
          FROM unnest(p_credits, p_amounts) WITH ORDINALITY AS t (credit, amount, n);
    ELSE
        INSERT INTO ledger_transfers (book_id, entry_id, n, debit_id, credit_id, amount)
        SELECT p_book, p_entry, t.n, t.debit, t.credit, t.amount
          FROM unnest(p_debits, p_credits, p_amounts) WITH ORDINALITY
            AS t (debit, credit, amount, n)
{ALLOWED}
           AND (NOT d.guarded OR t.debit = ANY (p_guarded))
           AND (NOT c.guarded OR t.credit = ANY (p_guarded));
    END IF;
    GET DIAGNOSTICS written = ROW_COUNT;
    IF written <> greatest(cardinality(p_debits), cardinality(p_credits), cardinality(p_amounts))
       OR p_watch IS NOT NULL AND version IS NULL OR written + cardinality(p_guarded) = 0
    THEN
        RAISE EXCEPTION 'the rules do not allow entry %', p_key USING ERRCODE = 'KL003';
    END IF;
    INSERT INTO ledger_tail (book_id, entry_id) VALUES (p_book, p_entry);
END $$
"""

# Keeps that the rules let an account of this kind pay these shared ones; false where they do not, and
# where somebody else was first: the entry's own accounts are then looked at.
FIND_ROUTE = """
CREATE FUNCTION ledger_find_route(p_book uuid, p_kind text, p_debit uuid, p_credits uuid[])
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET enable_seqscan = off AS $$
BEGIN
    INSERT INTO ledger_routes (book_id, credits, entry_kind, debit_kind, currency)
    SELECT p_book, p_credits, p_kind, d.kind, d.currency
      FROM ledger_accounts d
     WHERE d.book_id = p_book AND d.id = p_debit AND cardinality(p_credits) = (
        SELECT count(*)
          FROM unnest(p_credits) AS t (credit)
          JOIN ledger_accounts c ON c.book_id = p_book AND c.id = t.credit
               AND c.currency = d.currency AND NOT c.guarded
          JOIN ledger_rules r
            ON r.entry_kind = p_kind AND r.debit_kind = d.kind AND r.credit_kind = c.kind)
    ON CONFLICT DO NOTHING;
    RETURN FOUND;
END $$
"""

# Many entries of one kind, in their order, each with a watched account. The guarded accounts are
# locked by `ledger_lock` before; one that cannot pay at its turn refuses them all, and so does a
# key that somebody used meanwhile: whoever asked looks again and leaves that entry out. A plan
# that is kept would be made for arrays of any length, and is four times slower.
POST_MANY = f"""
CREATE FUNCTION ledger_post_many(
    p_book uuid, p_kind text, p_entries uuid[], p_keys text[], p_hashes bytea[],
    p_effective timestamptz[], p_watched uuid[], p_places integer[], p_numbers smallint[],
    p_debits uuid[], p_credits uuid[], p_amounts bigint[], p_guarded uuid[]
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    written bigint; moved bigint;
BEGIN
    INSERT INTO ledger_entries (book_id, id, kind, key, input_hash, effective_at)
    SELECT p_book, e.id, p_kind, e.key, e.hash, e.at
      FROM unnest(p_entries, p_keys, p_hashes, p_effective) AS e (id, key, hash, at)
    ON CONFLICT (book_id, key) DO NOTHING;
    GET DIAGNOSTICS written = ROW_COUNT;
    IF written <> cardinality(p_entries) THEN
        RAISE EXCEPTION 'a key was used meanwhile' USING ERRCODE = 'KL004';
    END IF;

    WITH side AS (
        SELECT t.place, t.debit AS account_id, -t.amount AS delta
          FROM unnest(p_places, p_debits, p_amounts) AS t (place, debit, amount)
        UNION ALL
        SELECT t.place, t.credit, t.amount
          FROM unnest(p_places, p_credits, p_amounts) AS t (place, credit, amount)
        UNION ALL
        SELECT w.place::integer, w.id, 0
          FROM unnest(p_watched) WITH ORDINALITY AS w (id, place)
    ), change AS (
        SELECT side.place, side.account_id, sum(side.delta)::bigint AS delta
          FROM side JOIN unnest(p_guarded) AS g (id) ON g.id = side.account_id
         GROUP BY side.place, side.account_id
    ), posting AS (
        INSERT INTO ledger_postings (book_id, entry_id, account_id, version, delta, balance_after)
        SELECT p_book, p_entries[c.place], c.account_id, b.version + row_number() OVER turn,
               c.delta, b.posted + sum(c.delta) OVER turn
          FROM change c
          JOIN ledger_balances b ON b.book_id = p_book AND b.account_id = c.account_id
        WINDOW turn AS (PARTITION BY c.account_id ORDER BY c.place)
        RETURNING ledger_postings.account_id, ledger_postings.version, ledger_postings.delta,
                  ledger_postings.balance_after
    ), total AS (
        SELECT p.account_id, count(*) AS postings, max(p.version) AS version,
               sum(p.delta) AS delta,
               min(p.balance_after) FILTER (WHERE p.delta < 0) AS lowest
          FROM posting p GROUP BY p.account_id
    ), moved AS (
        UPDATE ledger_balances b
           SET posted = b.posted + t.delta, version = t.version,
               revision = b.revision + t.postings
          FROM total t
         WHERE b.book_id = p_book AND b.account_id = t.account_id
           AND b.version = t.version - t.postings
           AND (t.lowest IS NULL OR t.lowest - b.held >= -b.credit_limit)
        RETURNING b.account_id
    )
    SELECT (SELECT count(*) FROM total), (SELECT count(*) FROM moved) INTO written, moved;
    IF moved <> written THEN
        RAISE EXCEPTION 'an account cannot pay' USING ERRCODE = 'KL004';
    END IF;

    INSERT INTO ledger_transfers (book_id, entry_id, n, debit_id, credit_id, amount)
    SELECT p_book, p_entries[t.place], t.n, t.debit, t.credit, t.amount
      FROM unnest(p_places, p_numbers, p_debits, p_credits, p_amounts)
        AS t (place, n, debit, credit, amount)
{ALLOWED}
      LEFT JOIN unnest(p_guarded) AS gd (id) ON gd.id = t.debit
      LEFT JOIN unnest(p_guarded) AS gc (id) ON gc.id = t.credit
     WHERE (gd.id IS NOT NULL) = d.guarded AND (gc.id IS NOT NULL) = c.guarded;
    GET DIAGNOSTICS written = ROW_COUNT;
    IF written <> cardinality(p_amounts) THEN
        RAISE EXCEPTION 'the rules do not allow an entry' USING ERRCODE = 'KL003';
    END IF;
    INSERT INTO ledger_tail (book_id, entry_id) SELECT p_book, unnest(p_entries);
END $$
"""

ROUTES = """
CREATE TABLE ledger_routes (
    book_id uuid NOT NULL, credits uuid[] NOT NULL, entry_kind text NOT NULL,
    debit_kind text NOT NULL, currency text NOT NULL,
    CONSTRAINT pk_ledger_routes PRIMARY KEY (book_id, credits, entry_kind, debit_kind, currency));
ALTER TABLE ledger_routes ENABLE ROW LEVEL SECURITY;
GRANT SELECT ON ledger_routes TO kontor_app, kontor_platform;
GRANT SELECT, INSERT ON ledger_routes TO kontor_ledger;
"""

LOCK = """
CREATE FUNCTION ledger_lock(p_book uuid, p_accounts uuid[]) RETURNS SETOF ledger_balances
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET enable_seqscan = off AS $$
BEGIN
    RETURN QUERY SELECT b.* FROM ledger_balances b
     WHERE b.book_id = p_book AND b.account_id = ANY (p_accounts)
     ORDER BY b.account_id FOR NO KEY UPDATE;
END $$
"""

SET_LIMIT = """
CREATE FUNCTION ledger_set_limit(p_book uuid, p_account uuid, p_limit bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    UPDATE ledger_balances b SET credit_limit = p_limit, revision = b.revision + 1
     WHERE b.book_id = p_book AND b.account_id = p_account AND b.posted - b.held >= -p_limit;
    RETURN FOUND;
END $$
"""

OPEN_ACCOUNT = """
CREATE OR REPLACE FUNCTION ledger_open_account(
    p_book uuid, p_id uuid, p_kind text, p_owner uuid, p_currency text, p_credit_limit bigint
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO ledger_accounts (book_id, id, kind, owner_id, currency, guarded)
    SELECT p_book, p_id, k.kind, p_owner, p_currency, k.guarded
      FROM ledger_account_kinds k WHERE k.kind = p_kind
    ON CONFLICT DO NOTHING;
    INSERT INTO ledger_balances (book_id, account_id, credit_limit)
    SELECT a.book_id, a.id, p_credit_limit
      FROM ledger_accounts a
     WHERE a.book_id = p_book AND a.id = p_id AND a.guarded
    ON CONFLICT DO NOTHING;
END $$
"""

FIND_ROUTE_SIGNATURE = "ledger_find_route(uuid, text, uuid, uuid[])"
FUNCTIONS = {
    "ledger_open_account(uuid, uuid, text, uuid, text, bigint)": OPEN_ACCOUNT,
    FIND_ROUTE_SIGNATURE: FIND_ROUTE,
    "ledger_post(uuid, uuid, text, text, bytea, timestamptz, uuid[], uuid[], bigint[], uuid,"
    " uuid[], uuid)": POST,
    "ledger_post_many(uuid, text, uuid[], text[], bytea[], timestamptz[], uuid[], integer[],"
    " smallint[], uuid[], uuid[], bigint[], uuid[])": POST_MANY,
    "ledger_lock(uuid, uuid[])": LOCK,
    "ledger_set_limit(uuid, uuid, bigint)": SET_LIMIT,
}  # fmt: skip
OPENS = next(iter(FUNCTIONS))


def upgrade() -> None:
    op.add_column("ledger_balances", sa.Column("revision", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("ledger_accounts", sa.Column("guarded", sa.Boolean(), nullable=True))
    op.execute("UPDATE ledger_balances SET revision = version")
    op.execute("UPDATE ledger_accounts a SET guarded = k.guarded FROM ledger_account_kinds k WHERE k.kind = a.kind")
    op.alter_column("ledger_accounts", "guarded", nullable=False)
    op.execute("DROP FUNCTION ledger_post(uuid, uuid, text, text, bytea, timestamptz, uuid[], uuid[], bigint[], uuid)")
    _routes()
    _functions()


def _routes() -> None:
    op.execute(ROUTES)
    op.execute(f"CREATE POLICY tenant ON ledger_routes TO kontor_app, kontor_ledger USING (book_id = {TENANT})")
    op.execute("CREATE POLICY platform ON ledger_routes TO kontor_platform USING (true)")


def _functions() -> None:
    op.execute("GRANT CREATE ON SCHEMA public TO kontor_ledger")
    for signature, body in FUNCTIONS.items():
        op.execute(body)
        op.execute(f"ALTER FUNCTION {signature} OWNER TO kontor_ledger")
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
        if signature != FIND_ROUTE_SIGNATURE:
            op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO kontor_app, kontor_platform")
    op.execute("REVOKE CREATE ON SCHEMA public FROM kontor_ledger")


def downgrade() -> None:
    for signature in FUNCTIONS:
        if signature != OPENS:
            op.execute(f"DROP FUNCTION {signature}")
    op.execute("GRANT CREATE ON SCHEMA public TO kontor_ledger")
    before = runpy.run_path(str(Path(__file__).parent / "0002_ledger_functions.py"))
    for signature, body in before["FUNCTIONS"].items():
        if signature.startswith(("ledger_post", "ledger_open_account")):
            op.execute(body.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))
            op.execute(f"ALTER FUNCTION {signature} SET search_path = pg_catalog, public, pg_temp")
            op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
            op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO kontor_app, kontor_platform")
            op.execute(f"ALTER FUNCTION {signature} OWNER TO kontor_ledger")
    op.execute("REVOKE CREATE ON SCHEMA public FROM kontor_ledger")
    op.drop_table("ledger_routes")
    op.drop_column("ledger_accounts", "guarded")
    op.drop_column("ledger_balances", "revision")
