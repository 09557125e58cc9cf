"""Entries that leave the tail are sealed, once, in a chain (decision 0014, invariant I14)."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID

import psycopg
import pytest

from app import ledger
from app.cli import schema_changes
from app.embedded import PostgresServer
from app.kernel import new_id, transaction
from app.ledger import Posted, TransferDraft
from app.ledger.models import Seal
from app.tenancy import PlatformScope
from tests.conftest import Database
from tests.factories.books import (
    Book,
    a_book,
    a_draft,
    euros,
    roll_up,
    spend,
    write,
)
from tests.factories.broken_locks import forget_one_roll_up_at_a_time, seal_slowly
from tests.factories.databases import a_database_of_its_own, connected_to
from tests.factories.months import this_month
from tests.factories.races import all_at_once, answers, refusals

Row = tuple[object, ...]

_COLUMNS = """
SELECT table_name, column_name, data_type FROM information_schema.columns
 WHERE table_name IN ('ledger_entries', 'ledger_transfers', 'ledger_postings', 'ledger_accounts',
                      'ledger_late_entries')
   AND column_name <> 'book_id'
"""
_OTHER_VALUE = {
    "uuid": "gen_random_uuid()",
    "text": "{} || 'x'",
    "bytea": "{} || 'x'",
    "bigint": "{} + 1",
    "smallint": "{} + 1",
    "boolean": "NOT {}",
    "date": "{} + 31",
    "timestamp with time zone": "{} + interval '1 microsecond'",
}


@pytest.fixture
def own(cluster: PostgresServer, connected: Database) -> Iterator[Database]:
    with a_database_of_its_own(cluster) as database, connected_to(database):
        yield database


@pytest.fixture
def superuser(own: Database) -> Iterator[psycopg.Connection[Row]]:
    with psycopg.connect(own.owner_url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        yield connection


def seals_of(book: Book) -> list[Seal]:
    with transaction(PlatformScope()) as session:
        return session.query(Seal).filter_by(book_id=book.id).order_by(Seal.n).all()


def broken_laws() -> list[str]:
    scope = PlatformScope()
    with transaction(scope) as session:
        return [check.name for check in ledger.verify(session, scope) if check.broken]


def a_sealed_book() -> tuple[Book, UUID, Posted]:
    """A book with one seal over a payment and a charge, both late; its wallet and the charge."""
    book = a_book()
    with transaction(book.scope) as session:
        ledger.close_period(session, book.id, this_month())
    wallet = book.wallet(1_000)
    charged = spend(book, wallet, 100)
    roll_up(book.id)
    return book, wallet, charged


def seal_hash_of(seal: Seal) -> bytes:
    """What decision 0014 says, reckoned without the database."""
    return hashlib.sha256(
        seal.previous_hash
        + seal.book_id.bytes
        + seal.n.to_bytes(8, "big")
        + seal.entries.to_bytes(8, "big")
        + seal.content_hash
        + int(seal.sealed_at.timestamp() * 1_000_000).to_bytes(8, "big")
    ).digest()


def test_what_leaves_the_tail_is_sealed_in_a_chain(connected: Database) -> None:
    book = a_book()
    wallet = book.wallet(1_000)
    entries = [spend(book, wallet, 10).entry_id for _ in range(4)]

    for _ in range(3):
        roll_up(book.id, 2)

    seals = seals_of(book)
    assert [(seal.n, seal.entries) for seal in seals] == [(1, 2), (2, 2), (3, 1)]
    assert {entry for seal in seals for entry in seal.entry_ids} >= set(entries)
    assert all(seal.entry_ids == sorted(seal.entry_ids) for seal in seals)
    assert [seal.previous_hash for seal in seals] == [
        bytes(32), *[seal.seal_hash for seal in seals[:-1]]
    ]  # fmt: skip


def test_a_seal_is_reckoned_as_the_decision_says(connected: Database) -> None:
    book, _, _ = a_sealed_book()
    (seal,) = seals_of(book)

    assert seal.seal_hash == seal_hash_of(seal)


def test_a_roll_up_of_nothing_seals_nothing(connected: Database) -> None:
    book, _, _ = a_sealed_book()

    roll_up(book.id)

    assert [seal.n for seal in seals_of(book)] == [1]


def test_every_column_of_entry_transfers_postings_accounts_and_month_is_sealed(
    superuser: psycopg.Connection[Row],
) -> None:
    book, wallet, _ = a_sealed_book()
    (seal,) = seals_of(book)
    columns = superuser.execute(_COLUMNS).fetchall()
    unsealed = []

    for table, column, kind in columns:
        superuser.execute("BEGIN")
        # One row of the block, whichever it is.
        change = _OTHER_VALUE[str(kind)].format(column)
        mine = "id = %(wallet)s" if table == "ledger_accounts" else "book_id = %(book)s"
        superuser.execute(
            f"UPDATE {table} SET {column} = {change} WHERE ctid ="  # noqa: S608
            f" (SELECT max(ctid) FROM {table} WHERE {mine})".encode(),
            {"book": book.id, "wallet": wallet},
        )
        found = superuser.execute(
            "SELECT ledger_content_hash(book_id, entry_ids) FROM ledger_seals WHERE book_id = %s",
            [book.id],
        ).fetchone()
        if found == (seal.content_hash,):
            unsealed.append((table, column))
        superuser.execute("ROLLBACK")

    assert len(columns) > 20
    assert unsealed == []


@pytest.mark.parametrize(
    "setting",
    ["TimeZone = 'America/New_York'", "bytea_output = 'escape'", "DateStyle = 'German'"],
)
def test_the_settings_of_a_session_do_not_change_what_was_sealed(
    superuser: psycopg.Connection[Row], setting: str
) -> None:
    book, _, _ = a_sealed_book()
    (seal,) = seals_of(book)

    superuser.execute(f"SET {setting}".encode())
    found = superuser.execute(
        "SELECT ledger_content_hash(%s, %s)", [book.id, seal.entry_ids]
    ).fetchone()

    assert found == (seal.content_hash,)


@pytest.mark.parametrize("role", ["application_url", "platform_url"])
@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO ledger_seals SELECT * FROM ledger_seals",
        "UPDATE ledger_seals SET entries = 0",
        "DELETE FROM ledger_seals",
        "SELECT ledger_seal(%(book)s, '{}')",
    ],
)
def test_nobody_seals_or_unseals_by_hand(connected: Database, role: str, statement: str) -> None:
    book, _, _ = a_sealed_book()

    with psycopg.connect(getattr(connected, role), autocommit=True) as connection:
        connection.execute("SELECT set_config('app.reseller_id', %s, false)", [str(book.id)])
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement.encode(), {"book": book.id})

    assert [seal.n for seal in seals_of(book)] == [1]


def test_a5_a_tenant_reads_its_own_seals_alone(connected: Database) -> None:
    book, other = a_sealed_book()[0], a_sealed_book()[0]

    with transaction(book.scope) as session:
        seen = {seal.book_id for seal in session.query(Seal)}

    assert seen == {book.id}
    assert seals_of(other) != []


@pytest.mark.parametrize("role", ["application_url"])
@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO ledger_verified VALUES (%(book)s, 9, '', %(book)s, now())",
        "UPDATE ledger_verified_rollups SET posted = 0",
        "DELETE FROM ledger_exported",
    ],
)
def test_a_site_does_not_say_how_far_the_books_were_proved(
    connected: Database, role: str, statement: str
) -> None:
    book = a_book()

    with psycopg.connect(getattr(connected, role), autocommit=True) as connection:
        connection.execute("SELECT set_config('app.reseller_id', %s, false)", [str(book.id)])
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement.encode(), {"book": book.id})


def two_roll_ups_that_meet(own: Database) -> tuple[Book, list[Exception | None]]:
    """One counts an entry and waits; one that takes another block comes meanwhile.

    The second block is the older one: its id was made before, as a slow sender's may be. The blocks
    share no account: one waits for the other at the lock of the roll-up or nowhere.
    """
    book = a_book()
    wallet = book.wallet(1_000)
    roll_up(book.id)
    early = new_id()
    spend(book, wallet, 10)
    seal_slowly(own, seconds=0.5)

    def late_entry() -> None:
        with psycopg.connect(own.owner_url, autocommit=True) as watcher:
            # The first roll-up has taken its block out and has not committed.
            while not watcher.execute(
                "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
            ).fetchone():
                pass
        transfer = TransferDraft(book.shared("clearing"), wallet, euros(5))
        draft = a_draft(book, [transfer], watch=wallet, kind="top_up")
        write(book, replace(draft, entry_id=early))
        roll_up(book.id, 1)

    results = all_at_once([lambda: roll_up(book.id, 1), late_entry])
    return book, results


def test_two_roll_ups_at_once_make_one_chain(own: Database) -> None:
    book, results = two_roll_ups_that_meet(own)

    assert len(answers(results)) == 2
    assert [seal.n for seal in seals_of(book)] == [1, 2, 3]
    assert broken_laws() == []


def test_without_the_lock_two_seals_want_one_number(own: Database) -> None:
    forget_one_roll_up_at_a_time(own)

    _, results = two_roll_ups_that_meet(own)

    assert [error.__name__ for error in refusals(results)] == ["IntegrityError"]


def test_a_roll_up_that_is_killed_leaves_tail_and_seals_as_they_were(own: Database) -> None:
    book = a_book()
    wallet = book.wallet(1_000)
    spend(book, wallet, 10)
    seal_slowly(own, seconds=30)

    def kill() -> None:
        with psycopg.connect(own.owner_url, autocommit=True) as killer:
            while not killer.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE wait_event = 'PgSleep'"
            ).fetchone():
                pass

    results = all_at_once([lambda: roll_up(book.id), kill])
    with psycopg.connect(own.owner_url) as owner:
        tail = owner.execute("SELECT count(*) FROM ledger_tail").fetchone()

    assert len(refusals(results)) == 1
    assert (tail, seals_of(book)) == ((2,), [])
    assert broken_laws() == []


def test_the_migration_seals_what_was_counted_before_it(own: Database) -> None:
    book, wallet, _ = a_sealed_book()
    waiting = spend(book, wallet, 7).entry_id

    schema_changes.downgrade(own.owner_url, "0011")
    schema_changes.upgrade(own.owner_url)

    assert [(seal.n, seal.entries, waiting in seal.entry_ids) for seal in seals_of(book)] == [
        (1, 2, False)
    ]
    assert broken_laws() == []
