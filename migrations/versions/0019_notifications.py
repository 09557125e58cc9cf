"""notifications"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

TENANT = "nullif(current_setting('app.reseller_id', true), '')::uuid"

# Table: what the application may do, what the platform's own sign-in may do.
WALLS = {
    "messages": ("SELECT, INSERT", "SELECT, INSERT, DELETE"),
    "message_deliveries": ("SELECT, INSERT, UPDATE", "SELECT, INSERT, UPDATE"),
    "notification_preferences": ("SELECT, INSERT, UPDATE, DELETE", "SELECT"),
    "sending_domains": ("SELECT, INSERT, DELETE", "SELECT, INSERT, UPDATE, DELETE"),
    "balance_watches": ("SELECT", "SELECT, INSERT, DELETE"),
}


def upgrade() -> None:
    _messages()
    _deliveries()
    _settings()
    _balance_watches()
    for table, (application, platform) in WALLS.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY platform ON {table} TO kontor_platform USING (true)")
        op.execute(f"GRANT {application} ON {table} TO kontor_app")
        op.execute(f"GRANT {platform} ON {table} TO kontor_platform")
        # A site cannot verify a domain of its own: only the platform's sign-in may.
        check = f" WITH CHECK (reseller_id = {TENANT} AND state = 'pending')"
        op.execute(
            f"CREATE POLICY tenant ON {table} TO kontor_app USING (reseller_id = {TENANT})"
            + (check if table == "sending_domains" else "")
        )


def _messages() -> None:
    op.create_table(
        "messages",
        sa.Column("reseller_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("realm", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("reseller_id", "id", name=op.f("pk_messages")),
        sa.UniqueConstraint("reseller_id", "key", name=op.f("uq_messages_reseller_id_key")),
    )
    op.create_index("ix_messages_newest", "messages", ["id"])


def _deliveries() -> None:
    op.create_table(
        "message_deliveries",
        sa.Column("reseller_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["reseller_id", "message_id"],
            ["messages.reseller_id", "messages.id"],
            name=op.f("fk_message_deliveries_reseller_id_message_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("reseller_id", "id", name=op.f("pk_message_deliveries")),
        sa.UniqueConstraint(
            "reseller_id",
            "message_id",
            "channel",
            name=op.f("uq_message_deliveries_reseller_id_message_id_channel"),
        ),
    )
    op.create_index(
        "ix_message_deliveries_due",
        "message_deliveries",
        ["next_attempt_at"],
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.create_index("ix_message_deliveries_id", "message_deliveries", ["id"])


def _settings() -> None:
    op.create_table(
        "notification_preferences",
        sa.Column("reseller_id", sa.Uuid(), nullable=False),
        sa.Column("realm", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("is_wanted", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint(
            "reseller_id",
            "realm",
            "user_id",
            "kind",
            "channel",
            name=op.f("pk_notification_preferences"),
        ),
    )
    op.create_table(
        "sending_domains",
        sa.Column("reseller_id", sa.Uuid(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("selector", sa.Text(), nullable=False),
        sa.Column("sealed_key", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("reseller_id", "domain", name=op.f("pk_sending_domains")),
    )


def _balance_watches() -> None:
    op.create_table(
        "balance_watches",
        sa.Column("reseller_id", sa.Uuid(), nullable=False),
        sa.Column("wallet_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("armed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["reseller_id", "wallet_id"],
            ["wallets.reseller_id", "wallets.id"],
            name=op.f("fk_balance_watches_reseller_id_wallet_id"),
        ),
        sa.PrimaryKeyConstraint("reseller_id", "wallet_id", name=op.f("pk_balance_watches")),
    )
    # Wallets that are well filled today: their next fall is to be told, too.
    op.execute(
        "INSERT INTO balance_watches (reseller_id, wallet_id, id, armed_at)"
        " SELECT w.reseller_id, w.id, gen_random_uuid(), now() FROM wallets w"
        " JOIN ledger_balances b ON b.book_id = w.reseller_id AND b.account_id = w.account_id"
        " WHERE b.posted - b.held >= w.low_balance_minor"
    )


def downgrade() -> None:
    op.drop_table("balance_watches")
    op.drop_table("sending_domains")
    op.drop_table("notification_preferences")
    op.drop_table("message_deliveries")
    op.drop_table("messages")
