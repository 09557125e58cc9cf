"""The same product with one of its locks taken out, in a database of its own.

A race test proves something only if it fails without the lock (guides/ledger.md, form c). Each
function here takes the deployed SQL function and replaces one clause.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import Engine, event

from tests.conftest import Database

_BALANCE = """(SELECT s.posted FROM ledger_balances s
                WHERE s.book_id = p_book AND s.account_id = account)"""


def check_before_locking(database: Database) -> None:
    """Read the balance first, then write what was reckoned from it: the classic lost update."""
    _take_nothing_before(database)
    _replace(database, "b.posted + delta", f"{_BALANCE} + delta")


def look_up_keys_instead_of_binding_them(database: Database) -> None:
    """Ask whether the key is known instead of letting a unique index decide."""
    _take_nothing_before(database)
    # Who pays first waits for the other's key, too.
    _replace(database, "ELSIF is_plain THEN", "ELSIF false THEN")
    _replace(
        database,
        "VALUES (p_book, p_entry, p_kind, p_key, p_hash, p_effective)\n"
        "    ON CONFLICT (book_id, key) DO NOTHING;",
        "SELECT p_book, p_entry, p_kind, p_key, p_hash, p_effective WHERE NOT EXISTS (\n"
        "        SELECT 1 FROM ledger_entries e WHERE e.book_id = p_book AND e.key = p_key);",
    )
    _execute(database, "ALTER TABLE ledger_entries DROP CONSTRAINT uq_ledger_entries_book_id_key")


def look_at_balances_without_locking(database: Database) -> None:
    """Return balances that were asked for under lock without taking it."""
    _replace(database, "FOR NO KEY UPDATE", "", function="ledger_lock")


def take_accounts_slowly(database: Database, *, seconds: float) -> None:
    """Wait before each account, so that two entries meet half-way; the locks stay as they are."""
    _replace(database, "delta := 0;", f"PERFORM pg_sleep({seconds}); delta := 0;")


def take_accounts_as_given(database: Database) -> None:
    """Lock accounts in the order of the transfers instead of that of their ids."""
    _take_nothing_before(database)
    _replace(database, "place > 1 AND account <= p_guarded[place - 1]", "false")
    given = "CASE p_kind WHEN 'gift' THEN (p_debits || p_credits)[place] ELSE p_guarded[place] END"
    _replace(database, "account := p_guarded[place];", f"account := {given};")


def _take_nothing_before(database: Database) -> None:
    """Leave the locks of an entry's accounts to the moment when each is changed."""
    _replace(database, "FOR NO KEY UPDATE", "")


def forget_one_roll_up_at_a_time(database: Database) -> None:
    """Let several processes roll up one book at once."""
    lock = "PERFORM pg_advisory_xact_lock(hashtextextended('ledger_roll_up:' || p_book, 0));"
    _replace(database, lock, "", function="ledger_roll_up")


def seal_slowly(database: Database, *, seconds: float) -> None:
    """Wait between the last seal and the next; the locks stay as they are."""
    then = "number := coalesce(last.n, 0) + 1;"
    _replace(database, then, f"PERFORM pg_sleep({seconds}); {then}", function="ledger_seal")


def forget_payment_claims(database: Database) -> None:
    """Let a payment be claimed any number of times."""
    _execute(database, "ALTER TABLE payment_claims DROP CONSTRAINT pk_payment_claims")


def forget_one_creation_at_a_time(database: Database) -> None:
    """Let a wallet have any number of top-ups that are being created."""
    _execute(database, "DROP INDEX uq_top_ups_creating")


def forget_the_queue_of_subjects(database: Database) -> None:
    """Let several resellers ask for one subject at a time, and take their time."""
    queue = "PERFORM pg_advisory_xact_lock(hashtextextended('subject:' || p_subject, 0));"
    _replace(database, queue, "", function="assign_subject")
    last = "IF answer = 'assigned' THEN"
    _replace(database, last, f"PERFORM pg_sleep(0.1); {last}", function="assign_subject")


def refuse_many_at_once(database: Database, *, state: str) -> None:
    """Let every try to post many entries at once end with an SQLSTATE."""
    first = "\nBEGIN\n"
    raised = f"{first}    RAISE EXCEPTION 'refused' USING ERRCODE = '{state}';\n"
    _replace(database, first, raised, function="ledger_post_many")


@contextmanager
def without_row_locks(engine: Engine) -> Iterator[None]:
    """Strip FOR UPDATE from everything this engine sends."""

    def strip(*call: Any) -> tuple[str, Any]:  # noqa: ANN401 - SQLAlchemy's own signature
        _, _, statement, parameters, _, _ = call
        return statement.replace(" FOR UPDATE", ""), parameters

    event.listen(engine, "before_cursor_execute", strip, retval=True)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", strip)


def _replace(database: Database, clause: str, other: str, *, function: str = "ledger_post") -> None:
    with psycopg.connect(database.owner_url) as owner:
        found = owner.execute("SELECT pg_get_functiondef(%s::regproc)", [function]).fetchone()
        assert found is not None
        assert clause in found[0], clause
        owner.execute(found[0].replace(clause, other))


def _execute(database: Database, statement: str) -> None:
    with psycopg.connect(database.owner_url) as owner:
        owner.execute(statement.encode())
