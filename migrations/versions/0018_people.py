"""people: mailed links, registrations, consents, invited users, last use of keys"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

TENANT = "nullif(current_setting('app.reseller_id', true), '')::uuid"
USERS = ("customer_users", "staff_users", "platform_users")
KEYS = ("api_keys", "platform_api_keys")

# Table: what the application may do, what the platform's own sign-in may do. Texts that were
# accepted and who accepted them are never changed (requirement M1).
WALLS = {
    "account_links": ("SELECT, INSERT, UPDATE", "SELECT, INSERT, UPDATE, DELETE"),
    "registrations": ("SELECT, INSERT, DELETE", "SELECT, DELETE"),
    "registration_policies": ("SELECT, INSERT, UPDATE", "SELECT, INSERT, UPDATE"),
    "legal_texts": ("SELECT, INSERT", "SELECT"),
    "consents": ("SELECT, INSERT", "SELECT"),
}


def upgrade() -> None:
    _links()
    _texts()
    _registrations()
    for table, (application, platform) in WALLS.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenant ON {table} TO kontor_app USING (reseller_id = {TENANT})")
        op.execute(f"CREATE POLICY platform ON {table} TO kontor_platform USING (true)")
        op.execute(f"GRANT {application} ON {table} TO kontor_app")
        op.execute(f"GRANT {platform} ON {table} TO kontor_platform")
    for table in USERS:
        # Whoever was invited and has not come yet has none.
        op.alter_column(table, "password_hash", nullable=True)
    for table in KEYS:
        op.add_column(table, sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("GRANT DELETE ON staff_users TO kontor_app")
    op.execute("GRANT DELETE ON platform_users TO kontor_platform")


def _links() -> None:
    op.create_table(
        "account_links",
        sa.Column("reseller_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("realm", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("superseded_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("reseller_id", "id", name=op.f("pk_account_links")),
    )
    op.create_index(
        "ix_account_links_address", "account_links", ["reseller_id", "realm", "address"]
    )
    op.create_index("ix_account_links_customer", "account_links", ["reseller_id", "customer_id"])


def _texts() -> None:
    op.create_table(
        "legal_texts",
        sa.Column("reseller_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("first_shown_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("reseller_id", "kind", "content_hash", name=op.f("pk_legal_texts")),
    )
    op.create_table(
        "consents",
        sa.Column("reseller_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["reseller_id", "customer_id"],
            ["customers.reseller_id", "customers.id"],
            name=op.f("fk_consents_reseller_id_customer_id"),
        ),
        sa.ForeignKeyConstraint(
            ["reseller_id", "kind", "content_hash"],
            ["legal_texts.reseller_id", "legal_texts.kind", "legal_texts.content_hash"],
            name=op.f("fk_consents_reseller_id_kind_content_hash"),
        ),
        sa.PrimaryKeyConstraint("reseller_id", "id", name=op.f("pk_consents")),
    )
    op.create_index("ix_consents_customer", "consents", ["reseller_id", "customer_id"])


def _registrations() -> None:
    op.create_table(
        "registrations",
        sa.Column("reseller_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("company", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("terms_kind", sa.Text(), nullable=True),
        sa.Column("terms_hash", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["reseller_id", "id"],
            ["account_links.reseller_id", "account_links.id"],
            name=op.f("fk_registrations_reseller_id_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["reseller_id", "terms_kind", "terms_hash"],
            ["legal_texts.reseller_id", "legal_texts.kind", "legal_texts.content_hash"],
            name=op.f("fk_registrations_reseller_id_terms_kind_terms_hash"),
        ),
        sa.PrimaryKeyConstraint("reseller_id", "id", name=op.f("pk_registrations")),
    )
    op.create_table(
        "registration_policies",
        sa.Column("reseller_id", sa.Uuid(), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("reseller_id", name=op.f("pk_registration_policies")),
    )


def downgrade() -> None:
    op.execute("REVOKE DELETE ON platform_users FROM kontor_platform")
    op.execute("REVOKE DELETE ON staff_users FROM kontor_app")
    for table in KEYS:
        op.drop_column(table, "last_used_at")
    for table in USERS:
        # No password makes an empty hash: who never came still cannot.
        op.execute(f"UPDATE {table} SET password_hash = '' WHERE password_hash IS NULL")
        op.alter_column(table, "password_hash", nullable=False)
    for table in (
        "registration_policies", "registrations", "consents", "legal_texts", "account_links",
    ):  # fmt: skip
        op.drop_table(table)
