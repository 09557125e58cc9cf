"""credits: adjustments, own balance, recurring fees, reversals"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

TENANT = "nullif(current_setting('app.reseller_id', true), '')::uuid"

KINDS = [("adjustment", False), ("reseller_balance", True), ("gift_relief", False)]
_TAXES = ("tax_payable", "tax_prepaid")
_EARNED = ("commission", "revenue")
_PAYEES = (*_TAXES, *_EARNED)
RULES = [
    ("adjustment", "adjustment", "wallet"),
    ("adjustment", "wallet", "adjustment"),
    ("adjustment", "tax_prepaid", "tax_payable"),
    ("adjustment", "tax_payable", "tax_prepaid"),
    # A reseller's own balance: from commission or by top-up; credit for her customers comes out.
    ("funding", "commission", "reseller_balance"),
    ("top_up", "clearing", "reseller_balance"),
    ("credit", "reseller_balance", "wallet"),
    ("credit", "reseller_balance", "bonus"),
    ("credit", "tax_prepaid", "tax_payable"),
    # What is left of a lot goes back to who gave it.
    ("bonus_expiry", "bonus", "reseller_balance"),
    *(("fee", payer, to) for payer in ("wallet", "bonus") for to in _PAYEES),
    ("fee", "bonus", "promotion"),
    # Every pair of usage and fees, mirrored.
    *(("reversal", to, payer) for payer in ("wallet", "bonus", "receivable") for to in _PAYEES),
    ("reversal", "promotion", "bonus"),
    # What of a bonus was a reseller's gift falls back to her, and then into her own balance; what
    # was written off since comes out of it again.
    *((kind, "bonus", "gift_relief") for kind in ("usage", "fee")),
    ("reversal", "gift_relief", "bonus"),
    ("relief", "gift_relief", "reseller_balance"),
    ("relief", "reseller_balance", "gift_relief"),
    # What a top-up paid of a receivable whose usage is then written off is paid credit.
    ("reversal", "receivable", "wallet"),
]

TABLES = {
    "charging_policies": ("SELECT, INSERT, UPDATE", "SELECT"),
    "adjustments": ("SELECT, INSERT", "SELECT"),
    "contracts": ("SELECT, INSERT, UPDATE", "SELECT"),
    "fee_charges": ("SELECT, INSERT, UPDATE", "SELECT"),
    "fee_records": ("SELECT, INSERT", "SELECT"),
    "reversals": ("SELECT, INSERT", "SELECT"),
}


def _required(name: str, kind: sa.types.TypeEngine, **options: object) -> sa.Column:
    return sa.Column(name, kind, nullable=False, **options)


def _time(name: str) -> sa.Column:
    return _required(name, sa.DateTime(timezone=True))


def _table(name: str, *columns: sa.Column | sa.Constraint) -> None:
    op.create_table(name, _required("reseller_id", sa.Uuid()), *columns)
    application, platform = TABLES[name]
    op.execute(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON {name} TO kontor_app USING (reseller_id = {TENANT})")
    op.execute(f"CREATE POLICY platform ON {name} TO kontor_platform USING (true)")
    op.execute(f"GRANT {application} ON {name} TO kontor_app")
    op.execute(f"GRANT {platform} ON {name} TO kontor_platform")


def _of_wallet(name: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["reseller_id", "wallet_id"], ["wallets.reseller_id", "wallets.id"],
        name=op.f(f"fk_{name}_reseller_id_wallet_id"),
    )


def _of_contract(name: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["reseller_id", "contract_id"], ["contracts.reseller_id", "contracts.id"],
        name=op.f(f"fk_{name}_reseller_id_contract_id"),
    )


def _policies() -> None:
    _table(
        "charging_policies",
        _required("currency", sa.Text()),
        _required("grace_minor", sa.BigInteger()),
        sa.CheckConstraint("grace_minor >= 0", name=op.f("ck_charging_policies_grace")),
        sa.PrimaryKeyConstraint("reseller_id", "currency", name=op.f("pk_charging_policies")),
    )


def _adjustments() -> None:
    _table(
        "adjustments",
        _required("id", sa.Uuid()),
        _required("wallet_id", sa.Uuid()),
        _required("amount_minor", sa.BigInteger()),
        _required("source", sa.Text()),
        _required("reason", sa.Text()),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        _required("entry_id", sa.Uuid()),
        sa.Column("lot_id", sa.Uuid(), nullable=True),
        _time("at"),
        sa.CheckConstraint("amount_minor <> 0", name=op.f("ck_adjustments_amount")),
        _of_wallet("adjustments"),
        sa.PrimaryKeyConstraint("reseller_id", "id", name=op.f("pk_adjustments")),
        sa.UniqueConstraint("reseller_id", "entry_id", name=op.f("uq_adjustments_reseller_id_entry_id")),
    )


def _contracts() -> None:
    _table(
        "contracts",
        _required("id", sa.Uuid()),
        _required("key", sa.Text()),
        _required("wallet_id", sa.Uuid()),
        _required("fee", sa.Text()),
        _required("quantity", sa.Integer()),
        _time("starts_at"),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        _required("periods", sa.Integer(), server_default="0"),
        _required("months", sa.Integer(), server_default="0"),
        sa.Column("next_period_at", sa.DateTime(timezone=True), nullable=True),
        _required("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()")),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_contracts_quantity")),
        _of_wallet("contracts"),
        sa.PrimaryKeyConstraint("reseller_id", "id", name=op.f("pk_contracts")),
        sa.UniqueConstraint("reseller_id", "key", name=op.f("uq_contracts_reseller_id_key")),
    )
    op.create_index(
        "ix_contracts_due", "contracts", ["reseller_id", "next_period_at", "id"],
        postgresql_where=sa.text("next_period_at IS NOT NULL"),
    )
    op.create_index("ix_contracts_wallet", "contracts", ["reseller_id", "wallet_id", "id"])


def _fees() -> None:
    _table(
        "fee_charges",
        _required("contract_id", sa.Uuid()),
        _required("n", sa.Integer()),
        _time("starts_at"),
        sa.Column("entry_id", sa.Uuid(), nullable=True),
        sa.Column("refusal", sa.Text(), nullable=True),
        _required("attempts", sa.Integer()),
        _time("tried_at"),
        sa.CheckConstraint("entry_id IS NULL OR refusal IS NULL", name=op.f("ck_fee_charges_outcome")),
        _of_contract("fee_charges"),
        sa.PrimaryKeyConstraint("reseller_id", "contract_id", "n", name=op.f("pk_fee_charges")),
    )
    _table(
        "fee_records",
        _required("entry_id", sa.Uuid()),
        _required("contract_id", sa.Uuid()),
        _required("n", sa.Integer()),
        _required("wallet_id", sa.Uuid()),
        _required("fee_id", sa.Uuid()),
        _required("name", sa.Text()),
        _required("quantity", sa.Integer()),
        _required("gross_minor", sa.BigInteger()),
        _required("net_minor", sa.BigInteger()),
        _required("tax_minor", sa.BigInteger()),
        _required("bonus_minor", sa.BigInteger()),
        _time("starts_at"),
        _time("ends_at"),
        sa.CheckConstraint("gross_minor = net_minor + tax_minor", name=op.f("ck_fee_records_shares")),
        _of_wallet("fee_records"),
        _of_contract("fee_records"),
        sa.PrimaryKeyConstraint("reseller_id", "entry_id", name=op.f("pk_fee_records")),
        sa.UniqueConstraint(
            "reseller_id", "contract_id", "n", name=op.f("uq_fee_records_reseller_id_contract_id_n")
        ),
    )


def _reversals() -> None:
    _table(
        "reversals",
        _required("entry_id", sa.Uuid()),
        _required("reversal_id", sa.Uuid()),
        _required("reason", sa.Text()),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        _time("at"),
        sa.PrimaryKeyConstraint("reseller_id", "entry_id", name=op.f("pk_reversals")),
        sa.UniqueConstraint(
            "reseller_id", "reversal_id", name=op.f("uq_reversals_reseller_id_reversal_id")
        ),
    )


def _creating(**options: object) -> None:
    """One page at a time is being created for a wallet, and one for a reseller's own balance."""
    op.drop_index("uq_top_ups_creating", "top_ups")
    op.create_index(
        "uq_top_ups_creating", "top_ups", ["reseller_id", "wallet_id"], unique=True,
        postgresql_where=sa.text("state = 'creating'"), **options,
    )


def upgrade() -> None:
    for kind, guarded in KINDS:
        op.execute(f"INSERT INTO ledger_account_kinds VALUES ('{kind}', {guarded})")
    for rule in RULES:
        op.execute("INSERT INTO ledger_rules VALUES ('{}', '{}', '{}')".format(*rule))
    for make in (_policies, _adjustments, _contracts, _fees, _reversals):
        make()
    op.alter_column("top_ups", "wallet_id", nullable=True)
    op.add_column("top_ups", sa.Column("purpose", sa.Text(), server_default="wallet", nullable=False))
    op.create_check_constraint(
        op.f("ck_top_ups_purpose"), "top_ups", "(purpose = 'wallet') = (wallet_id IS NOT NULL)"
    )
    _creating(postgresql_nulls_not_distinct=True)


def downgrade() -> None:
    _creating()
    op.drop_constraint(op.f("ck_top_ups_purpose"), "top_ups")
    op.drop_column("top_ups", "purpose")
    op.alter_column("top_ups", "wallet_id", nullable=False)
    for table in reversed(TABLES):
        op.drop_table(table)
    for rule in RULES:
        op.execute(
            "DELETE FROM ledger_rules WHERE (entry_kind, debit_kind, credit_kind)"
            " = ('{}', '{}', '{}')".format(*rule)
        )
    for kind, _ in KINDS:
        op.execute(f"DELETE FROM ledger_account_kinds WHERE kind = '{kind}'")
