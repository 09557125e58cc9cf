"""languages: what a person chose to read in"""

import runpy
from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

USERS = ("customer_users", "staff_users", "platform_users")
BEFORE = runpy.run_path(str(Path(__file__).parent / "0021_second_factor.py"))
SIGNATURE, HOLDER_BEFORE = BEFORE["HOLDER_SIGNATURE"], BEFORE["HOLDER"]
# As in 0021, and with the language that the person chose. What a function returns cannot be
# replaced, so it is made anew: programs of before name their columns and still work.
HOLDER = (
    HOLDER_BEFORE.replace("visit_id uuid\n)", "visit_id uuid, language text\n)")
    .replace("found.visit_id\n", "found.visit_id, u.language\n")
    .replace("NULL::uuid, NULL::uuid\n", "NULL::uuid, NULL::uuid, u.language\n")
)


def upgrade() -> None:
    for table in USERS:
        op.add_column(table, sa.Column("language", sa.Text(), nullable=True))
    _replace_holder(HOLDER)


def downgrade() -> None:
    _replace_holder(HOLDER_BEFORE)
    for table in USERS:
        op.drop_column(table, "language")


def _replace_holder(body: str) -> None:
    op.execute(f"DROP FUNCTION {SIGNATURE}")
    op.execute(body)
    op.execute(f"REVOKE ALL ON FUNCTION {SIGNATURE} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {SIGNATURE} TO kontor_app, kontor_platform")
