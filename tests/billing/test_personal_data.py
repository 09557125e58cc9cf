"""Ledger, outbox, audit trail and jobs hold ids: nothing that a person is known by (M3)."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from app.billing import freeze_wallet, open_wallet
from app.embedded import PostgresServer
from app.identity import assign_subject
from app.kernel import now, transaction
from app.ledger import roll_up
from app.tenancy import PlatformScope
from tests.conftest import Database
from tests.factories import a_customer, a_customer_user, scope_of
from tests.factories.databases import a_database_of_its_own, connected_to
from tests.factories.money import a_priced_reseller, a_settled_top_up, an_event, charge

NUMBER = "+4915157290384"
PERSONAL = ("Zacharias", "Wunderlich", "wunderlich@", "5157290384", "K-77231")
ID_TABLES = (
    "ledger_accounts",
    "ledger_balances",
    "ledger_entries",
    "ledger_transfers",
    "ledger_postings",
    "ledger_tail",
    "ledger_rollups",
    "outbox",
    "audit_records",
    "payment_claims",
    "top_ups",
    "wallets",
    "procrastinate.procrastinate_jobs",
)
PERSONAL_TABLES = ("customers", "customer_users", "usage_records", "subjects", "subject_owners")


@pytest.fixture
def own(cluster: PostgresServer, connected: Database) -> Iterator[Database]:
    with a_database_of_its_own(cluster) as database, connected_to(database):
        yield database


def live_through_it_all() -> None:
    """A customer with a name signs up, pays in, calls somebody and is frozen."""
    reseller, platform = a_priced_reseller(), PlatformScope()
    customer = a_customer(reseller, number="K-77231", name="Praxis Zacharias Wunderlich")
    a_customer_user(customer, email="z.wunderlich@example.com", name="Zacharias Wunderlich")
    scope = scope_of(reseller)
    with transaction(scope) as session:
        wallet = open_wallet(session, scope, customer_id=customer.id, currency="EUR")
        for whose in (customer.id, None):
            at = now()
            assign_subject(
                session, scope, subject=f"line:{NUMBER}", customer_id=whose, valid_from=at, now=at
            )
    a_settled_top_up(wallet, 5_000)
    for call in ("first", "second"):
        event_id = f"{call}-call-to-{NUMBER.removeprefix('+')}"
        charge(wallet, an_event(wallet, "100", event_id=event_id, counterparty=NUMBER))
    with transaction(scope) as session:
        roll_up(session, reseller.id, limit=2)
    with transaction(platform) as session:
        freeze_wallet(
            session,
            platform,
            reseller_id=reseller.id,
            account_id=wallet.account_id,
            reason="floor",
        )


def tables_with(own: Database, words: tuple[str, ...]) -> set[str]:
    with psycopg.connect(own.owner_url) as owner:
        return {table for table in (*ID_TABLES, *PERSONAL_TABLES) if _mentions(owner, table, words)}


def _mentions(
    owner: psycopg.Connection[tuple[object, ...]], table: str, words: tuple[str, ...]
) -> bool:
    query = sql.SQL("SELECT count(*) FROM {} t WHERE t::text ILIKE ANY (%s)").format(
        sql.Identifier(*table.split("."))
    )
    found = owner.execute(query, [[f"%{word}%" for word in words]]).fetchone()
    return found is not None and found[0] != 0


def test_m3_what_a_person_is_known_by_stands_where_it_may_and_nowhere_else(own: Database) -> None:
    live_through_it_all()

    found = tables_with(own, PERSONAL)

    assert found == set(PERSONAL_TABLES)


def test_the_tables_of_ids_were_not_empty_when_we_looked(own: Database) -> None:
    live_through_it_all()

    with psycopg.connect(own.owner_url) as owner:
        filled = {table for table in ID_TABLES if _mentions(owner, table, ("",))}

    assert filled >= set(ID_TABLES) - {"procrastinate.procrastinate_jobs"}
