"""price plans: increments, minimum, allowance, steps, retail prices, fees, bonus steps

A price without increments bills as before. Retail prices are the reseller's own rows, behind both
walls; all else here is the platform's price list, which reseller sites only read. What a charge
is rated by moves the revision of the terms (migration 0005).
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

TENANT = "nullif(current_setting('app.reseller_id', true), '')::uuid"
SIX_PLACES = sa.Numeric(18, 6)
TIME = sa.DateTime(timezone=True)

REFERENCE = ("price_steps", "fees", "bonus_steps")
WALLED = ("retail_prices", "retail_price_steps")
TERMS = ("price_steps", "retail_prices", "retail_price_steps")
PRICE_CHECKS = {
    "increment": (
        "(first_increment IS NULL) = (next_increment IS NULL)"
        " AND first_increment >= 1 AND next_increment >= 1"
    ),
    "minimum": "minimum >= 0",
    "allowance": "allowance >= 0",
    "floor_price": "floor_price BETWEEN 0 AND unit_price",
}
PRICE_COLUMNS = ("first_increment", "next_increment", "minimum", "allowance", "floor_price")


def upgrade() -> None:
    _meters_and_prices()
    _retail_prices()
    _fees_and_bonuses()
    for table in REFERENCE:
        op.execute(f"GRANT SELECT ON {table} TO kontor_app")
        op.execute(f"GRANT SELECT, INSERT ON {table} TO kontor_platform")
    for table in WALLED:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenant ON {table} TO kontor_app USING (reseller_id = {TENANT})")
        op.execute(f"CREATE POLICY platform ON {table} TO kontor_platform USING (true)")
        op.execute(f"GRANT SELECT, INSERT ON {table} TO kontor_app")
        op.execute(f"GRANT SELECT ON {table} TO kontor_platform")
    for table in TERMS:
        _bump_on("INSERT OR UPDATE OR DELETE", table)
    # A meter's parts may change until a price counts in them. An insert changes no terms: a price
    # comes after it.
    _bump_on("UPDATE", "meters")
    op.execute("GRANT UPDATE (parts) ON meters TO kontor_platform")


def _meters_and_prices() -> None:
    op.add_column(
        "meters", sa.Column("parts", sa.SmallInteger(), server_default="1", nullable=False)
    )
    op.create_check_constraint(op.f("ck_meters_parts"), "meters", "parts BETWEEN 1 AND 999")
    for name in ("first_increment", "next_increment"):
        op.add_column("prices", sa.Column(name, sa.Integer()))
    for name in ("minimum", "allowance", "floor_price"):
        op.add_column("prices", sa.Column(name, SIX_PLACES, server_default="0", nullable=False))
    for name, check in PRICE_CHECKS.items():
        op.create_check_constraint(op.f(f"ck_prices_{name}"), "prices", check)
    op.create_index("ix_prices_meter_valid_from", "prices", ["meter", "valid_from"])
    op.create_table(
        "price_steps",
        sa.Column("price_id", sa.Uuid(), nullable=False),
        sa.Column("above", SIX_PLACES, nullable=False),
        sa.Column("unit_price", SIX_PLACES, nullable=False),
        sa.CheckConstraint("above > 0", name=op.f("ck_price_steps_above")),
        sa.CheckConstraint("unit_price >= 0", name=op.f("ck_price_steps_unit_price")),
        sa.ForeignKeyConstraint(["price_id"], ["prices.id"], name=op.f("fk_price_steps_price_id")),
        sa.PrimaryKeyConstraint("price_id", "above", name=op.f("pk_price_steps")),
    )


def _retail_prices() -> None:
    op.create_table(
        "retail_prices",
        sa.Column("reseller_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("meter", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("valid_from", TIME, nullable=False),
        sa.Column("unit_price", SIX_PLACES),
        sa.CheckConstraint("unit_price >= 0", name=op.f("ck_retail_prices_unit_price")),
        sa.ForeignKeyConstraint(["meter"], ["meters.meter"], name=op.f("fk_retail_prices_meter")),
        sa.PrimaryKeyConstraint("reseller_id", "id", name=op.f("pk_retail_prices")),
        sa.UniqueConstraint(
            "reseller_id", "meter", "currency", "valid_from",
            name=op.f("uq_retail_prices_reseller_id_meter_currency_valid_from"),
        ),
    )  # fmt: skip
    op.create_table(
        "retail_price_steps",
        sa.Column("reseller_id", sa.Uuid(), nullable=False),
        sa.Column("retail_price_id", sa.Uuid(), nullable=False),
        sa.Column("above", SIX_PLACES, nullable=False),
        sa.Column("unit_price", SIX_PLACES, nullable=False),
        sa.CheckConstraint("above > 0", name=op.f("ck_retail_price_steps_above")),
        sa.CheckConstraint("unit_price >= 0", name=op.f("ck_retail_price_steps_unit_price")),
        sa.ForeignKeyConstraint(
            ["reseller_id", "retail_price_id"],
            ["retail_prices.reseller_id", "retail_prices.id"],
            name=op.f("fk_retail_price_steps_reseller_id_retail_price_id"),
        ),
        sa.PrimaryKeyConstraint(
            "reseller_id", "retail_price_id", "above", name=op.f("pk_retail_price_steps")
        ),
    )


def _fees_and_bonuses() -> None:
    op.create_table(
        "fees",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("offer_id", sa.Uuid(), nullable=False),
        sa.Column("fee", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("months", sa.SmallInteger(), nullable=False),
        sa.Column("valid_from", TIME, nullable=False),
        sa.CheckConstraint("amount_minor >= 0", name=op.f("ck_fees_amount")),
        sa.CheckConstraint("months IN (1, 3, 12)", name=op.f("ck_fees_months")),
        sa.ForeignKeyConstraint(["offer_id"], ["offers.id"], name=op.f("fk_fees_offer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fees")),
        sa.UniqueConstraint(
            "offer_id", "fee", "valid_from", name=op.f("uq_fees_offer_id_fee_valid_from")
        ),
    )
    op.create_table(
        "bonus_steps",
        sa.Column("offer_id", sa.Uuid(), nullable=False),
        sa.Column("valid_from", TIME, nullable=False),
        sa.Column("from_minor", sa.BigInteger(), nullable=False),
        sa.Column("bonus_minor", sa.BigInteger(), nullable=False),
        sa.Column("days", sa.Integer()),
        sa.CheckConstraint("from_minor >= 0", name=op.f("ck_bonus_steps_from")),
        sa.CheckConstraint("bonus_minor >= 0", name=op.f("ck_bonus_steps_bonus")),
        sa.CheckConstraint("days >= 1", name=op.f("ck_bonus_steps_days")),
        sa.ForeignKeyConstraint(["offer_id"], ["offers.id"], name=op.f("fk_bonus_steps_offer_id")),
        sa.PrimaryKeyConstraint(
            "offer_id", "valid_from", "from_minor", name=op.f("pk_bonus_steps")
        ),
    )


def _bump_on(changes: str, table: str) -> None:
    op.execute(
        f"CREATE TRIGGER bump_terms_revision AFTER {changes} ON {table}"
        " FOR EACH STATEMENT EXECUTE FUNCTION bump_terms_revision()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER bump_terms_revision ON meters")
    for table in (
        "bonus_steps", "fees", "retail_price_steps", "retail_prices", "price_steps",
    ):  # fmt: skip
        op.drop_table(table)
    op.drop_index("ix_prices_meter_valid_from", "prices")
    for name in PRICE_CHECKS:
        op.drop_constraint(op.f(f"ck_prices_{name}"), "prices")
    for name in reversed(PRICE_COLUMNS):
        op.drop_column("prices", name)
    op.execute("REVOKE UPDATE (parts) ON meters FROM kontor_platform")
    op.drop_column("meters", "parts")
