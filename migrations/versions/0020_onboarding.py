"""sign-up of resellers: trial, approval, and how a reseller came to its state"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

TENANT = "nullif(current_setting('app.reseller_id', true), '')::uuid"

# What `skeleton_of` in app/tenancy/names.py makes of a slug, for those that are there already.
SKELETON = """
UPDATE tenants SET skeleton = replace(replace(translate(
    replace(slug, '-', ''), '01i5', 'olls'), 'rn', 'm'), 'vv', 'w')
"""

# Table: what the application may do, what the platform's own sign-in may do.
WALLS = {
    "reseller_state_changes": ("SELECT", "SELECT, INSERT"),
    "reseller_questions": ("SELECT", "SELECT, INSERT"),
}
# An answer is given once by the reseller's staff.
COLUMN_RIGHT = "GRANT UPDATE (answer, answered_at) ON reseller_questions TO kontor_app"


def upgrade() -> None:
    _tenants()
    _state_changes()
    _applications()
    _questions()
    for table, (application, platform) in WALLS.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenant ON {table} TO kontor_app USING (reseller_id = {TENANT})")
        op.execute(f"CREATE POLICY platform ON {table} TO kontor_platform USING (true)")
        op.execute(f"GRANT {application} ON {table} TO kontor_app")
        op.execute(f"GRANT {platform} ON {table} TO kontor_platform")
    op.execute(COLUMN_RIGHT)


def _tenants() -> None:
    op.add_column(
        "tenants", sa.Column("skeleton", sa.Text(), nullable=False, server_default="")
    )
    op.execute(SKELETON)
    op.alter_column("tenants", "skeleton", server_default=None)
    op.create_index(op.f("ix_tenants_skeleton"), "tenants", ["skeleton"])
    op.add_column("tenants", sa.Column("trial_ends_at", sa.DateTime(timezone=True)))
    op.add_column("tenants", sa.Column("trial_customers", sa.BigInteger()))
    op.add_column("tenants", sa.Column("trial_top_up_minor", sa.BigInteger()))


def _state_changes() -> None:
    op.create_table(
        "reseller_state_changes",
        sa.Column("reseller_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["reseller_id"],
            ["tenants.id"],
            name=op.f("fk_reseller_state_changes_reseller_id"),
        ),
        sa.PrimaryKeyConstraint("reseller_id", "id", name=op.f("pk_reseller_state_changes")),
    )


def _applications() -> None:
    op.create_table(
        "reseller_applications",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("request_key", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("company", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("email_domain", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("skeleton", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("accent", sa.Text(), nullable=False),
        sa.Column("terms_version", sa.Text(), nullable=False),
        sa.Column("data_processing_version", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reseller_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["reseller_id"],
            ["tenants.id"],
            name=op.f("fk_reseller_applications_reseller_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reseller_applications")),
        sa.UniqueConstraint("request_key", name=op.f("uq_reseller_applications_request_key")),
        sa.UniqueConstraint("reseller_id", name=op.f("uq_reseller_applications_reseller_id")),
    )
    for columns in (["state", "created_at"], ["email"], ["email_domain", "created_at"], ["skeleton"]):
        name = f"ix_reseller_applications_{'_'.join(columns)}"
        op.create_index(op.f(name), "reseller_applications", columns)
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON reseller_applications TO kontor_platform")


def _questions() -> None:
    op.create_table(
        "reseller_questions",
        sa.Column("reseller_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["reseller_id"], ["tenants.id"], name=op.f("fk_reseller_questions_reseller_id")
        ),
        sa.PrimaryKeyConstraint("reseller_id", "id", name=op.f("pk_reseller_questions")),
    )


def downgrade() -> None:
    op.drop_table("reseller_questions")
    op.drop_table("reseller_applications")
    op.drop_table("reseller_state_changes")
    # Before this there was no trial: what had not been approved has no site.
    op.execute("UPDATE tenants SET state = 'suspended' WHERE state IN ('trial', 'refused')")
    op.drop_column("tenants", "trial_top_up_minor")
    op.drop_column("tenants", "trial_customers")
    op.drop_column("tenants", "trial_ends_at")
    op.drop_index(op.f("ix_tenants_skeleton"), "tenants")
    op.drop_column("tenants", "skeleton")
