"""Captures when something else has happened meanwhile, and of what is free (C3, C5)."""

from datetime import timedelta
from decimal import Decimal

import pytest

from app.billing import (
    BlockReason,
    CapReachedError,
    CapturedUsage,
    CustomerBlockedError,
    InsufficientFundsError,
    PlacedHold,
    PlannedUsage,
    Wallet,
    WalletFrozenError,
    block_customer,
    freeze_wallet,
    hold_credit,
    read_hold,
    wallet_balance,
)
from app.billing.reported import NamedPayer
from app.kernel import now, transaction
from app.ledger import HoldState
from app.tenancy import PlatformScope
from tests.factories.credit import a_bonus_lot
from tests.factories.credits import cap
from tests.factories.holds import a_hold, capture, release, used
from tests.factories.money import (
    a_priced_reseller,
    a_wallet,
    an_event,
    an_offer,
    charge,
    scope_of_wallet,
)
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


def block(wallet: Wallet) -> None:
    scope = scope_of_wallet(wallet)
    with transaction(scope) as session:
        block_customer(session, scope, customer_id=wallet.customer_id, reason=BlockReason.UNPAID)


def plan(wallet: Wallet, wanted: PlannedUsage) -> PlacedHold:
    """A hold of what planned usage would cost now."""
    payer = NamedPayer(customer_id=wallet.customer_id)
    return hold_credit(
        scope_of_wallet(wallet), key=unique("hold"), payer=payer, wanted=wanted,
        lasts=timedelta(hours=1), now=now(),
    )  # fmt: skip


@pytest.mark.parametrize("care", ["by a statement", "with care", "with volumes"])
def test_an_event_that_was_charged_before_frees_the_hold_it_is_captured_by(care: str) -> None:
    meter = unique("meter").replace("-", "_").lower()
    allowance = "1" if care == "with volumes" else "0"
    reseller = a_priced_reseller(offer=an_offer(meter=meter, allowance=allowance))
    wallet = a_wallet(1_000, reseller=reseller)
    event = an_event(wallet, "100", meter=meter)
    first = charge(wallet, event)
    if care == "with care":
        a_bonus_lot(wallet, 50)
    hold = a_hold(wallet, 500)

    usage = CapturedUsage(event.event_id, meter, event.quantity, event.occurred_at)
    again = capture(wallet, hold.id, usage)

    assert (again.id, again.gross, again.replayed) == (first.id, first.gross, True)
    assert state_of(wallet, hold) is HoldState.RELEASED
    left = 1_000 - first.gross.minor
    assert balance(wallet) == (left, 0, left)


@pytest.mark.parametrize("has_bonus", [True, False])
def test_f2_what_was_delivered_under_a_hold_is_charged_though_the_customer_is_blocked_now(
    *, has_bonus: bool
) -> None:
    wallet = a_wallet(1_000)
    if has_bonus:
        a_bonus_lot(wallet, 200)
    hold = a_hold(wallet, 800)
    block(wallet)

    paid = capture(wallet, hold.id, used("500"))

    assert paid.gross.minor == 500
    assert state_of(wallet, hold) is HoldState.CAPTURED
    left = 700 if has_bonus else 500
    assert balance(wallet) == (left, 0, left)
    with pytest.raises(CustomerBlockedError):
        charge(wallet, "1")


def test_a_frozen_wallet_pays_no_capture_either() -> None:
    wallet = a_wallet(1_000)
    hold = a_hold(wallet, 800)
    scope = PlatformScope()
    with transaction(scope) as session:
        freeze_wallet(
            session, scope, reseller_id=wallet.reseller_id, account_id=wallet.account_id,
            reason="test",
        )  # fmt: skip

    with pytest.raises(WalletFrozenError):
        capture(wallet, hold.id, used("500"))

    assert state_of(wallet, hold) is HoldState.OPEN
    assert balance(wallet) == (1_000, 800, 200)


def test_a_hold_that_was_released_charges_no_blocked_customer() -> None:
    wallet = a_wallet(1_000)
    hold = a_hold(wallet, 800)
    release(wallet, hold.id)
    block(wallet)

    with pytest.raises(CustomerBlockedError):
        capture(wallet, hold.id, used("500"))

    assert balance(wallet) == (1_000, 0, 1_000)


@pytest.mark.parametrize("is_capped", [True, False])
def test_an_empty_wallet_may_hold_what_its_allowance_makes_free(*, is_capped: bool) -> None:
    meter = unique("meter").replace("-", "_").lower()
    wallet = a_wallet(0, reseller=a_priced_reseller(offer=an_offer(meter=meter, allowance="100")))
    if is_capped:
        cap(wallet, 0)
    free, costly = PlannedUsage(meter, Decimal(100)), PlannedUsage(meter, Decimal(101))

    hold = plan(wallet, free)
    with pytest.raises(CapReachedError if is_capped else InsufficientFundsError):
        plan(wallet, costly)
    paid = capture(
        wallet,
        hold.id,
        CapturedUsage(unique("event"), meter, Decimal(100), now() - timedelta(minutes=1)),
    )

    assert (hold.amount.minor, hold.state) == (0, HoldState.OPEN)
    assert (paid.gross.minor, paid.facts.free) == (0, Decimal(100))
    assert state_of(wallet, hold) is HoldState.CAPTURED
    assert balance(wallet) == (0, 0, 0)


def test_c10_what_costs_nothing_has_room_though_a_capture_has_passed_the_cap() -> None:
    meter = unique("meter").replace("-", "_").lower()
    wallet = a_wallet(1_000, reseller=a_priced_reseller(offer=an_offer(meter=meter, minimum="0")))
    hold = a_hold(wallet, 100)
    cap(wallet, 100)
    usage = CapturedUsage(unique("event"), meter, Decimal(150), now() - timedelta(minutes=1))
    capture(wallet, hold.id, usage)

    free = charge(wallet, an_event(wallet, "0.1", meter=meter))
    with pytest.raises(CapReachedError):
        charge(wallet, an_event(wallet, "1", meter=meter))

    assert free.gross.minor == 0
    assert balance(wallet) == (850, 0, 850)
