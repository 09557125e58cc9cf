"""Heads outside the database: what its owner changes there shows here (invariant I14)."""

# ruff: noqa: S608 - the superuser's own statements, from constants

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import ledger
from app.embedded import PostgresServer
from app.kernel import new_id, now, transaction
from app.ledger import Check, HeadsKeptError, HeadsLostError, PartialViewError
from app.ledger.heads import Head, UnreadableLineError, read_line, root_of, write_line
from app.ledger.models import ExportedHead
from app.tenancy import PlatformScope
from tests.conftest import Database
from tests.factories.books import Book, a_book, export, roll_up, spend
from tests.factories.databases import a_database_of_its_own, connected_to
from tests.fakes import FakeHeads

SCOPE = PlatformScope()
EXPORT_LAWS = {"head-is-signed", "head-follows-head", "head-is-sealed", "head-stays"}

# What an owner of the database can do once rows are edited: seal every block anew.
RECHAIN = """
DO $$
DECLARE
    seals ledger_seals[] := ARRAY(SELECT s FROM ledger_seals s ORDER BY s.book_id, s.n);
    each ledger_seals;
BEGIN
    DELETE FROM ledger_seals;
    DELETE FROM ledger_verified;
    DELETE FROM ledger_verified_rollups;
    FOREACH each IN ARRAY seals LOOP
        PERFORM ledger_seal(each.book_id, each.entry_ids);
    END LOOP;
END $$
"""


@dataclass
class Exported:
    """A book with three seals, exported one by one, and one that was never exported."""

    book: Book
    log: FakeHeads
    superuser: psycopg.Connection[tuple[object, ...]]


@pytest.fixture
def exported(cluster: PostgresServer, connected: Database) -> Iterator[Exported]:
    with a_database_of_its_own(cluster) as database, connected_to(database):
        book, log = a_book(), FakeHeads()
        wallet = book.wallet(1_000)
        for _ in range(3):
            spend(book, wallet, 10)
            roll_up(book.id)
            export(log)
        spend(book, wallet, 10)
        roll_up(book.id)
        with psycopg.connect(database.owner_url, autocommit=True) as superuser:
            yield Exported(book, log, superuser)


def broken(log: FakeHeads, *, since: datetime | None = None) -> dict[str, list[str]]:
    checks = ledger.examine_export(log, SCOPE, since=since)
    return {check.name: check.broken for check in checks if check.broken}


def broken_in_the_database() -> list[str]:
    with transaction(SCOPE) as session:
        return [check.name for check in ledger.verify(session, SCOPE) if check.broken]


def test_what_was_exported_is_whole(exported: Exported) -> None:
    checks = ledger.examine_export(exported.log, SCOPE)

    assert {check.name: check.examined for check in checks} == {
        "head-is-signed": 3,
        "head-follows-head": 3,
        "head-is-sealed": 3,
        "head-stays": 1,
    }
    assert [check.broken for check in checks] == [[], [], [], []]


def test_only_books_with_new_seals_are_on_a_line(exported: Exported) -> None:
    other = a_book()
    other.wallet(500)
    roll_up(other.id)

    assert export(exported.log) == 4
    assert export(exported.log) is None

    heads = [
        {str(head.book_id): head.n for head in read_line(line).heads}
        for line in exported.log.written
    ]
    mine, theirs = str(exported.book.id), str(other.id)
    assert heads == [{mine: 1}, {mine: 2}, {mine: 3}, {mine: 4, theirs: 1}]
    assert broken(exported.log) == {}


# The charge of the second seal: entered a day earlier, or nine cents cheaper in all places.
_CHARGE = "(SELECT entry_ids[1] FROM ledger_seals WHERE n = 2)"
_EARLIER = f"UPDATE ledger_entries SET effective_at = '2020-01-01' WHERE id = {_CHARGE}"
_CHEAPER = f"""
UPDATE ledger_transfers SET amount = 1 WHERE entry_id = {_CHARGE};
UPDATE ledger_postings SET delta = -1 WHERE entry_id = {_CHARGE};
UPDATE ledger_postings SET balance_after = balance_after + 9 WHERE version >= 3;
UPDATE ledger_balances SET posted = posted + 9;
UPDATE ledger_rollups SET posted = posted - 9 WHERE account_id = (
    SELECT credit_id FROM ledger_transfers WHERE entry_id = {_CHARGE});
UPDATE ledger_period_rollups SET credited = credited - 9 WHERE entry_kind = 'usage';
"""


@pytest.mark.parametrize("edit", [_EARLIER, _CHEAPER], ids=["earlier", "cheaper"])
def test_books_that_were_edited_and_sealed_anew_are_whole_but_for_the_exported_heads(
    exported: Exported, edit: str
) -> None:
    exported.superuser.execute(edit.encode())
    found_before = broken_in_the_database()

    exported.superuser.execute(RECHAIN.encode())

    found = broken(exported.log)
    assert found_before == ["seal-covers-entries"]
    assert broken_in_the_database() == []
    assert set(found) == {"head-is-sealed"}
    assert f"line 3: seal 3 of book {exported.book.id}" in found["head-is-sealed"]


def test_books_sealed_anew_are_found_by_a_proof_of_what_is_new(exported: Exported) -> None:
    exported.superuser.execute(RECHAIN.encode())

    found = broken(exported.log, since=now() - timedelta(hours=1))

    assert len(found["head-is-sealed"]) == 3


def test_a_chain_cut_short_does_not_reach_its_exported_head(exported: Exported) -> None:
    exported.superuser.execute(
        "WITH gone AS (DELETE FROM ledger_seals WHERE n >= 3 RETURNING book_id, entry_ids)"
        " INSERT INTO ledger_tail SELECT book_id, unnest(entry_ids) FROM gone"
    )

    found = broken(exported.log)

    assert found == {"head-is-sealed": [f"line 3: seal 3 of book {exported.book.id}"]}


def test_a_book_that_vanished_does_not_fit_its_exported_heads(exported: Exported) -> None:
    exported.superuser.execute(
        "TRUNCATE ledger_entries, ledger_transfers, ledger_postings, ledger_balances,"
        " ledger_rollups, ledger_seals"
    )

    found = broken(exported.log)

    assert len(found["head-is-sealed"]) == 3


def test_an_export_does_not_cover_up_a_chain_cut_short(exported: Exported) -> None:
    exported.superuser.execute("DELETE FROM ledger_seals WHERE n >= 2")

    line = export(exported.log)

    assert line is None
    assert len(broken(exported.log)["head-is-sealed"]) == 2


def test_a_removed_line_shows(exported: Exported) -> None:
    del exported.log.written[1]

    assert broken(exported.log) == {
        "head-follows-head": ["line 3: does not follow the one before"],
    }


def test_the_first_line_removed_shows(exported: Exported) -> None:
    del exported.log.written[0]

    assert broken(exported.log) == {
        "head-follows-head": ["line 2: does not follow the one before"],
    }


def test_swapped_lines_show(exported: Exported) -> None:
    written = exported.log.written
    written[0], written[1] = written[1], written[0]

    assert len(broken(exported.log)["head-follows-head"]) == 3


@pytest.mark.parametrize("left", [0, 1, 2])
def test_lines_removed_from_the_end_show_by_what_the_database_remembers(
    exported: Exported, left: int
) -> None:
    del exported.log.written[left:]

    found = broken(exported.log)
    found_new = broken(exported.log, since=now() - timedelta(hours=1))

    assert found == {"head-stays": [f"line 3: seal 3 of book {exported.book.id}"]}
    assert found_new == found


def test_an_edited_line_shows_by_its_signature_and_by_the_next_line(exported: Exported) -> None:
    facts = json.loads(exported.log.written[1])
    facts["time"] = "2020-01-01T00:00:00+00:00"
    exported.log.written[1] = json.dumps(facts, sort_keys=True, separators=(",", ":"))

    assert broken(exported.log) == {
        "head-is-signed": ["line 2"],
        "head-follows-head": ["line 3: does not follow the one before"],
    }


def test_a_line_that_is_none_shows(exported: Exported) -> None:
    exported.log.written[1] = exported.log.written[1].replace(":", ": ", 1)

    assert broken(exported.log) == {
        "head-follows-head": ["line 2: cannot be read", "line 3: does not follow the one before"],
    }


def test_lines_signed_with_another_key_show(exported: Exported) -> None:
    exported.log.key = b"another key"

    assert broken(exported.log) == {"head-is-signed": ["line 1", "line 2", "line 3"]}


def test_a_root_that_does_not_fit_the_heads_shows(exported: Exported) -> None:
    last = read_line(exported.log.written[2])
    exported.log.written[2] = write_line(
        number=3, at=last.at, heads=last.heads, root="0" * 64, previous=last.previous,
        sign=exported.log.sign,
    )  # fmt: skip

    assert broken(exported.log) == {"head-follows-head": ["line 3: has another root"]}


def test_a_proof_of_what_is_new_reads_the_lines_since_then_and_one_before(
    exported: Exported,
) -> None:
    since = read_line(exported.log.written[2]).at

    checks = ledger.examine_export(exported.log, SCOPE, since=since)

    assert {check.name: check.examined for check in checks}["head-is-signed"] == 2
    assert [check.broken for check in checks] == [[], [], [], []]


def test_an_export_does_not_go_on_after_lines_were_lost(exported: Exported) -> None:
    del exported.log.written[2:]
    before = list(exported.log.written)

    with pytest.raises(HeadsLostError):
        export(exported.log)

    assert exported.log.written == before


def test_an_export_does_not_go_on_after_a_line_that_is_none(exported: Exported) -> None:
    exported.log.written[2] = "{}"

    with pytest.raises(HeadsLostError):
        export(exported.log)

    assert exported.log.written[3:] == []


def test_starting_over_exports_every_head_to_an_empty_log(exported: Exported) -> None:
    fresh = FakeHeads()

    line = ledger.export_heads(fresh, SCOPE, now=now(), start_over=True)

    assert line == 1
    assert [head.n for head in read_line(fresh.written[0]).heads] == [4]
    assert broken(fresh) == {}


def test_starting_over_spares_heads_that_are_still_there(exported: Exported) -> None:
    with pytest.raises(HeadsKeptError):
        ledger.export_heads(exported.log, SCOPE, now=now(), start_over=True)

    assert len(exported.log.written) == 3
    assert broken(exported.log) == {}


def test_a_crash_between_line_and_database_exports_the_same_heads_again(
    exported: Exported,
) -> None:
    export(exported.log)
    exported.superuser.execute(
        "UPDATE ledger_exported SET n = 3, line = 3, seal_hash ="
        " (SELECT seal_hash FROM ledger_seals WHERE n = 3)"
    )

    line = export(exported.log)

    assert line == 5
    assert broken(exported.log) == {}
    with transaction(SCOPE) as session:
        assert [(each.n, each.line) for each in session.query(ExportedHead)] == [(4, 5)]


def test_without_any_export_nothing_is_broken(connected: Database) -> None:
    checks: list[Check] = ledger.examine_export(FakeHeads(), SCOPE)

    assert {check.name for check in checks} == EXPORT_LAWS


def test_a_tenant_cannot_examine_the_export(connected: Database) -> None:
    with pytest.raises(PartialViewError):
        ledger.examine_export(FakeHeads(), a_book().scope)


HEADS = st.lists(
    st.builds(
        Head,
        st.uuids(),
        st.integers(min_value=1, max_value=2**62),
        st.binary(min_size=32, max_size=32),
    ),
    unique_by=lambda head: head.book_id,
    max_size=5,
)


@given(heads=HEADS, number=st.integers(min_value=1), at=st.datetimes(timezones=st.just(UTC)))
def test_a_line_is_read_as_it_was_written(heads: list[Head], number: int, at: datetime) -> None:
    log = FakeHeads()
    root = root_of({head.book_id: head for head in heads})
    text = write_line(number=number, at=at, heads=heads, root=root, previous="p", sign=log.sign)

    line = read_line(text)

    assert (line.number, line.at, line.root) == (number, at, root)
    assert sorted(line.heads, key=lambda head: head.book_id) == sorted(
        heads, key=lambda head: head.book_id
    )
    assert log.has_signed(line.message, line.signature)
    assert "\n" not in text


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"signature":"zz"}', "x" * 50])
def test_other_text_is_no_line(text: str) -> None:
    with pytest.raises(UnreadableLineError):
        read_line(text)


@given(heads=HEADS.filter(len), n=st.integers(min_value=1, max_value=2**62))
def test_the_root_depends_on_every_head(heads: list[Head], n: int) -> None:
    known = {head.book_id: head for head in heads}
    first = heads[0]
    other = Head(first.book_id, first.n + 1, first.seal_hash)
    new = new_id()

    assert root_of({**known, first.book_id: other}) != root_of(known)
    assert root_of({**known, new: Head(new, n, bytes(32))}) != root_of(known)
