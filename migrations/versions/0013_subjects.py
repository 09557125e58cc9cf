"""subjects, keys of the platform, blocked customers"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

TENANT = "nullif(current_setting('app.reseller_id', true), '')::uuid"

# The only writer of both tables, so that they never disagree: a subject is one reseller's at a
# time, and none can see whose. Who assigns is the transaction's tenant, whatever the caller says.
# A new row holds until the tenant's own next one (`until`); all of that time must be free of
# others. It answers a word and writes nothing where it refuses, so the transaction may go on.
ASSIGN = f"""
CREATE FUNCTION assign_subject(
    p_subject text, p_from timestamptz, p_customer uuid, p_now timestamptz
) RETURNS TABLE (answer text, before uuid)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    mine uuid := {TENANT};
    until timestamptz;
BEGIN
    IF mine IS NULL THEN
        RAISE EXCEPTION 'nobody assigns a subject' USING ERRCODE = '42501';
    END IF;
    -- Two resellers at once queue here: neither sees the other's row before it is committed.
    PERFORM pg_advisory_xact_lock(hashtextextended('subject:' || p_subject, 0));
    SELECT s.customer_id INTO before FROM subjects s
     WHERE s.reseller_id = mine AND s.subject = p_subject AND s.valid_from <= p_from
     ORDER BY s.valid_from DESC LIMIT 1;
    SELECT min(s.valid_from) INTO until FROM subjects s
     WHERE s.reseller_id = mine AND s.subject = p_subject AND s.valid_from > p_from;
    answer := CASE
        WHEN EXISTS (SELECT 1 FROM subjects s
                      WHERE s.reseller_id = mine AND s.subject = p_subject
                        AND s.valid_from = p_from) THEN 'date_taken'
        WHEN before IS NOT NULL AND p_from < p_now THEN 'history_fixed'
        WHEN before IS NULL AND p_customer IS NULL THEN 'not_assigned'
        WHEN EXISTS (SELECT 1 FROM subject_owners o
                      WHERE o.subject = p_subject AND o.reseller_id <> mine
                        AND (until IS NULL OR o.valid_from < until)
                        AND o.valid_from >= coalesce(
                            (SELECT max(b.valid_from) FROM subject_owners b
                              WHERE b.subject = p_subject AND b.valid_from <= p_from), p_from)
                    ) THEN 'taken'
        ELSE 'assigned' END;
    IF answer = 'assigned' THEN
        INSERT INTO subjects (reseller_id, subject, valid_from, customer_id)
        VALUES (mine, p_subject, p_from, p_customer);
        INSERT INTO subject_owners AS o (subject, valid_from, reseller_id)
        VALUES (p_subject, p_from, CASE WHEN p_customer IS NOT NULL THEN mine END)
        -- Another one lets go of it at this very moment.
        ON CONFLICT (subject, valid_from) DO UPDATE SET reseller_id = excluded.reseller_id;
    END IF;
    RETURN NEXT;
END $$
"""
ASSIGN_SIGNATURE = "assign_subject(text, timestamptz, uuid, timestamptz)"

# As in 0008, but that a customer's user has a role, too.
HOLDER = """
CREATE OR REPLACE FUNCTION session_holder(
    p_reseller uuid, p_session bytea, p_realm text, p_host text, p_now timestamptz
) RETURNS TABLE (user_id uuid, name text, email text, customer_id uuid, role text)
LANGUAGE plpgsql AS $$
DECLARE
    holder uuid;
BEGIN

    IF coalesce(current_setting('app.reseller_id', true), '') = '' THEN
        PERFORM set_config('app.reseller_id', p_reseller::text, true);
    END IF;

    SELECT s.user_id INTO holder FROM user_sessions s
     WHERE s.reseller_id = p_reseller AND s.id = p_session AND s.realm = p_realm
       AND s.host = p_host AND s.expires_at > p_now;
    IF p_realm = 'customer' THEN
        RETURN QUERY
            SELECT u.id, u.name, u.email, u.customer_id, ROLE FROM customer_users u
             WHERE u.reseller_id = p_reseller AND u.id = holder;
    ELSE
        RETURN QUERY
            SELECT u.id, u.name, u.email, NULL::uuid, u.role FROM staff_users u
             WHERE u.reseller_id = p_reseller AND u.id = holder;
    END IF;
END $$
"""


def upgrade() -> None:
    _subjects()
    _platform_api_keys()
    # Whoever could sign in until now could do everything; new users are told apart.
    op.add_column(
        "customer_users", sa.Column("role", sa.Text(), nullable=False, server_default="owner")
    )
    op.alter_column("customer_users", "role", server_default=None)
    op.execute("GRANT DELETE ON customer_users TO kontor_app")
    op.execute(HOLDER.replace("ROLE", "u.role"))
    # A reseller below another one gets its first member of staff in the transaction that opens it.
    op.execute("GRANT INSERT ON staff_users TO kontor_platform")
    op.create_index(op.f("ix_tenants_path"), "tenants", ["path"], postgresql_using="gin")


def _subjects() -> None:
    op.create_table(
        "subjects",
        sa.Column("reseller_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["reseller_id", "customer_id"],
            ["customers.reseller_id", "customers.id"],
            name=op.f("fk_subjects_reseller_id_customer_id"),
        ),
        sa.PrimaryKeyConstraint(
            "reseller_id", "subject", "valid_from", name=op.f("pk_subjects")
        ),
    )
    op.create_index("ix_subjects_customer", "subjects", ["reseller_id", "customer_id"])
    op.create_table(
        "subject_owners",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reseller_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["reseller_id"], ["tenants.id"], name=op.f("fk_subject_owners_reseller_id")
        ),
        sa.PrimaryKeyConstraint("subject", "valid_from", name=op.f("pk_subject_owners")),
    )
    op.execute("ALTER TABLE subjects ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON subjects TO kontor_app USING (reseller_id = {TENANT})")
    op.execute("CREATE POLICY platform ON subjects TO kontor_platform USING (true)")
    op.execute("GRANT SELECT ON subjects TO kontor_app, kontor_platform")
    op.execute("GRANT SELECT ON subject_owners TO kontor_platform")
    op.execute(ASSIGN)
    op.execute(f"REVOKE ALL ON FUNCTION {ASSIGN_SIGNATURE} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {ASSIGN_SIGNATURE} TO kontor_app, kontor_platform")


def _platform_api_keys() -> None:
    op.create_table(
        "platform_api_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_platform_api_keys")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_platform_api_keys_secret_hash")),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE ON platform_api_keys TO kontor_platform")


def downgrade() -> None:
    op.drop_index(op.f("ix_tenants_path"), "tenants")
    op.execute("REVOKE INSERT ON staff_users FROM kontor_platform")
    op.execute(HOLDER.replace("ROLE", "NULL::text"))
    op.execute("REVOKE DELETE ON customer_users FROM kontor_app")
    op.drop_column("customer_users", "role")
    op.drop_table("platform_api_keys")
    op.execute(f"DROP FUNCTION {ASSIGN_SIGNATURE}")
    op.drop_table("subject_owners")
    op.drop_table("subjects")
    # Wallets of blocked customers stay as they are: what is not active is charged nothing.
