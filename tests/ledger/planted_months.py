"""Errors in months, statements and bonuses, planted by the superuser."""

# ruff: noqa: S608 - the superuser's own statements, from constants

from tests.ledger.planted import plant

_MINE = "WHERE book_id = '{book}' AND account_id = '{revenue}' AND entry_kind = 'usage'"
_FIRST = "(SELECT min(period) FROM ledger_period_rollups)"
_STATEMENT = "WHERE reseller_id = '{book}'"
_ONE_MORE = "total_minor = total_minor + 1, final_minor = final_minor + 1"

IN_MONTHS = (
    plant(
        "period-rollup-is-transfers",
        f"UPDATE ledger_period_rollups SET credited = credited + 1 {_MINE} AND period = {_FIRST}",
        names="revenue",
    ),
    plant(
        # The account's sum stays right: a cent went from one month to the next.
        "period-rollup-is-transfers",
        "UPDATE ledger_period_rollups SET credited = credited +"
        f" CASE period WHEN {_FIRST} THEN 1 ELSE -1 END {_MINE}",
        names="revenue",
    ),
    plant(
        "period-rollup-is-transfers",
        "DELETE FROM ledger_late_entries WHERE entry_id = '{late}'",
        names="revenue",
    ),
    plant(
        "period-is-closed",
        "DELETE FROM ledger_closed_periods WHERE book_id = '{book}'",
        names="late",
    ),
    plant(
        "statement-is-posted",
        f"UPDATE commission_statements SET entry_id = NULL {_STATEMENT}",
        names="book",
    ),
    plant(
        "statement-is-posted",
        f"UPDATE commission_statements SET {_ONE_MORE} {_STATEMENT}",
        names="book",
    ),
    plant(
        "statement-is-posted",
        f"DELETE FROM commission_statements {_STATEMENT}",
        names="book",
    ),
    plant(
        "statement-is-the-month",
        f"UPDATE commission_statements SET provisional_minor = 0 {_STATEMENT}",
        names="book",
    ),
    plant(
        "statement-is-the-month",
        f"UPDATE commission_statements SET own_volume_minor = 0 {_STATEMENT}",
        names="book",
    ),
    plant(
        "statement-is-its-lines",
        f"UPDATE commission_statements SET volume_minor = volume_minor + 1 {_STATEMENT}",
        names="book",
    ),
    plant(
        "statement-is-its-lines",
        f"UPDATE commission_statements SET {_ONE_MORE} {_STATEMENT}",
        names="book",
    ),
    plant(
        # A month that never was came to nothing.
        "statement-takes-back",
        "UPDATE commission_statements SET lines = lines || jsonb_build_object('taken_back',"
        " jsonb_build_array(jsonb_build_object('month', '2000-01-01', 'volume', 0, 'before', 1,"
        f" 'after', 1))) {_STATEMENT}",
        names="book",
    ),
    plant(
        "statement-passes-on",
        f"UPDATE commission_statements SET {_ONE_MORE} {_STATEMENT}",
        names="parent",
    ),
    plant(
        "bonus-is-posted",
        "UPDATE commission_bonuses SET amount_minor = 1 WHERE entry_id = '{bonus}'",
        names="bonus",
    ),
    plant(
        "bonus-is-posted",
        "DELETE FROM commission_bonuses WHERE entry_id = '{bonus}'",
        names="bonus",
    ),
)
