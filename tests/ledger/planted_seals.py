"""Errors planted in the seals, and in what they cover."""

# ruff: noqa: S608 - the superuser's own statements, from constants

from tests.ledger.planted import Plant

_TAIL = "WHERE book_id = '{book}' AND entry_id = '{entry}'"
_SEALED = "WHERE book_id = '{book}' AND entry_id = '{sealed}'"
_FIRST = "00000000-0000-4000-8000-000000000000"
_LATEST = "ffffffff-ffff-7fff-bfff-ffffffffffff"
_SEALED_ENTRY = "WHERE book_id = '{book}' AND id = '{sealed}'"
_BY_HAND = (
    "INSERT INTO ledger_entries (book_id, id, kind, key, input_hash, effective_at)"
    " VALUES ('{{book}}', '{id}', 'usage', 'by hand', '', now())"
)

# What a seal that was not proved yet covers, edited, taken away, put in.
_EDITS = (
    f"UPDATE ledger_entries SET effective_at = now() {_SEALED_ENTRY}",
    f"DELETE FROM ledger_entries {_SEALED_ENTRY}",
    f"UPDATE ledger_transfers SET amount = amount + 1 {_SEALED} AND n = 1",
    f"DELETE FROM ledger_transfers {_SEALED} AND n = 1",
    "INSERT INTO ledger_transfers VALUES ('{book}', '{sealed}', 99, '{account}', '{revenue}', 1)",
    f"UPDATE ledger_postings SET delta = delta + 1 {_SEALED}",
    f"DELETE FROM ledger_postings {_SEALED}",
    "INSERT INTO ledger_postings VALUES ('{book}', '{sealed}', '{revenue}', 1, 0, 0)",
    "UPDATE ledger_accounts SET kind = 'wallet' WHERE id = '{revenue}'",
    "UPDATE ledger_accounts SET guarded = true WHERE id = '{revenue}'",
    "INSERT INTO ledger_late_entries VALUES ('{book}', '{sealed}', '2020-01-01')",
    "UPDATE ledger_seals SET entry_ids = entry_ids[2:], entries = entries - 1 WHERE n = 2",
)


def _plant(law: str, statement: str, *, names: str, only_whole: bool = False) -> Plant:
    return Plant(law, (statement,), names, only_whole)


IN_THE_SEALS = (
    _plant("entry-waits-or-is-sealed", f"DELETE FROM ledger_tail {_TAIL}", names="entry"),
    _plant(
        "entry-waits-or-is-sealed",
        "INSERT INTO ledger_tail VALUES ('{book}', '{sealed}')",
        names="sealed",
    ),
    _plant(
        "entry-waits-or-is-sealed",
        _BY_HAND.format(id=_LATEST),
        names=_LATEST,
    ),
    _plant(
        "entry-waits-or-is-sealed",
        _BY_HAND.format(id=_FIRST),
        names=_FIRST,
        only_whole=True,
    ),
    *(_plant("seal-covers-entries", statement, names="seal") for statement in _EDITS),
    _plant(
        "seal-covers-entries",
        "UPDATE ledger_entries SET effective_at = now() WHERE id = '{rolled_up}'",
        names="proved_seal",
        only_whole=True,
    ),
    _plant(
        "seal-follows-seal",
        "UPDATE ledger_seals SET sealed_at = now() WHERE book_id = '{book}' AND n = 2",
        names="seal",
    ),
    _plant(
        "seal-follows-seal",
        "UPDATE ledger_seals SET previous_hash = seal_hash WHERE book_id = '{book}' AND n = 2",
        names="seal",
    ),
    _plant(
        "seal-follows-seal",
        "DELETE FROM ledger_seals WHERE book_id = '{book}' AND n = 1",
        names="seal",
    ),
    _plant(
        "seal-stays",
        "DELETE FROM ledger_seals WHERE book_id = '{book}'",
        names="proved_seal",
    ),
    _plant(
        "seal-stays",
        "UPDATE ledger_seals SET seal_hash = sha256('') WHERE book_id = '{book}' AND n = 1",
        names="proved_seal",
    ),
)
