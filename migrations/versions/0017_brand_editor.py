"""brand editor: more of a brand, its draft, its versions, its pictures"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

TENANT = "nullif(current_setting('app.reseller_id', true), '')::uuid"

# What a brand had and gets; what had no value is as if nothing had been said.
TEXTS = {
    "font": "system",
    "greeting": "",
    "sender_name": "",
    "reply_to": "",
    "statement_suffix": "",
    "imprint_text": "",
    "privacy_text": "",
    "terms_text": "",
}
OLD = (
    "name", "theme", "language", "accent", "surface", "radius", "density", "mode", "logo_url",
    "favicon_url", "support_email", "support_phone", "imprint_url", "privacy_url", "terms_url",
)  # fmt: skip

# What the application may do, what the platform's own sign-in may do. A version is never changed.
WALLS = {
    "brand_drafts": ("SELECT, INSERT, UPDATE, DELETE", "SELECT"),
    "brand_versions": ("SELECT, INSERT", "SELECT, INSERT"),
    "brand_assets": ("SELECT, INSERT, DELETE", "SELECT, INSERT, DELETE"),
}


def upgrade() -> None:
    for name, value in TEXTS.items():
        op.add_column("brands", sa.Column(name, sa.Text(), nullable=False, server_default=value))
        op.alter_column("brands", name, server_default=None)
    op.add_column(
        "brands",
        sa.Column(
            "theme_options", postgresql.JSONB(), nullable=False, server_default=sa.text("'{}'")
        ),
    )
    op.alter_column("brands", "theme_options", server_default=None)
    op.add_column(
        "brands", sa.Column("version", sa.BigInteger(), nullable=False, server_default="1")
    )
    op.alter_column("brands", "version", server_default=None)
    _tables()
    for table, (application, platform) in WALLS.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenant ON {table} TO kontor_app USING (reseller_id = {TENANT})")
        op.execute(f"CREATE POLICY platform ON {table} TO kontor_platform USING (true)")
        op.execute(f"GRANT {application} ON {table} TO kontor_app")
        op.execute(f"GRANT {platform} ON {table} TO kontor_platform")
    # What is published today is the first version: whoever changes it can go back to it.
    pairs = ", ".join(f"'{name}', {name}" for name in (*OLD, *TEXTS, "theme_options"))
    op.execute(
        "INSERT INTO brand_versions (reseller_id, number, look, realm)"
        f" SELECT reseller_id, 1, jsonb_build_object({pairs}), 'system' FROM brands"
    )


def _tables() -> None:
    op.create_table(
        "brand_drafts",
        sa.Column("reseller_id", sa.Uuid(), nullable=False),
        sa.Column("look", postgresql.JSONB(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("realm", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column(
            "saved_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("reseller_id", name=op.f("pk_brand_drafts")),
    )
    op.create_table(
        "brand_versions",
        sa.Column("reseller_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("look", postgresql.JSONB(), nullable=False),
        sa.Column("realm", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("restores", sa.BigInteger(), nullable=True),
        sa.Column(
            "published_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("reseller_id", "number", name=op.f("pk_brand_versions")),
    )
    _assets()


def _assets() -> None:
    op.create_table(
        "brand_assets",
        sa.Column("reseller_id", sa.Uuid(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("reseller_id", "hash", "name", name=op.f("pk_brand_assets")),
    )


def downgrade() -> None:
    for table in WALLS:
        op.drop_table(table)
    # Pictures went with their table.
    for column in ("logo_url", "favicon_url"):
        op.execute(f"UPDATE brands SET {column} = '' WHERE {column} LIKE '/brand/%'")
    for name in ("version", "theme_options", *TEXTS):
        op.drop_column("brands", name)
