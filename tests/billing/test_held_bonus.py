"""Holds on bonus: what was kept back in time pays, whatever becomes of the lot (C5, C9)."""

from uuid import UUID

import pytest

from app import billing, ledger
from app.billing import InsufficientFundsError, Wallet, wallet_balance
from app.kernel import now, transaction
from tests.conftest import Database
from tests.factories.credit import a_bonus_lot, let_lot_expire
from tests.factories.credits import broken_laws, lots_of
from tests.factories.holds import a_hold, capture, used
from tests.factories.money import a_wallet, charge, scope_of_wallet

pytestmark = pytest.mark.usefixtures("connected")


def balance(wallet: Wallet) -> tuple[int, int, int]:
    """What is posted, held and available now."""
    scope = scope_of_wallet(wallet)
    with transaction(scope) as session:
        found = wallet_balance(session, scope, wallet=wallet)
    return found.posted.minor, found.held.minor, found.available.minor


def left_of(wallet: Wallet, lot: UUID) -> tuple[int, int]:
    """What is posted and held of a lot."""
    with transaction(scope_of_wallet(wallet)) as session:
        found = ledger.get_balance(session, wallet.reseller_id, lot)
    return found.posted.minor, found.held.minor


def test_a_bonus_that_a_hold_keeps_back_pays_its_capture_though_it_expired_meanwhile(
    connected: Database,
) -> None:
    wallet = a_wallet(1_000)
    lot = a_bonus_lot(wallet, 300)
    hold = a_hold(wallet, 200)
    let_lot_expire(lot, connected)

    paid = capture(wallet, hold.id, used("250"))

    assert (paid.facts.bonus, paid.facts.uncollected) == (200, 0)
    assert balance(wallet) == (950, 0, 950)
    assert left_of(wallet, lot) == (100, 0)


def test_an_expired_bonus_that_another_hold_keeps_back_pays_nothing_else(
    connected: Database,
) -> None:
    wallet = a_wallet(1_000)
    lot = a_bonus_lot(wallet, 300)
    one, other = a_hold(wallet, 100), a_hold(wallet, 150)
    let_lot_expire(lot, connected)

    first = charge(wallet, "10")
    second = capture(wallet, one.id, used("400"))

    assert (first.facts.bonus, second.facts.bonus) == (0, 100)
    assert left_of(wallet, lot) == (200, 150)
    assert capture(wallet, other.id, used("150")).facts.bonus == 150
    assert left_of(wallet, lot) == (50, 0)
    assert balance(wallet) == (690, 0, 690)


def test_an_expired_bonus_cannot_be_held(connected: Database) -> None:
    wallet = a_wallet(500)
    lot = a_bonus_lot(wallet, 300)
    let_lot_expire(lot, connected)

    with pytest.raises(InsufficientFundsError) as refused:
        a_hold(wallet, 501)

    assert refused.value.facts["available"] == 500
    assert left_of(wallet, lot) == (300, 0)


def test_what_a_capture_leaves_of_an_expired_bonus_expires_after_it(connected: Database) -> None:
    wallet = a_wallet(1_000)
    lot = a_bonus_lot(wallet, 300)
    hold = a_hold(wallet, 300)
    let_lot_expire(lot, connected)
    scope = scope_of_wallet(wallet)
    waiting = billing.expire_bonuses(scope, now=now())

    capture(wallet, hold.id, used("120"))
    expired = billing.expire_bonuses(scope, now=now())

    assert (waiting, expired) == (0, 1)
    assert left_of(wallet, lot) == (0, 0)
    assert [each.state for each in lots_of(wallet)] == ["expired"]
    assert balance(wallet) == (1_000, 0, 1_000)


def test_an_expired_bonus_that_a_capture_spends_whole_is_spent(own_database: Database) -> None:
    wallet = a_wallet(1_000)
    lot = a_bonus_lot(wallet, 300)
    hold = a_hold(wallet, 300)
    let_lot_expire(lot, own_database)

    capture(wallet, hold.id, used("300"))

    assert [each.state for each in lots_of(wallet)] == ["spent"]
    assert balance(wallet) == (1_000, 0, 1_000)
    assert broken_laws() == {}
