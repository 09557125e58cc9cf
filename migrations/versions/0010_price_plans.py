"""price plans: increments, minimum, allowance, steps, retail prices, fees"""

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Fill in."""


def downgrade() -> None:
    """Fill in."""
