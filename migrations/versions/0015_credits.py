"""credits: adjustments, own balance, recurring fees, reversals"""

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Fill in."""


def downgrade() -> None:
    """Fill in."""
