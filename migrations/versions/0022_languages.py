"""languages: what a person chose to read in"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

USERS = ("customer_users", "staff_users", "platform_users")
SIGNATURE = "session_holder(uuid, bytea, text, text, timestamptz)"

# As in 0013, and with the language that the person chose. What a function returns cannot be
# replaced, so it is made anew: programs of before name their columns and still work.
HOLDER = """
CREATE FUNCTION session_holder(
    p_reseller uuid, p_session bytea, p_realm text, p_host text, p_now timestamptz
) RETURNS TABLE (
    user_id uuid, name text, email text, customer_id uuid, role text COLUMN
)
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
            SELECT u.id, u.name, u.email, u.customer_id, u.role VALUE FROM customer_users u
             WHERE u.reseller_id = p_reseller AND u.id = holder;
    ELSE
        RETURN QUERY
            SELECT u.id, u.name, u.email, NULL::uuid, u.role VALUE FROM staff_users u
             WHERE u.reseller_id = p_reseller AND u.id = holder;
    END IF;
END $$
"""


def upgrade() -> None:
    for table in USERS:
        op.add_column(table, sa.Column("language", sa.Text(), nullable=True))
    _replace_holder(HOLDER.replace("COLUMN", ", language text").replace("VALUE", ", u.language"))


def downgrade() -> None:
    _replace_holder(HOLDER.replace("COLUMN", "").replace("VALUE", ""))
    for table in USERS:
        op.drop_column(table, "language")


def _replace_holder(body: str) -> None:
    op.execute(f"DROP FUNCTION {SIGNATURE}")
    op.execute(body)
    op.execute(f"REVOKE ALL ON FUNCTION {SIGNATURE} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {SIGNATURE} TO kontor_app, kontor_platform")
