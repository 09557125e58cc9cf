"""vacuum tables that live from deletes and updates by their changes, not by their size"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

BUSY = ("outbox", "ledger_tail", "ledger_balances")


def upgrade() -> None:
    for table in BUSY:
        op.execute(
            f"ALTER TABLE {table} SET ("
            "autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000)"
        )


def downgrade() -> None:
    for table in BUSY:
        op.execute(
            f"ALTER TABLE {table} RESET ("
            "autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold)"
        )
