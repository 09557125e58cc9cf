"""Reserve, capture, release, extend, expire: what is kept back is nobody else's to spend (C5)."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from app import ledger
from app.billing import (
    EventIdReusedError,
    HoldAmountRefusedError,
    HoldKeyReusedError,
    HoldTimeRefusedError,
    InsufficientFundsError,
    PlacedHold,
    Wallet,
    WalletNotFoundError,
    expire_holds,
    extend_hold,
    place_hold,
    read_hold,
    wallet_balance,
)
from app.kernel import Money, new_id, now, transaction
from app.ledger import HoldClosedError, HoldState
from tests.conftest import Database
from tests.factories.credit import a_bonus_lot
from tests.factories.holds import HOUR, a_hold, capture, let_hold_expire, release, used
from tests.factories.money import a_wallet, charge, scope_of_wallet
from tests.factories.names import unique

pytestmark = pytest.mark.usefixtures("connected")


def state_of(wallet: Wallet, hold: PlacedHold) -> HoldState:
    scope = scope_of_wallet(wallet)
    with transaction(scope) as session:
        return read_hold(session, scope, hold_id=hold.id).state


def balance(wallet: Wallet) -> tuple[int, int, int]:
    """What is posted, held and available now."""
    scope = scope_of_wallet(wallet)
    with transaction(scope) as session:
        found = wallet_balance(session, scope, wallet=wallet)
    return found.posted.minor, found.held.minor, found.available.minor


def test_what_is_held_cannot_be_spent_by_another_charge() -> None:
    wallet = a_wallet(1_000)
    a_hold(wallet, 800)

    with pytest.raises(InsufficientFundsError) as refused:
        charge(wallet, "300")

    assert refused.value.facts["available"] == 200
    assert balance(wallet) == (1_000, 800, 200)


def test_a_capture_charges_what_was_used_and_frees_the_rest() -> None:
    wallet = a_wallet(1_000)
    hold = a_hold(wallet, 800)

    paid = capture(wallet, hold.id, used("300"))

    assert (paid.gross.minor, paid.balance.minor) == (300, 700)
    assert balance(wallet) == (700, 0, 700)
    assert state_of(wallet, hold) is HoldState.CAPTURED


def test_a_capture_beyond_the_hold_takes_what_the_balance_allows() -> None:
    wallet = a_wallet(1_000)
    hold = a_hold(wallet, 200)

    paid = capture(wallet, hold.id, used("900"))

    assert (paid.gross.minor, paid.facts.uncollected) == (900, 0)
    assert balance(wallet) == (100, 0, 100)


def test_what_neither_hold_nor_balance_covers_stays_uncollected_and_is_said() -> None:
    wallet = a_wallet(1_000)
    hold = a_hold(wallet, 600)
    a_hold(wallet, 300)

    paid = capture(wallet, hold.id, used("1000"))

    assert (paid.gross.minor, paid.facts.uncollected) == (700, 300)
    assert paid.gross == paid.net + paid.tax
    assert balance(wallet) == (300, 300, 0)


def test_a_repeated_capture_is_the_first_one_again() -> None:
    wallet = a_wallet(1_000)
    hold, sent = a_hold(wallet, 500), used("100")

    first, again = capture(wallet, hold.id, sent), capture(wallet, hold.id, sent)

    assert (first.replayed, again.replayed) == (False, True)
    assert (again.id, again.gross, again.balance) == (first.id, first.gross, first.balance)
    assert balance(wallet) == (900, 0, 900)


def test_a_hold_is_captured_once() -> None:
    wallet = a_wallet(1_000)
    hold = a_hold(wallet, 500)
    capture(wallet, hold.id, used("100"))

    with pytest.raises(HoldClosedError):
        capture(wallet, hold.id, used("100"))

    assert balance(wallet) == (900, 0, 900)


def test_an_event_that_was_charged_does_not_capture_with_other_content() -> None:
    wallet = a_wallet(1_000)
    sent = used("100")
    capture(wallet, a_hold(wallet, 500).id, sent)
    other = a_hold(wallet, 500)

    with pytest.raises(EventIdReusedError):
        capture(wallet, other.id, replace(sent, quantity=Decimal(7)))

    assert state_of(wallet, other) is HoldState.OPEN
    assert balance(wallet) == (900, 500, 400)


def test_a_released_hold_frees_everything_and_may_be_released_again() -> None:
    wallet = a_wallet(1_000)
    hold = a_hold(wallet, 800)

    states = [release(wallet, hold.id).state for _ in range(2)]

    assert states == [HoldState.RELEASED] * 2
    assert balance(wallet) == (1_000, 0, 1_000)
    with pytest.raises(HoldClosedError):
        capture(wallet, hold.id, used("1"))


def test_an_expired_hold_is_free_for_readers_though_nobody_wrote_it_down(
    connected: Database,
) -> None:
    wallet = a_wallet(1_000)
    hold = a_hold(wallet, 800)

    let_hold_expire(hold.id, connected)

    assert balance(wallet) == (1_000, 0, 1_000)
    assert state_of(wallet, hold) is HoldState.EXPIRED


def test_an_expired_hold_does_not_stop_the_next_charge_though_no_worker_runs(
    connected: Database,
) -> None:
    wallet = a_wallet(1_000)
    hold = a_hold(wallet, 800)
    let_hold_expire(hold.id, connected)

    paid = charge(wallet, "900")

    assert paid.balance.minor == 100
    assert balance(wallet) == (100, 0, 100)


def test_an_expired_hold_of_bonus_alone_does_not_stop_the_next_charge(
    connected: Database,
) -> None:
    wallet = a_wallet(1_000)
    a_bonus_lot(wallet, 300)
    hold = a_hold(wallet, 300)
    let_hold_expire(hold.id, connected)

    paid = charge(wallet, "1200")

    assert (paid.facts.bonus, paid.balance.minor) == (300, 100)
    assert state_of(wallet, hold) is HoldState.EXPIRED


def test_an_expired_hold_makes_room_for_another_hold(connected: Database) -> None:
    wallet = a_wallet(1_000)
    let_hold_expire(a_hold(wallet, 800).id, connected)

    a_hold(wallet, 900)

    assert balance(wallet) == (1_000, 900, 100)


def test_an_expired_hold_cannot_be_captured(connected: Database) -> None:
    wallet = a_wallet(1_000)
    hold = a_hold(wallet, 800)
    let_hold_expire(hold.id, connected)

    with pytest.raises(HoldClosedError):
        capture(wallet, hold.id, used("100"))

    assert balance(wallet) == (1_000, 0, 1_000)


def test_writing_an_expiry_down_leaves_living_holds_alone(connected: Database) -> None:
    wallet = a_wallet(1_000)
    let_hold_expire(a_hold(wallet, 300).id, connected)
    living = a_hold(wallet, 200)
    scope = scope_of_wallet(wallet)

    with transaction(scope) as session:
        expired = [expire_holds(session, scope, accounts=[wallet.account_id]) for _ in range(2)]

    assert expired == [1, 0]
    assert (state_of(wallet, living), balance(wallet)) == (HoldState.OPEN, (1_000, 200, 800))


def test_the_same_key_is_the_same_hold() -> None:
    wallet = a_wallet(1_000)
    key = unique("hold")

    first, again = a_hold(wallet, 400, key=key), a_hold(wallet, 400, key=key)

    assert (first.id, first.replayed, again.replayed) == (again.id, False, True)
    assert balance(wallet) == (1_000, 400, 600)


def test_a_repetition_says_what_has_become_of_the_first_hold(connected: Database) -> None:
    wallet = a_wallet(1_000)
    gone, expired = unique("hold"), unique("hold")
    first = a_hold(wallet, 400, key=gone)
    release(wallet, first.id)
    over = a_hold(wallet, 300, key=expired)
    let_hold_expire(over.id, connected)

    again = [a_hold(wallet, 400, key=gone), a_hold(wallet, 300, key=expired)]

    assert [each.id for each in again] == [first.id, over.id]
    assert [each.state for each in again] == [HoldState.RELEASED, HoldState.EXPIRED]
    assert again[0].expires_at == first.expires_at
    assert [each.available.minor for each in again] == [1_000, 1_000]


def test_a_new_hold_answers_what_is_left_beside_it_without_what_has_expired(
    connected: Database,
) -> None:
    wallet = a_wallet(1_000)
    let_hold_expire(a_hold(wallet, 300).id, connected)

    made = a_hold(wallet, 600)

    assert made.available.minor == 400
    assert balance(wallet) == (1_000, 600, 400)


def test_a_key_with_another_amount_is_refused() -> None:
    wallet = a_wallet(1_000)
    key = unique("hold")
    a_hold(wallet, 400, key=key)

    with pytest.raises(HoldKeyReusedError):
        a_hold(wallet, 500, key=key)

    assert balance(wallet) == (1_000, 400, 600)


def test_a_refused_hold_leaves_nothing_and_binds_nothing() -> None:
    wallet = a_wallet(1_000)
    key = unique("hold")

    with pytest.raises(InsufficientFundsError) as refused:
        a_hold(wallet, 1_001, key=key)

    assert refused.value.facts["missing"] == 1
    assert balance(wallet) == (1_000, 0, 1_000)
    assert a_hold(wallet, 900, key=key).replayed is False


@pytest.mark.parametrize("minor", [0, -1, 500_001])
def test_a_hold_of_nothing_or_of_too_much_is_refused(minor: int) -> None:
    wallet = a_wallet(1_000)

    with pytest.raises(HoldAmountRefusedError):
        a_hold(wallet, minor)

    assert balance(wallet) == (1_000, 0, 1_000)


@pytest.mark.parametrize("lasts", [timedelta(seconds=59), timedelta(days=1, seconds=1)])
def test_a_hold_for_too_short_or_too_long_is_refused(lasts: timedelta) -> None:
    wallet = a_wallet(1_000)
    scope, at = scope_of_wallet(wallet), now()

    with pytest.raises(HoldTimeRefusedError), transaction(scope) as session:
        place_hold(
            session,
            scope,
            key="k",
            customer_id=wallet.customer_id,
            amount=Money(100, "EUR"),
            expires_at=at + lasts,
            now=at,
        )

    assert balance(wallet) == (1_000, 0, 1_000)


def test_an_extended_hold_keeps_more_back_for_longer() -> None:
    wallet = a_wallet(1_000)
    hold = a_hold(wallet, 400)
    scope, until = scope_of_wallet(wallet), now() + 5 * HOUR

    with transaction(scope) as session:
        extended = extend_hold(
            session, scope, hold_id=hold.id, amount=Money(500, "EUR"), expires_at=until, now=now()
        )

    assert (extended.amount.minor, extended.expires_at) == (900, until)
    assert balance(wallet) == (1_000, 900, 100)
    assert capture(wallet, hold.id, used("950")).gross.minor == 950
    assert balance(wallet) == (50, 0, 50)


def test_a_hold_cannot_be_extended_beyond_the_balance_or_after_its_end() -> None:
    wallet = a_wallet(1_000)
    hold = a_hold(wallet, 400)
    scope = scope_of_wallet(wallet)

    with pytest.raises(InsufficientFundsError), transaction(scope) as session:
        extend_hold(session, scope, hold_id=hold.id, amount=Money(601, "EUR"), now=now())
    release(wallet, hold.id)
    with pytest.raises(HoldClosedError), transaction(scope) as session:
        extend_hold(session, scope, hold_id=hold.id, amount=Money(1, "EUR"), now=now())
    with pytest.raises(HoldClosedError), transaction(scope) as session:
        extend_hold(session, scope, hold_id=hold.id, amount=Money(1_001, "EUR"), now=now())

    assert balance(wallet) == (1_000, 0, 1_000)


def test_a_hold_whose_time_is_over_does_not_come_back_by_an_extension(connected: Database) -> None:
    wallet = a_wallet(1_000)
    hold = a_hold(wallet, 400)
    let_hold_expire(hold.id, connected)
    scope, until = scope_of_wallet(wallet), now() + 5 * HOUR

    with pytest.raises(HoldClosedError), transaction(scope) as session:
        extend_hold(session, scope, hold_id=hold.id, expires_at=until, now=now())

    assert state_of(wallet, hold) is HoldState.EXPIRED
    assert balance(wallet) == (1_000, 0, 1_000)


def test_a_credit_limit_may_be_taken_back_when_what_used_it_has_expired(
    connected: Database,
) -> None:
    wallet = a_wallet(0)
    scope = scope_of_wallet(wallet)
    limits = [Money(minor, "EUR") for minor in (1_000, 0)]
    with transaction(scope) as session:
        ledger.set_credit_limit(session, wallet.reseller_id, wallet.account_id, limits[0])
    let_hold_expire(a_hold(wallet, 800).id, connected)

    with transaction(scope) as session:
        ledger.set_credit_limit(session, wallet.reseller_id, wallet.account_id, limits[1])

    assert balance(wallet) == (0, 0, 0)


def test_an_unknown_customer_and_another_resellers_hold_look_absent() -> None:
    wallet, other = a_wallet(1_000), a_wallet(1_000)
    hold = a_hold(wallet, 100)
    scope = scope_of_wallet(other)

    with pytest.raises(ledger.HoldNotFoundError), transaction(scope) as session:
        read_hold(session, scope, hold_id=hold.id)
    with pytest.raises(WalletNotFoundError), transaction(scope) as session:
        place_hold(
            session,
            scope,
            key="k",
            customer_id=new_id(),
            amount=Money(100, "EUR"),
            expires_at=now() + HOUR,
            now=now(),
        )

    assert balance(wallet) == (1_000, 100, 900)
