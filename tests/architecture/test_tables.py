"""Every table belongs to a tenant, through and through, or is listed here (decision 0002)."""

from typing import Any

import psycopg
import pytest

from tests.conftest import Database

TENANT_COLUMNS = ("reseller_id", "book_id")

# The platform's own few tables: no row in them belongs to one reseller's customers.
REFERENCE_TABLES = {
    "alembic_version",
    "bonus_steps",
    "commission_months",
    "fees",
    "hosts",
    "ledger_account_kinds",
    "ledger_rules",
    "meters",
    "offers",
    "payment_claims",
    "platform_api_keys",
    "platform_sessions",
    "platform_users",
    "price_steps",
    "prices",
    "processor_events",
    "reseller_applications",
    "subject_owners",
    "tenants",
    "terms_revision",
}

_TABLES = """
SELECT c.relname, c.relrowsecurity,
       coalesce((SELECT array_agg(p.polname::text) FROM pg_policy p
                  WHERE p.polrelid = c.oid AND 'kontor_app'::regrole = ANY (p.polroles)), '{}')
  FROM pg_class c
 WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace
"""
_UNIQUE_INDEXES = """
SELECT t.relname, i.relname, x.indisprimary, a.attname
  FROM pg_index x
  JOIN pg_class i ON i.oid = x.indexrelid
  JOIN pg_class t ON t.oid = x.indrelid AND t.relnamespace = 'public'::regnamespace
  JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = x.indkey[0]
 WHERE x.indisunique
"""
_FOREIGN_KEYS = """
SELECT c.conname, source.relname, target.relname, a.attname, b.attname
  FROM pg_constraint c
  JOIN pg_class source ON source.oid = c.conrelid
  JOIN pg_class target ON target.oid = c.confrelid
  JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
  JOIN pg_attribute b ON b.attrelid = c.confrelid AND b.attnum = c.confkey[1]
 WHERE c.contype = 'f' AND source.relnamespace = 'public'::regnamespace
"""


@pytest.fixture(scope="module")
def catalogue(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    with psycopg.connect(database.owner_url) as owner:
        return {
            "tables": owner.execute(_TABLES).fetchall(),
            "unique": owner.execute(_UNIQUE_INDEXES).fetchall(),
            "foreign": owner.execute(_FOREIGN_KEYS).fetchall(),
        }


def test_every_table_is_walled_or_listed_as_reference(
    catalogue: dict[str, list[tuple[Any, ...]]],
) -> None:
    walled = {name for name, secured, policies in catalogue["tables"] if secured and policies}
    bare = {name for name, secured, _ in catalogue["tables"] if not secured}

    assert bare == REFERENCE_TABLES
    assert walled == {name for name, _, _ in catalogue["tables"]} - REFERENCE_TABLES


def test_the_tenant_comes_first_in_every_primary_key_and_unique_index(
    catalogue: dict[str, list[tuple[Any, ...]]],
) -> None:
    wrong = [
        (table, index)
        for table, index, _, first in catalogue["unique"]
        if table not in REFERENCE_TABLES and first not in TENANT_COLUMNS
    ]
    with_primary_key = {table for table, _, is_primary, _ in catalogue["unique"] if is_primary}

    assert wrong == []
    assert with_primary_key == {name for name, _, _ in catalogue["tables"]}


def test_the_tenant_comes_first_in_every_foreign_key_between_tenant_tables(
    catalogue: dict[str, list[tuple[Any, ...]]],
) -> None:
    wrong = [
        name
        for name, source, target, here, there in catalogue["foreign"]
        if not {source, target} & REFERENCE_TABLES
        and not (here in TENANT_COLUMNS and there in TENANT_COLUMNS)
    ]

    assert wrong == []
