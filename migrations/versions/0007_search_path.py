"""keep temporary tables out of the sight of functions that run as somebody else

PostgreSQL looks for tables in `pg_temp` first unless a function's search_path names it last: a role
could lay a temporary table of its own over `ledger_rules` or `terms_revision`, and a function that
runs as somebody else would believe it (PostgreSQL, CREATE FUNCTION, "Writing SECURITY DEFINER
Functions Safely").
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

DEFINERS = (
    "ledger_open_account(uuid, uuid, text, uuid, text, bigint)",
    "ledger_post(uuid, uuid, text, text, bytea, timestamptz, uuid[], uuid[], bigint[], uuid)",
    "ledger_roll_up(uuid, bigint)",
    "ledger_owned_balances(uuid)",
    "bump_terms_revision()",
)


def upgrade() -> None:
    for function in DEFINERS:
        op.execute(f"ALTER FUNCTION {function} SET search_path = pg_catalog, public, pg_temp")


def downgrade() -> None:
    for function in DEFINERS:
        op.execute(f"ALTER FUNCTION {function} SET search_path = pg_catalog, public")
