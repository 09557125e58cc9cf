"""PostgreSQL itself keeps the books: our sign-ins write them through the functions alone."""

from collections.abc import Iterator
from uuid import UUID

import psycopg
import pytest

from app.kernel import new_id
from tests.conftest import Database
from tests.factories.books import Book, a_book, posted_on, spend

TABLES = {
    "ledger_accounts": "kind",
    "ledger_balances": "posted",
    "ledger_entries": "key",
    "ledger_transfers": "amount",
    "ledger_postings": "delta",
    "ledger_tail": "entry_id",
    "ledger_rollups": "posted",
    "ledger_period_rollups": "credited",
    "ledger_closed_periods": "closed_at",
    "ledger_late_entries": "period",
    "ledger_seals": "entries",
    "ledger_account_kinds": "guarded",
    "ledger_rules": "credit_kind",
}
ROLES = ("application", "platform")


@pytest.fixture
def book(connected: Database) -> Book:
    made = a_book()
    spend(made, made.wallet(1_000), 100)
    return made


@pytest.fixture(params=ROLES)
def role(
    request: pytest.FixtureRequest, connected: Database, book: Book
) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """A bare connection of one of our sign-ins, inside the tenant."""
    url = {"application": connected.application_url, "platform": connected.platform_url}
    with psycopg.connect(url[request.param], autocommit=True) as connection:
        connection.execute("SELECT set_config('app.reseller_id', %s, false)", [str(book.id)])
        yield connection


@pytest.fixture
def application(
    connected: Database, book: Book
) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    with psycopg.connect(connected.application_url, autocommit=True) as connection:
        connection.execute("SELECT set_config('app.reseller_id', %s, false)", [str(book.id)])
        yield connection


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {table} SET {column} = {column}",
        "DELETE FROM {table}",
        "TRUNCATE {table}",
        "INSERT INTO {table} SELECT * FROM {table} LIMIT 1",
    ],
    ids=["update", "delete", "truncate", "insert"],
)
def test_c1_nobody_writes_a_table_of_the_ledger(
    role: psycopg.Connection[tuple[object, ...]], table: str, statement: str
) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        role.execute(statement.format(table=table, column=TABLES[table]).encode())


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE usage_records SET gross_minor = gross_minor",
        "UPDATE usage_records SET event_id = event_id",
        "DELETE FROM usage_records",
        "UPDATE audit_records SET action = action",
        "DELETE FROM audit_records",
        "UPDATE payment_claims SET top_up_id = top_up_id",
        "DELETE FROM payment_claims",
        "DELETE FROM top_ups",
        "DELETE FROM wallets",
        "UPDATE prices SET unit_price = 0",
        "UPDATE commission_terms SET rate = 0",
        "UPDATE commission_agreements SET rate = 0",
        "UPDATE commission_steps SET rate = 0",
        "UPDATE commission_statements SET final_minor = final_minor",
        "DELETE FROM commission_statements",
        "UPDATE commission_bonuses SET amount_minor = 1",
        "DELETE FROM commission_bonuses",
        "DELETE FROM commission_months",
    ],
)
def test_what_the_books_rest_on_is_not_changed_either(
    role: psycopg.Connection[tuple[object, ...]], statement: str
) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        role.execute(statement.encode())


@pytest.mark.parametrize("statement", ["SET ROLE kontor_ledger", "SET ROLE postgres"])
def test_nobody_becomes_the_ledgers_own_role(
    role: psycopg.Connection[tuple[object, ...]], statement: str
) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        role.execute(statement.encode())


def test_nobody_makes_a_table_or_replaces_a_function(
    role: psycopg.Connection[tuple[object, ...]],
) -> None:
    function = (
        "CREATE OR REPLACE FUNCTION ledger_roll_up(p_book uuid, p_limit bigint) RETURNS bigint"
        " LANGUAGE sql AS 'SELECT 1::bigint'"
    )

    for statement in (
        function,
        "CREATE TABLE mine (id int)",
        "ALTER TABLE ledger_entries DISABLE ROW LEVEL SECURITY",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            role.execute(statement.encode())


_POST = """
SELECT * FROM ledger_post(%(book)s, %(entry)s, %(kind)s, %(key)s, 'x', now(),
                          %(debits)s::uuid[], %(credits)s::uuid[], %(amounts)s::bigint[], %(watch)s,
                          ARRAY[%(watch)s::uuid], NULL)
"""


def post(
    connection: psycopg.Connection[tuple[object, ...]],
    book: Book,
    debits: list[UUID],
    credits_: list[UUID],
    amounts: list[int],
    *,
    watch: UUID,
    kind: str = "usage",
) -> None:
    connection.execute(
        _POST,
        {
            "book": book.id,
            "entry": new_id(),
            "kind": kind,
            "key": str(new_id()),
            "debits": debits,
            "credits": credits_,
            "amounts": amounts,
            "watch": watch,
        },
    )


def test_a_tenant_posts_into_its_own_book(
    application: psycopg.Connection[tuple[object, ...]], book: Book
) -> None:
    wallet = book.wallet(1_000)

    post(application, book, [wallet], [book.shared("revenue")], [100], watch=wallet)

    assert posted_on(book, wallet) == 900


def test_a5_nobody_posts_into_the_book_of_another_tenant(
    role: psycopg.Connection[tuple[object, ...]],
) -> None:
    victim = a_book()
    wallet = victim.wallet(1_000)

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        post(role, victim, [wallet], [victim.shared("revenue")], [100], watch=wallet)

    assert posted_on(victim, wallet) == 1_000


def test_a5_nobody_opens_an_account_in_the_book_of_another_tenant(
    role: psycopg.Connection[tuple[object, ...]],
) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        role.execute(
            "SELECT ledger_open_account(%s, %s, 'wallet', %s, 'EUR', 1000)",
            [a_book().id, new_id(), new_id()],
        )


def test_a5_balances_of_another_owner_are_refused(
    application: psycopg.Connection[tuple[object, ...]], book: Book
) -> None:
    own = application.execute("SELECT * FROM ledger_owned_balances(%s)", [book.id])

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        application.execute("SELECT * FROM ledger_owned_balances(%s)", [a_book().id])

    assert own.fetchall() == []


def test_a5_without_a_tenant_there_are_no_balances(
    application: psycopg.Connection[tuple[object, ...]], book: Book
) -> None:
    application.execute("SELECT set_config('app.reseller_id', '', false)")

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        application.execute("SELECT * FROM ledger_owned_balances(%s)", [book.id])


def test_a_repeated_key_of_another_tenant_answers_nothing(
    application: psycopg.Connection[tuple[object, ...]],
) -> None:
    victim = a_book()
    wallet = victim.wallet(1_000)
    known = spend(victim, wallet, 100, key="theirs")

    with pytest.raises(psycopg.Error):
        application.execute(
            "SELECT * FROM ledger_post("
            "%s, %s, 'usage', 'theirs', 'x', now(), '{}', '{}', '{}', %s, ARRAY[%s::uuid], NULL)",
            [victim.id, new_id(), wallet, wallet],
        )

    assert known.replayed is False
    assert posted_on(victim, wallet) == 900


@pytest.mark.parametrize(
    ("debits", "credits_", "amounts"),
    [
        (["wallet"], [], [100]),
        ([], ["revenue"], [100]),
        (["wallet", "wallet"], ["revenue"], [100]),
        (["wallet"], ["revenue", "tax_payable"], [100]),
        (["wallet"], ["revenue"], []),
        (["wallet"], ["revenue"], [100, 100]),
        (["wallet", "wallet"], ["revenue", "revenue"], [100]),
        (["wallet"], ["dollars"], [100]),
        (["wallet"], ["clearing"], [100]),
        (["wallet"], ["wallet"], [100]),
    ],
)
def test_c1_an_unbalanced_a_two_currency_or_a_forbidden_entry_cannot_be_stored(
    connected: Database, debits: list[str], credits_: list[str], amounts: list[int]
) -> None:
    book = a_book("EUR", "USD")
    wallet = book.wallet(1_000)
    named = {"wallet": wallet, "dollars": book.shared("revenue", "USD")}

    def find(names: list[str]) -> list[UUID]:
        return [named.get(name) or book.shared(name) for name in names]

    with psycopg.connect(connected.application_url, autocommit=True) as connection:
        connection.execute("SELECT set_config('app.reseller_id', %s, false)", [str(book.id)])
        with pytest.raises(psycopg.DatabaseError):
            post(connection, book, find(debits), find(credits_), amounts, watch=wallet)
        left = connection.execute("SELECT count(*) FROM ledger_entries").fetchone()

    assert posted_on(book, wallet) == 1_000
    assert left == (1,)


def test_a_temporary_table_of_rules_does_not_hide_the_true_one(
    application: psycopg.Connection[tuple[object, ...]], book: Book
) -> None:
    wallet, other = book.wallet(1_000), book.wallet(1_000)
    application.execute("CREATE TEMPORARY TABLE ledger_rules (LIKE public.ledger_rules)")
    application.execute("INSERT INTO ledger_rules VALUES ('usage', 'wallet', 'wallet')")
    application.execute("GRANT SELECT ON ledger_rules TO kontor_ledger")

    with pytest.raises(psycopg.DatabaseError, match="rules do not allow"):
        application.execute(
            "SELECT ledger_post(%s, %s, 'usage', 'k', '', now(), %s, %s, '{100}', %s, %s, NULL)",
            [book.id, new_id(), [wallet], [other], wallet, sorted([wallet, other])],
        )


def test_no_function_that_runs_as_somebody_else_looks_into_temporary_tables_first(
    connected: Database,
) -> None:
    query = "SELECT proname, proconfig FROM pg_proc WHERE prosecdef ORDER BY proname"
    with psycopg.connect(connected.owner_url) as owner:
        found = owner.execute(query).fetchall()

    assert {name for name, _settings in found} >= {"ledger_post", "bump_terms_revision"}
    path = "search_path=pg_catalog, public, pg_temp"
    assert [name for name, settings in found if path not in (settings or [])] == []
