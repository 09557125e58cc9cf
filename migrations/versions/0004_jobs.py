"""jobs: Procrastinate's tables and functions, in a schema of their own"""

from alembic import op
from procrastinate.schema import SchemaManager
from sqlalchemy import text

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE SCHEMA procrastinate")
    op.execute("SET LOCAL search_path = procrastinate")
    # The script holds percent signs: it goes to the driver as it is.
    cursor = op.get_bind().connection.cursor()
    cursor.execute(SchemaManager.get_schema().encode(), prepare=False)
    op.execute("SET LOCAL search_path = public")
    op.execute("GRANT USAGE ON SCHEMA procrastinate TO kontor_app, kontor_platform")
    for role in ("kontor_app", "kontor_platform"):
        op.execute(
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA procrastinate TO {role}"
        )
        op.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA procrastinate TO {role}")


def downgrade() -> None:
    op.execute(text("DROP SCHEMA procrastinate CASCADE"))
