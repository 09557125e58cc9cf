"""row-level security and rights: the second wall (requirement A5)

A policy per role, never an OR over roles: PostgreSQL keeps using the index (decision 0002).
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TENANT = "nullif(current_setting('app.reseller_id', true), '')::uuid"

# Table: its tenant column, what the application may do, what the platform's own sign-in may do.
WALLS = {
    "outbox": ("reseller_id", "SELECT, INSERT", "SELECT, INSERT, DELETE"),
    "customers": ("reseller_id", "SELECT, INSERT, UPDATE", "SELECT, INSERT, UPDATE"),
    "customer_users": ("reseller_id", "SELECT, INSERT, UPDATE", "SELECT"),
    "staff_users": ("reseller_id", "SELECT, INSERT, UPDATE", "SELECT"),
    "user_sessions": ("reseller_id", "SELECT, INSERT, UPDATE, DELETE", "SELECT, DELETE"),
    "api_keys": ("reseller_id", "SELECT, INSERT, UPDATE", "SELECT"),
    "brands": ("reseller_id", "SELECT, INSERT, UPDATE", "SELECT, INSERT, UPDATE"),
    "sold_offers": ("reseller_id", "SELECT", "SELECT, INSERT"),
    "commission_agreements": ("reseller_id", "SELECT", "SELECT, INSERT"),
    "commission_terms": ("reseller_id", "SELECT", "SELECT, INSERT"),
    "wallets": ("reseller_id", "SELECT, INSERT, UPDATE", "SELECT, UPDATE"),
    "usage_records": ("reseller_id", "SELECT, INSERT", "SELECT"),
    "top_ups": ("reseller_id", "SELECT, INSERT, UPDATE", "SELECT"),
    "audit_records": ("reseller_id", "SELECT, INSERT", "SELECT, INSERT"),
    "ledger_accounts": ("book_id", "SELECT", "SELECT"),
    "ledger_balances": ("book_id", "SELECT", "SELECT"),
    "ledger_entries": ("book_id", "SELECT", "SELECT"),
    "ledger_transfers": ("book_id", "SELECT", "SELECT"),
    "ledger_postings": ("book_id", "SELECT", "SELECT"),
    "ledger_tail": ("book_id", "SELECT", "SELECT"),
    "ledger_rollups": ("book_id", "SELECT", "SELECT"),
}

# Only a number of a third party may ever be wiped from a usage record (requirement M3).
COLUMN_RIGHTS = ["GRANT UPDATE (counterparty) ON usage_records TO kontor_app"]

# Tables of the platform itself: reseller sites read what they need and no more.
REFERENCE = {
    "tenants": ("SELECT", "SELECT, INSERT, UPDATE"),
    "hosts": ("SELECT", "SELECT, INSERT, UPDATE"),
    "meters": ("SELECT", "SELECT, INSERT"),
    "offers": ("SELECT", "SELECT, INSERT"),
    "prices": ("SELECT", "SELECT, INSERT"),
    "ledger_account_kinds": ("SELECT", "SELECT"),
    "ledger_rules": ("SELECT", "SELECT"),
    "platform_users": ("", "SELECT, INSERT, UPDATE"),
    "platform_sessions": ("", "SELECT, INSERT, UPDATE, DELETE"),
    "processor_events": ("INSERT", "SELECT, UPDATE"),
    "payment_claims": ("INSERT", "SELECT"),
}

LEDGER_RIGHTS = {
    "ledger_accounts": "SELECT, INSERT",
    "ledger_balances": "SELECT, INSERT, UPDATE",
    "ledger_entries": "SELECT, INSERT",
    "ledger_transfers": "SELECT, INSERT",
    "ledger_postings": "SELECT, INSERT",
    "ledger_tail": "SELECT, INSERT, DELETE",
    "ledger_rollups": "SELECT, INSERT, UPDATE",
}


def upgrade() -> None:
    for table, (column, application, platform) in WALLS.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenant ON {table} TO kontor_app USING ({column} = {TENANT})")
        op.execute(f"CREATE POLICY platform ON {table} TO kontor_platform USING (true)")
        op.execute(f"GRANT {application} ON {table} TO kontor_app")
        op.execute(f"GRANT {platform} ON {table} TO kontor_platform")
    for table, (application, platform) in REFERENCE.items():
        if application:
            op.execute(f"GRANT {application} ON {table} TO kontor_app")
        op.execute(f"GRANT {platform} ON {table} TO kontor_platform")
    for right in COLUMN_RIGHTS:
        op.execute(right)
    _ledger()
    # A beneficiary of charges in other books finds its accounts, roll-ups and transfers there.
    op.execute(
        "CREATE POLICY beneficiary ON ledger_accounts FOR SELECT TO kontor_app"
        f" USING (owner_id = {TENANT})"
    )
    mine = f"SELECT 1 FROM ledger_accounts a WHERE a.owner_id = {TENANT}"
    op.execute(
        "CREATE POLICY beneficiary ON ledger_rollups FOR SELECT TO kontor_app USING (EXISTS"
        f" ({mine} AND a.book_id = ledger_rollups.book_id AND a.id = ledger_rollups.account_id))"
    )
    op.execute(
        "CREATE POLICY beneficiary ON ledger_transfers FOR SELECT TO kontor_app USING (EXISTS"
        f" ({mine} AND a.book_id = ledger_transfers.book_id"
        " AND a.id IN (ledger_transfers.debit_id, ledger_transfers.credit_id)))"
    )


def _ledger() -> None:
    """The ledger's own role reads all books and writes into the transaction's book alone."""
    for table, rights in LEDGER_RIGHTS.items():
        op.execute(f"GRANT {rights} ON {table} TO kontor_ledger")
        op.execute(f"CREATE POLICY ledger_reads ON {table} FOR SELECT TO kontor_ledger USING (true)")
        op.execute(
            f"CREATE POLICY ledger_writes ON {table} FOR INSERT TO kontor_ledger"
            f" WITH CHECK (book_id = {TENANT})"
        )
        op.execute(
            f"CREATE POLICY ledger_changes ON {table} FOR UPDATE TO kontor_ledger"
            f" USING (book_id = {TENANT})"
        )
        op.execute(
            f"CREATE POLICY ledger_removes ON {table} FOR DELETE TO kontor_ledger"
            f" USING (book_id = {TENANT})"
        )
    op.execute("GRANT SELECT ON ledger_account_kinds, ledger_rules TO kontor_ledger")


def downgrade() -> None:
    for table in WALLS:
        for policy in (
            "tenant", "platform", "beneficiary",
            "ledger_reads", "ledger_writes", "ledger_changes", "ledger_removes",
        ):  # fmt: skip
            op.execute(f"DROP POLICY IF EXISTS {policy} ON {table}")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    tables = ", ".join([*WALLS, *REFERENCE])
    # Rights on single columns go with the table's.
    op.execute(f"REVOKE ALL ON {tables} FROM kontor_app, kontor_platform, kontor_ledger")
