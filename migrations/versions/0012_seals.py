"""seals: a hash chain over the entries of each book"""

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Fill in."""


def downgrade() -> None:
    """Fill in."""
