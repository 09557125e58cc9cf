"""who asks, found in one trip: the holder of an API key and of a session

Every request asks for one of them. As a transaction of its own each function names its tenant
itself, like `charge_usage` (migration 0005); inside a transaction it keeps to that one's.
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

NAME_TENANT = """
    IF coalesce(current_setting('app.reseller_id', true), '') = '' THEN
        PERFORM set_config('app.reseller_id', p_reseller::text, true);
    END IF;
"""

API_KEY = f"""
CREATE FUNCTION api_key_holder(p_reseller uuid, p_hash bytea)
RETURNS TABLE (id uuid, scopes text[])
LANGUAGE plpgsql AS $$
BEGIN
{NAME_TENANT}
    RETURN QUERY
        SELECT k.id, k.scopes FROM api_keys k
         WHERE k.reseller_id = p_reseller AND k.secret_hash = p_hash AND k.revoked_at IS NULL;
END $$
"""

SESSION = f"""
CREATE FUNCTION session_holder(
    p_reseller uuid, p_session bytea, p_realm text, p_host text, p_now timestamptz
) RETURNS TABLE (user_id uuid, name text, email text, customer_id uuid, role text)
LANGUAGE plpgsql AS $$
DECLARE
    holder uuid;
BEGIN
{NAME_TENANT}
    SELECT s.user_id INTO holder FROM user_sessions s
     WHERE s.reseller_id = p_reseller AND s.id = p_session AND s.realm = p_realm
       AND s.host = p_host AND s.expires_at > p_now;
    IF p_realm = 'customer' THEN
        RETURN QUERY
            SELECT u.id, u.name, u.email, u.customer_id, NULL::text FROM customer_users u
             WHERE u.reseller_id = p_reseller AND u.id = holder;
    ELSE
        RETURN QUERY
            SELECT u.id, u.name, u.email, NULL::uuid, u.role FROM staff_users u
             WHERE u.reseller_id = p_reseller AND u.id = holder;
    END IF;
END $$
"""

FUNCTIONS = {
    "api_key_holder(uuid, bytea)": API_KEY,
    "session_holder(uuid, bytea, text, text, timestamptz)": SESSION,
}


def upgrade() -> None:
    for signature, body in FUNCTIONS.items():
        op.execute(body)
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO kontor_app, kontor_platform")


def downgrade() -> None:
    for signature in FUNCTIONS:
        op.execute(f"DROP FUNCTION {signature}")
