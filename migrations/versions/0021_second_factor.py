"""second factors, sign-ins in two steps, known browsers, sessions that are seen, acting on behalf

Rows of all three realms stand in one set of tables; the platform's own have the platform's id. The
application's role sees none of those: its policy leaves the realm `platform` out.
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

TENANT = "nullif(current_setting('app.reseller_id', true), '')::uuid"
MINE = f"reseller_id = {TENANT}"
PEOPLES = f"{MINE} AND realm <> 'platform'"

# Table: whose rows the application may see, what it may do; the platform may do the same.
WALLS = {
    "second_factors": (PEOPLES, "SELECT, INSERT, UPDATE, DELETE"),
    "recovery_codes": (PEOPLES, "SELECT, INSERT, UPDATE, DELETE"),
    "sign_in_challenges": (PEOPLES, "SELECT, INSERT, UPDATE, DELETE"),
    "known_browsers": (PEOPLES, "SELECT, INSERT, UPDATE, DELETE"),
    "sign_in_policies": (MINE, "SELECT, INSERT, UPDATE"),
    "acting_visits": (MINE, "SELECT, INSERT, UPDATE"),
}

# As in 0013, with when the session was last seen and, where somebody acts for the holder, who does
# and in which visit. Such a session lives as long as that colleague exists and has a fitting role.
HOLDER_SIGNATURE = "session_holder(uuid, bytea, text, text, timestamptz)"
HOLDER = """
CREATE FUNCTION session_holder(
    p_reseller uuid, p_session bytea, p_realm text, p_host text, p_now timestamptz
) RETURNS TABLE (
    user_id uuid, name text, email text, customer_id uuid, role text,
    last_seen_at timestamptz, acting_staff_id uuid, visit_id uuid
)
LANGUAGE plpgsql AS $$
DECLARE
    found user_sessions;
BEGIN

    IF coalesce(current_setting('app.reseller_id', true), '') = '' THEN
        PERFORM set_config('app.reseller_id', p_reseller::text, true);
    END IF;

    SELECT s.* INTO found FROM user_sessions s
     WHERE s.reseller_id = p_reseller AND s.id = p_session AND s.realm = p_realm
       AND s.host = p_host AND s.expires_at > p_now;
    IF found.acting_staff_id IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM staff_users a
         WHERE a.reseller_id = p_reseller AND a.id = found.acting_staff_id
           AND a.role IN ('owner', 'support')
    ) THEN
        RETURN;
    END IF;
    IF p_realm = 'customer' THEN
        RETURN QUERY
            SELECT u.id, u.name, u.email, u.customer_id, u.role,
                   found.last_seen_at, found.acting_staff_id, found.visit_id
              FROM customer_users u
             WHERE u.reseller_id = p_reseller AND u.id = found.user_id;
    ELSE
        RETURN QUERY
            SELECT u.id, u.name, u.email, NULL::uuid, u.role,
                   found.last_seen_at, NULL::uuid, NULL::uuid
              FROM staff_users u
             WHERE u.reseller_id = p_reseller AND u.id = found.user_id;
    END IF;
END $$
"""

# What 0013 left behind.
HOLDER_BEFORE = """
CREATE FUNCTION session_holder(
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
            SELECT u.id, u.name, u.email, u.customer_id, u.role FROM customer_users u
             WHERE u.reseller_id = p_reseller AND u.id = holder;
    ELSE
        RETURN QUERY
            SELECT u.id, u.name, u.email, NULL::uuid, u.role FROM staff_users u
             WHERE u.reseller_id = p_reseller AND u.id = holder;
    END IF;
END $$
"""


def upgrade() -> None:
    _factors()
    _sign_ins()
    _visits()
    for table, (whose, rights) in WALLS.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenant ON {table} TO kontor_app USING ({whose})")
        op.execute(f"CREATE POLICY platform ON {table} TO kontor_platform USING (true)")
        op.execute(f"GRANT {rights} ON {table} TO kontor_app, kontor_platform")
    _sessions()
    _holder(HOLDER)


def _person() -> list[sa.Column[object]]:
    return [
        sa.Column("reseller_id", sa.Uuid(), nullable=False),
        sa.Column("realm", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
    ]


def _time(name: str, *, by_default: bool = False, nullable: bool = False) -> sa.Column[object]:
    default = sa.text("now()") if by_default else None
    return sa.Column(name, sa.DateTime(timezone=True), server_default=default, nullable=nullable)


def _factors() -> None:
    op.create_table(
        "second_factors",
        *_person(),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("begun_by", sa.LargeBinary(), nullable=True),
        _time("confirmed_at", nullable=True),
        sa.Column("last_step", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("wrong_codes", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        _time("locked_until", nullable=True),
        _time("created_at", by_default=True),
        sa.PrimaryKeyConstraint("reseller_id", "realm", "user_id", name=op.f("pk_second_factors")),
    )
    op.create_table(
        "recovery_codes",
        *_person(),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        _time("used_at", nullable=True),
        sa.PrimaryKeyConstraint(
            "reseller_id", "realm", "user_id", "code_hash", name=op.f("pk_recovery_codes")
        ),
    )
    op.create_table(
        "sign_in_policies",
        sa.Column("reseller_id", sa.Uuid(), nullable=False),
        sa.Column("demands_second_factor", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("reseller_id", name=op.f("pk_sign_in_policies")),
    )


def _sign_ins() -> None:
    op.create_table(
        "sign_in_challenges",
        sa.Column("reseller_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("realm", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("tries_left", sa.BigInteger(), nullable=False),
        _time("expires_at"),
        sa.PrimaryKeyConstraint("reseller_id", "id", name=op.f("pk_sign_in_challenges")),
    )
    op.create_index(
        "ix_sign_in_challenges_user", "sign_in_challenges", ["reseller_id", "realm", "user_id"]
    )
    op.create_table(
        "known_browsers",
        *_person(),
        sa.Column("browser_hash", sa.LargeBinary(), nullable=False),
        _time("first_seen_at"),
        _time("last_seen_at"),
        sa.PrimaryKeyConstraint(
            "reseller_id", "realm", "user_id", "browser_hash", name=op.f("pk_known_browsers")
        ),
    )


def _visits() -> None:
    op.create_table(
        "acting_visits",
        sa.Column("reseller_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        _time("started_at"),
        _time("expires_at"),
        _time("ended_at", nullable=True),
        sa.ForeignKeyConstraint(
            ["reseller_id", "customer_id"],
            ["customers.reseller_id", "customers.id"],
            name=op.f("fk_acting_visits_reseller_id_customer_id"),
        ),
        sa.PrimaryKeyConstraint("reseller_id", "id", name=op.f("pk_acting_visits")),
    )
    op.create_index("ix_acting_visits_customer", "acting_visits", ["reseller_id", "customer_id"])


def _sessions() -> None:
    for table in ("user_sessions", "platform_sessions"):
        op.add_column(table, _time("last_seen_at", by_default=True))
        op.add_column(table, sa.Column("browser", sa.Text(), server_default="", nullable=False))
    op.add_column("user_sessions", sa.Column("acting_staff_id", sa.Uuid(), nullable=True))
    op.add_column("user_sessions", sa.Column("visit_id", sa.Uuid(), nullable=True))
    op.create_check_constraint(
        op.f("ck_user_sessions_acting"),
        "user_sessions",
        "(acting_staff_id IS NULL) = (visit_id IS NULL)"
        " AND (acting_staff_id IS NULL OR realm = 'customer')",
    )


def _holder(body: str) -> None:
    op.execute(f"DROP FUNCTION {HOLDER_SIGNATURE}")
    op.execute(body)
    op.execute(f"REVOKE ALL ON FUNCTION {HOLDER_SIGNATURE} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {HOLDER_SIGNATURE} TO kontor_app, kontor_platform")


def downgrade() -> None:
    _holder(HOLDER_BEFORE)
    # Without the column nobody could tell them from the customer's own.
    op.execute("DELETE FROM user_sessions WHERE acting_staff_id IS NOT NULL")
    op.drop_constraint(op.f("ck_user_sessions_acting"), "user_sessions")
    op.drop_column("user_sessions", "visit_id")
    op.drop_column("user_sessions", "acting_staff_id")
    for table in ("platform_sessions", "user_sessions"):
        op.drop_column(table, "browser")
        op.drop_column(table, "last_seen_at")
    for table in reversed(WALLS):
        op.drop_table(table)
