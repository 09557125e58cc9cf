"""commission by monthly volume, periods of the ledger, bonuses

Decision 0013 says what the tables and functions are for.
"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

TENANT = "nullif(current_setting('app.reseller_id', true), '')::uuid"
# `tenancy.PLATFORM_ID`, derived and the same everywhere (decision 0003): whose terms are everybody's.
PLATFORM = "'85ab0a6c-5886-5b0e-a50e-17dc1f7a8704'::uuid"

TABLES = """
CREATE TABLE ledger_period_rollups (
    book_id uuid NOT NULL, account_id uuid NOT NULL, period date NOT NULL, entry_kind text NOT NULL,
    debited bigint NOT NULL, credited bigint NOT NULL,
    CONSTRAINT pk_ledger_period_rollups PRIMARY KEY (book_id, account_id, period, entry_kind));
CREATE INDEX ix_ledger_period_rollups_period ON ledger_period_rollups (period);
CREATE TABLE ledger_closed_periods (
    book_id uuid NOT NULL, period date NOT NULL,
    closed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT ck_ledger_closed_periods_month CHECK (extract(day FROM period) = 1),
    CONSTRAINT pk_ledger_closed_periods PRIMARY KEY (book_id, period));
CREATE TABLE ledger_late_entries (
    book_id uuid NOT NULL, entry_id uuid NOT NULL, period date NOT NULL,
    CONSTRAINT pk_ledger_late_entries PRIMARY KEY (book_id, entry_id));
ALTER TABLE commission_agreements ADD basis text NOT NULL DEFAULT 'marginal';
ALTER TABLE commission_terms ADD valid_until timestamptz,
    ADD CONSTRAINT ck_commission_terms_span CHECK (valid_until >= valid_from);
CREATE TABLE commission_steps (
    reseller_id uuid NOT NULL, valid_from timestamptz NOT NULL, above_minor bigint NOT NULL,
    rate numeric(7, 6) NOT NULL,
    CONSTRAINT ck_commission_steps_above CHECK (above_minor > 0),
    CONSTRAINT ck_commission_steps_rate CHECK (rate >= 0 AND rate <= 1),
    CONSTRAINT fk_commission_steps_reseller_id_valid_from FOREIGN KEY (reseller_id, valid_from)
        REFERENCES commission_agreements (reseller_id, valid_from),
    CONSTRAINT pk_commission_steps PRIMARY KEY (reseller_id, valid_from, above_minor));
CREATE TABLE commission_months (
    month date NOT NULL, begun_at timestamptz NOT NULL, closed_at timestamptz,
    CONSTRAINT pk_commission_months PRIMARY KEY (month));
CREATE TABLE commission_statements (
    reseller_id uuid NOT NULL, month date NOT NULL, currency text NOT NULL,
    volume_minor bigint NOT NULL, own_volume_minor bigint NOT NULL, total_minor bigint NOT NULL,
    passed_on_minor bigint NOT NULL, provisional_minor bigint NOT NULL,
    final_minor bigint NOT NULL, entry_id uuid, lines jsonb NOT NULL, closed_at timestamptz NOT NULL,
    CONSTRAINT ck_commission_statements_final CHECK (final_minor = total_minor - passed_on_minor),
    CONSTRAINT pk_commission_statements PRIMARY KEY (reseller_id, month, currency));
CREATE TABLE commission_bonus_terms (
    reseller_id uuid NOT NULL, kind text NOT NULL, currency text NOT NULL,
    valid_from timestamptz NOT NULL, amount_minor bigint NOT NULL, months smallint,
    threshold_minor bigint,
    CONSTRAINT ck_commission_bonus_terms_amount CHECK (amount_minor >= 0),
    CONSTRAINT pk_commission_bonus_terms PRIMARY KEY (reseller_id, kind, currency, valid_from));
CREATE TABLE commission_bonuses (
    reseller_id uuid NOT NULL, customer_id uuid NOT NULL, kind text NOT NULL,
    entry_id uuid NOT NULL, amount_minor bigint NOT NULL, currency text NOT NULL,
    granted_at timestamptz NOT NULL,
    CONSTRAINT ck_commission_bonuses_amount CHECK (amount_minor > 0),
    CONSTRAINT pk_commission_bonuses PRIMARY KEY (reseller_id, customer_id, kind));
"""

# Months of the books are months in Berlin (requirement C7): `kernel.BUSINESS_ZONE`, once more,
# because the roll-up decides inside the database. A test compares the two.
MONTH = """
CREATE FUNCTION ledger_month(p_at timestamptz) RETURNS date
LANGUAGE sql IMMUTABLE AS
$$ SELECT date_trunc('month', p_at AT TIME ZONE 'Europe/Berlin')::date $$
"""

FIRST_OPEN = """
CREATE FUNCTION ledger_first_open(p_book uuid) RETURNS date
LANGUAGE sql STABLE AS
$$ SELECT (max(c.period) + interval '1 month')::date
     FROM public.ledger_closed_periods c WHERE c.book_id = p_book $$
"""

# A closed month never changes: what comes later counts in the first open one, and says so in a
# row of its own, so that anybody can tell later in which month an entry was counted.
COUNT_PERIODS = """
CREATE FUNCTION ledger_count_periods(p_book uuid, p_entries uuid[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    first_open date := ledger_first_open(p_book);
BEGIN
    INSERT INTO ledger_late_entries (book_id, entry_id, period)
    SELECT e.book_id, e.id, first_open FROM ledger_entries e
     WHERE e.book_id = p_book AND e.id = ANY (p_entries) AND ledger_month(e.created_at) < first_open;
    INSERT INTO ledger_period_rollups AS r
        (book_id, account_id, period, entry_kind, debited, credited)
    SELECT p_book, side.id, greatest(ledger_month(e.created_at), first_open), e.kind,
           sum(side.debited), sum(side.credited)
      FROM ledger_entries e
      JOIN ledger_transfers x ON x.book_id = e.book_id AND x.entry_id = e.id
     CROSS JOIN LATERAL (
        VALUES (x.debit_id, x.amount, 0), (x.credit_id, 0, x.amount)) side (id, debited, credited)
      JOIN ledger_accounts a ON a.book_id = p_book AND a.id = side.id
      JOIN ledger_account_kinds k ON k.kind = a.kind AND NOT k.guarded
     WHERE e.book_id = p_book AND e.id = ANY (p_entries)
     GROUP BY 2, 3, 4
    ON CONFLICT (book_id, account_id, period, entry_kind) DO UPDATE
       SET debited = r.debited + excluded.debited, credited = r.credited + excluded.credited;
END $$
"""

# The function of 0002 with one line more; whoever changes it again adds a line as well.
ROLL_UP = """
CREATE OR REPLACE FUNCTION ledger_roll_up(p_book uuid, p_limit bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
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
PERIODS
    RETURN array_length(counted, 1);
END $$
"""
COUNT = "    PERFORM ledger_count_periods(p_book, counted);"

# Under the roll-up's lock: what is in the tail now belongs to the month, what comes later does not.
CLOSE_PERIOD = """
CREATE FUNCTION ledger_close_period(p_book uuid, p_period date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('ledger_roll_up:' || p_book, 0));
    WHILE ledger_roll_up(p_book, 10000) = 10000 LOOP END LOOP;
    INSERT INTO ledger_closed_periods (book_id, period) VALUES (p_book, p_period)
    ON CONFLICT DO NOTHING;
    RETURN FOUND;
END $$
"""

WHO_ASKS = f"""
    IF session_user <> 'kontor_platform' AND p_owner IS DISTINCT FROM {TENANT} THEN
        RAISE EXCEPTION 'not the owner' USING ERRCODE = '42501';
    END IF;
"""

# Who has a share in a book's charges may know what they come to: totals, nobody's single charge.
OWNED_PERIODS = f"""
CREATE FUNCTION ledger_owned_periods(p_owner uuid, p_period date) RETURNS TABLE (
    book_id uuid, is_own boolean, kind text, currency text, entry_kind text,
    debited bigint, credited bigint
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
{WHO_ASKS}
    RETURN QUERY
    WITH books AS MATERIALIZED (
        SELECT b.book_id, ledger_first_open(b.book_id) AS first_open
          FROM (SELECT DISTINCT a.book_id FROM ledger_accounts a WHERE a.owner_id = p_owner) b
    ), shared AS MATERIALIZED (
        SELECT a.book_id, a.id, a.owner_id = p_owner AS is_own, a.kind, a.currency
          FROM books b
          JOIN ledger_account_kinds k ON NOT k.guarded
          JOIN ledger_accounts a ON a.book_id = b.book_id AND a.kind = k.kind
    ), tail AS MATERIALIZED (
        SELECT x.book_id, x.debit_id, x.credit_id, e.kind, sum(x.amount) AS amount
          FROM books b
          JOIN ledger_tail t ON t.book_id = b.book_id
          JOIN ledger_entries e ON e.book_id = t.book_id AND e.id = t.entry_id
          JOIN ledger_transfers x ON x.book_id = t.book_id AND x.entry_id = t.entry_id
         WHERE greatest(ledger_month(e.created_at), b.first_open) = p_period
         GROUP BY 1, 2, 3, 4
    ), sums AS (
        SELECT r.book_id, r.account_id, r.entry_kind, r.debited, r.credited
          FROM shared s JOIN ledger_period_rollups r
            ON r.book_id = s.book_id AND r.account_id = s.id AND r.period = p_period
        UNION ALL
        SELECT t.book_id, t.debit_id, t.kind, t.amount, 0 FROM tail t
        UNION ALL
        SELECT t.book_id, t.credit_id, t.kind, 0, t.amount FROM tail t
    )
    SELECT s.book_id, s.is_own, s.kind, s.currency, sums.entry_kind,
           sum(sums.debited)::bigint, sum(sums.credited)::bigint
      FROM sums JOIN shared s ON s.book_id = sums.book_id AND s.id = sums.account_id
     GROUP BY s.book_id, s.is_own, s.kind, s.currency, sums.entry_kind;
END $$
"""

# The latest entries that credited an owner, over all books, each with what it moved to all
# accounts of the kinds asked for: what the owner's part is a part of.
OWNED_CREDITS = f"""
CREATE FUNCTION ledger_owned_credits(
    p_owner uuid, p_kinds text[], p_since uuid, p_before uuid, p_limit bigint
) RETURNS TABLE (
    book_id uuid, entry_id uuid, kind text, created_at timestamptz, currency text,
    amount bigint, whole bigint
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
{WHO_ASKS}
    RETURN QUERY
    WITH mine AS MATERIALIZED (
        SELECT a.book_id, a.id, a.currency FROM ledger_accounts a
         WHERE a.owner_id = p_owner AND a.kind = ANY (p_kinds)
    ), latest AS MATERIALIZED (
        SELECT m.book_id, m.currency, x.entry_id, x.amount
          FROM mine m
         CROSS JOIN LATERAL (
            SELECT t.entry_id, t.amount FROM ledger_transfers t
             WHERE t.book_id = m.book_id AND t.credit_id = m.id
               AND t.entry_id >= p_since AND t.entry_id < p_before
             ORDER BY t.entry_id DESC LIMIT p_limit) x
         ORDER BY x.entry_id DESC LIMIT p_limit
    )
    SELECT l.book_id, l.entry_id, e.kind, e.created_at, l.currency, l.amount,
           (SELECT sum(x.amount)::bigint
              FROM ledger_transfers x
              JOIN ledger_accounts c ON c.book_id = x.book_id AND c.id = x.credit_id
             WHERE x.book_id = l.book_id AND x.entry_id = l.entry_id AND c.kind = ANY (p_kinds))
      FROM latest l JOIN ledger_entries e ON e.book_id = l.book_id AND e.id = l.entry_id
     ORDER BY l.entry_id DESC;
END $$
"""

# What runs as the ledger, and who may call it: sites and platform, or the ledger's own functions.
EVERYBODY = "kontor_app, kontor_platform, kontor_ledger"
FUNCTIONS = {
    "ledger_month(timestamptz)": (MONTH, EVERYBODY),
    "ledger_first_open(uuid)": (FIRST_OPEN, EVERYBODY),
    "ledger_count_periods(uuid, uuid[])": (COUNT_PERIODS, "kontor_ledger"),
    "ledger_close_period(uuid, date)": (CLOSE_PERIOD, EVERYBODY),
    "ledger_owned_periods(uuid, date)": (OWNED_PERIODS, EVERYBODY),
    "ledger_owned_credits(uuid, text[], uuid, uuid, bigint)": (OWNED_CREDITS, EVERYBODY),
}

LEDGER_TABLES = {
    "ledger_period_rollups": "SELECT, INSERT, UPDATE",
    "ledger_closed_periods": "SELECT, INSERT",
    "ledger_late_entries": "SELECT, INSERT",
}
# Table: what the application may do, what the platform's own sign-in may do.
COMMISSION_TABLES = {
    "commission_steps": ("SELECT", "SELECT, INSERT"),
    "commission_statements": ("SELECT, INSERT", "SELECT"),
    "commission_bonus_terms": ("SELECT", "SELECT, INSERT"),
    "commission_bonuses": ("SELECT, INSERT", "SELECT"),
}

RULES = [
    ("commission_true_up", "revenue", "commission"),
    ("commission_true_up", "commission", "revenue"),
    ("commission_bonus", "promotion", "commission"),
]


def upgrade() -> None:
    # No charge and no roll-up while what was rolled up so far is counted by months.
    op.execute("LOCK TABLE ledger_tail IN ACCESS EXCLUSIVE MODE")
    for statement in TABLES.split(";\n"):
        if statement.strip():
            op.execute(statement)
    _walls()
    # The kind may be there already: 0009 adds it too.
    op.execute("INSERT INTO ledger_account_kinds VALUES ('promotion', false) ON CONFLICT DO NOTHING")
    for rule in RULES:
        op.execute("INSERT INTO ledger_rules VALUES ('{}', '{}', '{}')".format(*rule))
    op.execute("GRANT CREATE ON SCHEMA public TO kontor_ledger")
    op.execute("GRANT kontor_ledger TO CURRENT_USER")
    for signature, (body, callers) in FUNCTIONS.items():
        op.execute(body)
        op.execute(f"ALTER FUNCTION {signature} OWNER TO kontor_ledger")
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO {callers}")
    op.execute(ROLL_UP.replace("PERIODS", COUNT))
    op.execute("REVOKE CREATE ON SCHEMA public FROM kontor_ledger")
    _count_what_is_rolled_up()


def _walls() -> None:
    """In the style of 0003: a policy per role; the ledger's own role writes the ledger's tables."""
    tables = {
        **{name: ("book_id", "SELECT", "SELECT") for name in LEDGER_TABLES},
        **{name: ("reseller_id", *rights) for name, rights in COMMISSION_TABLES.items()},
    }
    for table, (column, application, platform) in tables.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenant ON {table} TO kontor_app USING ({column} = {TENANT})")
        op.execute(f"CREATE POLICY platform ON {table} TO kontor_platform USING (true)")
        op.execute(f"GRANT {application} ON {table} TO kontor_app")
        op.execute(f"GRANT {platform} ON {table} TO kontor_platform")
    for table, rights in LEDGER_TABLES.items():
        op.execute(f"GRANT {rights} ON {table} TO kontor_ledger")
        op.execute(f"CREATE POLICY ledger_reads ON {table} FOR SELECT TO kontor_ledger USING (true)")
        op.execute(
            f"CREATE POLICY ledger_writes ON {table} FOR INSERT TO kontor_ledger"
            f" WITH CHECK (book_id = {TENANT})"
        )
        op.execute(
            f"CREATE POLICY ledger_changes ON {table} FOR UPDATE TO kontor_ledger"
            f" USING (book_id = {TENANT})"
        )
    op.execute("GRANT SELECT, INSERT, UPDATE ON commission_months TO kontor_platform")
    # What is agreed for everybody is read by everybody; a beneficiary sees what it keeps elsewhere.
    op.execute(
        "CREATE POLICY defaults ON commission_bonus_terms FOR SELECT TO kontor_app"
        f" USING (reseller_id = {PLATFORM} AND {TENANT} IS NOT NULL)"
    )
    op.execute(
        "CREATE POLICY beneficiary ON commission_terms FOR SELECT TO kontor_app"
        f" USING (beneficiary_id = {TENANT})"
    )


def _count_what_is_rolled_up() -> None:
    op.execute("""
        INSERT INTO ledger_period_rollups
        SELECT x.book_id, side.id, ledger_month(e.created_at), e.kind,
               sum(side.debited), sum(side.credited)
          FROM ledger_entries e
          JOIN ledger_transfers x ON x.book_id = e.book_id AND x.entry_id = e.id
         CROSS JOIN LATERAL (VALUES (x.debit_id, x.amount, 0), (x.credit_id, 0, x.amount)
         ) side (id, debited, credited)
          JOIN ledger_accounts a ON a.book_id = x.book_id AND a.id = side.id
          JOIN ledger_account_kinds k ON k.kind = a.kind AND NOT k.guarded
         WHERE NOT EXISTS (SELECT FROM ledger_tail t
                            WHERE t.book_id = e.book_id AND t.entry_id = e.id)
         GROUP BY 1, 2, 3, 4
    """)


def downgrade() -> None:
    """Bonuses and true-ups stay in the books; so does the kind of account they came from."""
    op.execute("GRANT CREATE ON SCHEMA public TO kontor_ledger")
    op.execute(ROLL_UP.replace("PERIODS\n", ""))
    op.execute("REVOKE CREATE ON SCHEMA public FROM kontor_ledger")
    for signature in reversed(FUNCTIONS):
        op.execute(f"DROP FUNCTION {signature}")
    op.execute("DELETE FROM ledger_rules WHERE entry_kind IN"
               " ('commission_true_up', 'commission_bonus')")  # fmt: skip
    op.execute("DROP POLICY beneficiary ON commission_terms")
    for table in (*COMMISSION_TABLES, "commission_months", *LEDGER_TABLES):
        op.drop_table(table)
    # The rows of a month were never agreed.
    op.execute("DELETE FROM commission_terms WHERE valid_until IS NOT NULL")
    op.drop_column("commission_terms", "valid_until")
    op.drop_column("commission_agreements", "basis")
