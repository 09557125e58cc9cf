"""Errors in holds, and in charges that bonus and receivable paid."""

# ruff: noqa: S608 - the superuser's own statements, from constants

from dataclasses import dataclass
from uuid import UUID

from app.tenancy import Tenant
from tests.conftest import Database
from tests.factories.credit import a_bonus_lot, a_grace_limit
from tests.factories.holds import a_hold, capture, let_hold_expire, release, used
from tests.factories.money import a_wallet, an_event, charge
from tests.ledger.planted import Plant


@dataclass(frozen=True)
class Reserved:
    """Rows of a wallet with holds in every state, and a charge that three accounts paid."""

    held_account: UUID
    held_lot: UUID
    held_receivable: UUID
    open_hold: UUID
    captured_hold: UUID
    released_hold: UUID
    shared_charge: UUID


def some_reserved(database: Database, *, reseller: Tenant) -> Reserved:
    wallet = a_wallet(500, reseller=reseller)
    lot = a_bonus_lot(wallet, 300)
    captured = a_hold(wallet, 200).id
    capture(wallet, captured, used("100"))
    released = a_hold(wallet, 20).id
    release(wallet, released)
    let_hold_expire(a_hold(wallet, 30).id, database)
    receivable = a_grace_limit(wallet, 1_000)
    # 200 of the lot are left and 500 were paid in: the rest is owed.
    shared = charge(wallet, an_event(wallet, "777"))
    other = a_wallet(500, reseller=reseller)
    return Reserved(
        held_account=other.account_id,
        held_lot=lot,
        held_receivable=receivable,
        open_hold=a_hold(other, 50).id,
        captured_hold=captured,
        released_hold=released,
        shared_charge=shared.id,
    )


_OPEN = "WHERE id = '{open_hold}'"
_CAPTURED = "WHERE id = '{captured_hold}'"
_RELEASED = "WHERE id = '{released_hold}'"
_SHARED = "AND entry_id = '{shared_charge}'"

IN_THE_HOLDS = (
    Plant(
        "held-is-open-holds",
        ("UPDATE ledger_balances SET held = held - 1 WHERE account_id = '{held_account}'",),
        "held_account",
    ),
    Plant(
        "held-is-open-holds",
        (f"UPDATE ledger_holds SET state = 'released', closed_at = now() {_OPEN}",),
        "held_account",
    ),
    Plant(
        "held-is-open-holds",
        (f"UPDATE ledger_holds SET amounts = '{{{{51}}}}' {_OPEN}",),
        "held_account",
    ),
    Plant(
        "hold-has-parts",
        (f"UPDATE ledger_holds SET amounts = amounts || 7::bigint {_OPEN}",),
        "open_hold",
    ),
    Plant(
        "hold-has-parts",
        (
            (
                "UPDATE ledger_holds SET accounts = accounts || '{held_lot}'::uuid,"
                f" amounts = amounts || -1::bigint {_OPEN}"
            ),
        ),
        "open_hold",
    ),
    Plant(
        "hold-has-parts",
        (f"UPDATE ledger_holds SET account_id = '{{held_lot}}' {_OPEN}",),
        "open_hold",
    ),
    Plant(
        "hold-has-accounts",
        (f"UPDATE ledger_holds SET accounts = ARRAY['{{revenue}}'::uuid] {_OPEN}",),
        "open_hold",
    ),
    Plant(
        "hold-has-accounts",
        (f"UPDATE ledger_holds SET book_id = '{{parent}}' {_OPEN}",),
        "open_hold",
    ),
    Plant(
        "hold-captured-by-entry",
        (f"UPDATE ledger_holds SET entry_id = NULL {_CAPTURED}",),
        "captured_hold",
    ),
    Plant(
        "hold-captured-by-entry",
        (f"UPDATE ledger_holds SET entry_id = '{{entry}}' {_CAPTURED}",),
        "captured_hold",
    ),
    Plant(
        "hold-captured-by-entry",
        (f"UPDATE ledger_holds SET entry_id = '{{entry}}' {_RELEASED}",),
        "released_hold",
    ),
    Plant(
        "hold-captured-by-entry",
        (
            (
                "UPDATE ledger_holds h SET state = 'captured', entry_id = c.entry_id"
                " FROM ledger_holds c WHERE c.id = '{captured_hold}' AND h.id = '{released_hold}'"
            ),
        ),
        "released_hold",
    ),
    Plant(
        "hold-is-closed-once",
        (f"UPDATE ledger_holds SET closed_at = NULL {_RELEASED}",),
        "released_hold",
    ),
    Plant(
        "hold-is-closed-once",
        (f"UPDATE ledger_holds SET closed_at = now() {_OPEN}",),
        "open_hold",
    ),
)

# The laws on usage, of a charge that bonus, paid credit and receivable paid together.
IN_SHARED_CHARGES = tuple(
    Plant(law, (f"UPDATE ledger_transfers SET {change} {_SHARED}",), "shared_charge")
    for law, change in (
        ("usage-gross", "amount = amount + 1 WHERE debit_id = '{held_lot}' AND n = 1"),
        ("usage-gross", "amount = amount - 1 WHERE debit_id = '{held_receivable}'"),
        ("usage-gross", "debit_id = '{account}' WHERE debit_id = '{held_lot}'"),
        ("usage-gross", "debit_id = '{account}' WHERE debit_id = '{held_receivable}'"),
        ("usage-tax", "amount = amount + 1 WHERE n = 1"),
        ("usage-tax", "credit_id = '{revenue}' WHERE n = 1"),
    )
)
