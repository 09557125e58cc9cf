"""seals: a hash chain over the entries of each book

Decision 0014 has the encoding. Entries that left the tail before are sealed here, 10,000 at a time:
no worker may roll up meanwhile, or what it counts stays unsealed (docs/operation.md).
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TENANT = "nullif(current_setting('app.reseller_id', true), '')::uuid"

# Table: what the platform's own sign-in may do with it; a site may read its own rows.
WALLS = {
    "ledger_seals": "SELECT",
    "ledger_verified": "SELECT, INSERT, UPDATE",
    "ledger_verified_rollups": "SELECT, INSERT, UPDATE",
    "ledger_exported": "SELECT, INSERT, UPDATE, DELETE",
}

# Every column of a row, by name, in UTF-8: a column that comes later is covered from then on, and
# changes no older seal as long as it is NULL in older rows. jsonb writes keys in one order, a
# newline never, and the settings of the session change nothing: they are pinned.
CONTENT_HASH = r"""
CREATE FUNCTION ledger_content_hash(p_book uuid, p_entries uuid[]) RETURNS bytea
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp
SET TimeZone = 'UTC' SET DateStyle = 'ISO, YMD' SET bytea_output = 'hex' AS $$
DECLARE
    ids bytea;
    entries text;
    transfers text;
    postings text;
    accounts text;
    months text;
BEGIN
    SELECT string_agg(uuid_send(w.id), '' ORDER BY w.place) INTO ids
      FROM unnest(p_entries) WITH ORDINALITY AS w (id, place);
    SELECT string_agg(line, E'\n' ORDER BY id, line COLLATE "C") INTO entries
      FROM (SELECT e.id, jsonb_strip_nulls(to_jsonb(e))::text AS line FROM ledger_entries e
             WHERE e.book_id = p_book AND e.id = ANY (p_entries)) l;
    SELECT string_agg(line, E'\n' ORDER BY entry_id, n, line COLLATE "C") INTO transfers
      FROM (SELECT x.entry_id, x.n, jsonb_strip_nulls(to_jsonb(x))::text AS line
              FROM ledger_transfers x
             WHERE x.book_id = p_book AND x.entry_id = ANY (p_entries)) l;
    SELECT string_agg(line, E'\n' ORDER BY entry_id, account_id, line COLLATE "C") INTO postings
      FROM (SELECT p.entry_id, p.account_id, jsonb_strip_nulls(to_jsonb(p))::text AS line
              FROM ledger_postings p
             WHERE p.book_id = p_book AND p.entry_id = ANY (p_entries)) l;
    SELECT string_agg(line, E'\n' ORDER BY id, line COLLATE "C") INTO accounts
      FROM (SELECT a.id, jsonb_strip_nulls(to_jsonb(a))::text AS line FROM ledger_accounts a
             WHERE a.book_id = p_book AND a.id IN (
                SELECT side.id FROM ledger_transfers x
                 CROSS JOIN LATERAL (VALUES (x.debit_id), (x.credit_id)) side (id)
                 WHERE x.book_id = p_book AND x.entry_id = ANY (p_entries)
                UNION
                SELECT p.account_id FROM ledger_postings p
                 WHERE p.book_id = p_book AND p.entry_id = ANY (p_entries))) l;
    SELECT string_agg(line, E'\n' ORDER BY entry_id, line COLLATE "C") INTO months
      FROM (SELECT t.entry_id, jsonb_strip_nulls(to_jsonb(t))::text AS line
              FROM ledger_late_entries t
             WHERE t.book_id = p_book AND t.entry_id = ANY (p_entries)) l;
    RETURN sha256(
        sha256(coalesce(ids, ''))
        || sha256(convert_to(coalesce(entries, ''), 'UTF8'))
        || sha256(convert_to(coalesce(transfers, ''), 'UTF8'))
        || sha256(convert_to(coalesce(postings, ''), 'UTF8'))
        || sha256(convert_to(coalesce(accounts, ''), 'UTF8'))
        || sha256(convert_to(coalesce(months, ''), 'UTF8')));
END $$
"""

# Every part has a fixed width: 32, 16, 8, 8, 32 and 8 bytes. The time counts in microseconds.
SEAL_HASH = """
CREATE FUNCTION ledger_seal_hash(
    p_previous bytea, p_book uuid, p_n bigint, p_entries bigint, p_content bytea, p_at timestamptz
) RETURNS bytea
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT sha256(p_previous || uuid_send(p_book) || int8send(p_n) || int8send(p_entries)
        || p_content || int8send((extract(epoch FROM p_at) * 1000000)::bigint))
$$
"""

# Called under the advisory lock of `ledger_roll_up`: one seal of a book at a time.
SEAL = """
CREATE FUNCTION ledger_seal(p_book uuid, p_entries uuid[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    sorted uuid[] := ARRAY(SELECT e.id FROM unnest(p_entries) e (id) ORDER BY e.id);
    content bytea := ledger_content_hash(p_book, sorted);
    at timestamptz := clock_timestamp();
    last ledger_seals;
    number bigint;
    before bytea;
BEGIN
    SELECT * INTO last FROM ledger_seals s WHERE s.book_id = p_book ORDER BY s.n DESC LIMIT 1;
    number := coalesce(last.n, 0) + 1;
    before := coalesce(last.seal_hash, decode(repeat('00', 32), 'hex'));
    INSERT INTO ledger_seals (
        book_id, n, entry_ids, entries, content_hash, previous_hash, seal_hash, sealed_at)
    VALUES (
        p_book, number, sorted, cardinality(sorted), content, before,
        ledger_seal_hash(before, p_book, number, cardinality(sorted), content, at), at);
END $$
"""

# What the platform's proof compares with, and what the ledger's own role alone may write.
FUNCTIONS = {
    "ledger_content_hash(uuid, uuid[])": (CONTENT_HASH, "kontor_ledger, kontor_platform"),
    "ledger_seal_hash(bytea, uuid, bigint, bigint, bytea, timestamptz)": (
        SEAL_HASH,
        "kontor_ledger, kontor_platform",
    ),
    "ledger_seal(uuid, uuid[])": (SEAL, "kontor_ledger"),
}

# The roll-up as the migrations before left it, and the one line that seals what it counted.
COUNTED = "    RETURN array_length(counted, 1);"
SEALED = "    PERFORM ledger_seal(p_book, counted);\n" + COUNTED

SEAL_THE_PAST = """
DO $$
DECLARE
    book uuid;
    block uuid[];
    last uuid;
BEGIN
    FOR book IN SELECT DISTINCT e.book_id FROM ledger_entries e LOOP
        PERFORM pg_advisory_xact_lock(hashtextextended('ledger_roll_up:' || book, 0));
        last := '00000000-0000-0000-0000-000000000000';
        LOOP
            block := ARRAY(
                SELECT e.id FROM ledger_entries e
                 WHERE e.book_id = book AND e.id > last AND NOT EXISTS (
                    SELECT FROM ledger_tail t WHERE t.book_id = book AND t.entry_id = e.id)
                 ORDER BY e.id LIMIT 10000);
            EXIT WHEN cardinality(block) = 0;
            PERFORM ledger_seal(book, block);
            last := block[cardinality(block)];
        END LOOP;
    END LOOP;
END $$
"""


def upgrade() -> None:
    _make_tables()
    _wall_tables()
    op.create_index("ix_payment_claims_top_up", "payment_claims", ["top_up_id"])
    for body, _ in FUNCTIONS.values():
        op.execute(body)
    op.execute(SEAL_THE_PAST)
    op.execute("GRANT USAGE, CREATE ON SCHEMA public TO kontor_ledger")
    for signature, (_, callers) in FUNCTIONS.items():
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO {callers}")
        op.execute(f"ALTER FUNCTION {signature} OWNER TO kontor_ledger")
    op.execute("REVOKE CREATE ON SCHEMA public FROM kontor_ledger")
    _replace_in_roll_up(COUNTED, SEALED)


def _make_tables() -> None:
    op.create_table(
        "ledger_seals",
        sa.Column("book_id", sa.Uuid(), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("entry_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("previous_hash", sa.LargeBinary(), nullable=False),
        sa.Column("seal_hash", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("book_id", "n", name=op.f("pk_ledger_seals")),
    )
    op.create_table(
        "ledger_verified",
        sa.Column("book_id", sa.Uuid(), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("seal_hash", sa.LargeBinary(), nullable=False),
        sa.Column("last_entry_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("book_id", name=op.f("pk_ledger_verified")),
    )
    op.create_table(
        "ledger_verified_rollups",
        sa.Column("book_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("posted", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("book_id", "account_id", name=op.f("pk_ledger_verified_rollups")),
    )
    op.create_table(
        "ledger_exported",
        sa.Column("book_id", sa.Uuid(), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("seal_hash", sa.LargeBinary(), nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("book_id", name=op.f("pk_ledger_exported")),
    )


def _wall_tables() -> None:
    for table, platform in WALLS.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenant ON {table} TO kontor_app USING (book_id = {TENANT})")
        op.execute(f"CREATE POLICY platform ON {table} TO kontor_platform USING (true)")
        op.execute(f"GRANT SELECT ON {table} TO kontor_app")
        op.execute(f"GRANT {platform} ON {table} TO kontor_platform")
    op.execute("GRANT SELECT, INSERT ON ledger_seals TO kontor_ledger")
    op.execute("CREATE POLICY ledger_reads ON ledger_seals FOR SELECT TO kontor_ledger USING (true)")
    op.execute(
        "CREATE POLICY ledger_writes ON ledger_seals FOR INSERT TO kontor_ledger"
        f" WITH CHECK (book_id = {TENANT})"
    )


def _replace_in_roll_up(clause: str, other: str) -> None:
    """Change one place of the deployed function; its owner and its rights stay as they are."""
    op.execute(
        f"""
DO $patch$
DECLARE
    deployed text := pg_get_functiondef('ledger_roll_up(uuid, bigint)'::regprocedure);
    clause text := $clause${clause}$clause$;
BEGIN
    IF cardinality(string_to_array(deployed, clause)) <> 2 THEN
        RAISE EXCEPTION 'ledger_roll_up has not one place to change';
    END IF;
    EXECUTE replace(deployed, clause, $clause${other}$clause$);
END $patch$
"""
    )


def downgrade() -> None:
    _replace_in_roll_up(SEALED, COUNTED)
    for signature in reversed(FUNCTIONS):
        op.execute(f"DROP FUNCTION {signature}")
    op.drop_index("ix_payment_claims_top_up", table_name="payment_claims")
    for table in reversed(WALLS):
        op.drop_table(table)
