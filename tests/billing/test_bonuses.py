"""Bonus lots: earned once, spent first, expired in time (requirement C9)."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial

import pytest

from app import billing, ledger
from app.billing import InsufficientFundsError, Wallet, expire_bonuses
from app.billing.models import LotState
from app.kernel import now, transaction
from app.pricing import Offer
from app.tenancy import PLATFORM_ID
from tests.billing.test_batch_races import is_locked
from tests.billing.test_hold_races import wait_for_a_queue
from tests.conftest import Database
from tests.factories.credit import a_bonus_lot, let_lot_expire
from tests.factories.credits import (
    broken_laws,
    credit_of,
    euros,
    figures,
    give,
    hold,
    lots_of,
    own_balance_of,
    own_funds,
    with_bonus,
)
from tests.factories.holds import a_hold, capture, used
from tests.factories.money import (
    a_priced_reseller,
    a_settled_top_up,
    a_top_up,
    a_wallet,
    an_event,
    an_offer,
    charge,
    funds_of,
    owned_by,
    scope_of_wallet,
    settle,
)
from tests.factories.races import all_at_once, answers

pytestmark = pytest.mark.usefixtures("own_database")


def a_generous_offer(*, days: int | None = None) -> Offer:
    return with_bonus(an_offer(), (10_000, 1_000), days=days)


def a_bonus_wallet(*, days: int | None = None, paid: int = 10_000) -> Wallet:
    """A wallet whose top-up earned 10.00."""
    return a_wallet(paid, reseller=a_priced_reseller(offer=a_generous_offer(days=days)))


def shared(wallet: Wallet) -> dict[str, int]:
    owned = owned_by(PLATFORM_ID, book_id=wallet.reseller_id)
    return {kind: minor for kind, minor in owned.items() if minor}


def sweep(wallet: Wallet, *, at: datetime) -> int:
    return expire_bonuses(scope_of_wallet(wallet), now=at)


def test_c9_a_top_up_of_the_least_amount_earns_the_bonus_apart_from_paid_credit() -> None:
    wallet = a_bonus_wallet()

    credit = credit_of(wallet)

    assert figures(wallet) == (10_000, 1_000, 0)
    assert credit.available == euros(11_000)
    assert [(lot.left, lot.expires_at) for lot in credit.lots] == [(euros(1_000), None)]
    # The bonus is the platform's expense and owes no tax.
    assert shared(wallet)["promotion"] == -1_000
    assert shared(wallet)["tax_payable"] == 1_597
    assert broken_laws() == {}


def test_a_top_up_below_every_step_earns_nothing_and_needs_no_care() -> None:
    wallet = a_bonus_wallet(paid=9_999)

    assert figures(wallet) == (9_999, 0, 0)
    assert lots_of(wallet) == []


def test_the_steps_count_that_hold_when_the_top_up_settles() -> None:
    offer = an_offer()
    wallet = a_wallet(0, reseller=a_priced_reseller(offer=offer))
    top_up = a_top_up(wallet, 10_000)
    with_bonus(offer, (10_000, 700), since=now() - timedelta(seconds=1))

    settle(top_up)

    assert figures(wallet) == (10_000, 700, 0)


def test_a_top_up_that_settles_many_times_at_once_earns_its_bonus_once() -> None:
    wallet = a_wallet(0, reseller=a_priced_reseller(offer=a_generous_offer()))
    top_up = a_top_up(wallet, 10_000)

    results = all_at_once([partial(settle, top_up)] * 8)

    assert len(answers(results)) == 8
    assert len(lots_of(wallet)) == 1
    assert figures(wallet) == (10_000, 1_000, 0)


def test_a_bonus_is_spent_before_paid_credit_and_its_lot_is_closed_when_empty() -> None:
    wallet = a_bonus_wallet()

    charge(wallet, "400")
    assert figures(wallet) == (10_000, 600, 0)
    made = charge(wallet, "1000")

    assert (made.facts.bonus, made.balance.minor) == (600, 9_600)
    assert figures(wallet) == (9_600, 0, 0)
    assert lots_of(wallet)[0].state == LotState.SPENT.value
    assert broken_laws() == {}


def test_a_lot_earned_while_the_last_one_is_spent_pays_the_next_charge(
    own_database: Database,
) -> None:
    wallet = a_bonus_wallet()
    second = a_top_up(wallet, 10_000)
    scope = scope_of_wallet(wallet)
    with ThreadPoolExecutor(1) as pool:
        with transaction(scope) as session:
            billing.charge_usage(session, scope, usage=an_event(wallet, "1000"), now=now())
            settled = pool.submit(settle, second)
            # It has read the wallet, which still needs care, and waits for the charge's lock.
            wait_for_a_queue(own_database)
        settled.result()

    made = charge(wallet, "400")

    assert made.facts.bonus == 400
    assert figures(wallet) == (20_000, 600, 0)
    assert broken_laws() == {}


def test_the_tax_of_what_a_bonus_paid_falls_back_to_the_promotion_account() -> None:
    wallet = a_bonus_wallet()

    charge(wallet, "1000")

    # 10.00 gross hold 1.60 tax; the bonus lowered the price to nothing, so no tax is due.
    owned = shared(wallet)
    assert owned["promotion"] == -1_000 + 160
    assert owned["tax_prepaid"] == -1_597
    assert owned["revenue"] == 840 - 210


def test_a_lot_that_expires_sooner_is_spent_sooner() -> None:
    reseller = a_priced_reseller()
    own_funds(reseller)
    wallet = a_wallet(reseller=reseller)
    give(wallet, 300, as_bonus=True)
    give(wallet, 200, as_bonus=True, expires_at=now() + timedelta(days=9))
    give(wallet, 100, as_bonus=True, expires_at=now() + timedelta(days=2))

    charge(wallet, "250")

    assert [lot.left.minor for lot in credit_of(wallet).lots] == [50, 300]


def test_an_expired_lot_pays_nothing_and_is_no_credit_even_before_it_is_swept() -> None:
    reseller = a_priced_reseller()
    own_funds(reseller)
    wallet = a_wallet(500, reseller=reseller)
    give(wallet, 300, as_bonus=True, expires_at=now() + timedelta(milliseconds=300))
    later = now() + timedelta(seconds=1)
    scope = scope_of_wallet(wallet)

    with transaction(scope) as session, pytest.raises(InsufficientFundsError):
        billing.charge_usage(session, scope, usage=_event(wallet), now=later)

    assert credit_of(wallet, at=later).available == euros(500)
    assert credit_of(wallet, at=later).lots == []


def _event(wallet: Wallet) -> billing.UsageEvent:
    return billing.UsageEvent(
        event_id=f"late-{wallet.id}",
        customer_id=wallet.customer_id,
        meter="call_minutes",
        quantity=Decimal(501),
        occurred_at=now(),
    )


def test_what_is_left_of_an_expired_lot_goes_back_once_to_who_gave_it() -> None:
    wallet = a_bonus_wallet(days=30)
    charge(wallet, "400")
    over = now() + timedelta(days=30, seconds=1)

    swept = [sweep(wallet, at=over - timedelta(days=1)), sweep(wallet, at=over)]
    again = sweep(wallet, at=over)

    assert (swept, again) == ([0, 1], 0)
    assert figures(wallet) == (10_000, 0, 0)
    assert lots_of(wallet)[0].state == LotState.EXPIRED.value
    # 4.00 were used, of which the tax within came back.
    assert shared(wallet)["promotion"] == -400 + 64
    assert not fresh(wallet).needs_care
    assert broken_laws() == {}


def test_many_sweeps_at_once_expire_a_lot_once() -> None:
    wallet = a_bonus_wallet(days=1)
    over = now() + timedelta(days=2)

    results = all_at_once([partial(sweep, wallet, at=over)] * 6)

    assert sum(answers(results)) == 1
    assert shared(wallet).get("promotion", 0) == 0


def test_a_lot_that_a_hold_keeps_something_of_waits_for_the_hold() -> None:
    wallet = a_bonus_wallet(days=1)
    lot = lots_of(wallet)[0]
    held = hold(wallet, lot.account_id, 250, until=datetime(2099, 1, 1, tzinfo=UTC))
    over = now() + timedelta(days=2)

    waited = sweep(wallet, at=over)
    with transaction(scope_of_wallet(wallet)) as session:
        ledger.release_hold(session, wallet.reseller_id, held)
    swept = sweep(wallet, at=over)

    assert (waited, swept) == (0, 1)
    assert broken_laws() == {}


def test_a_lot_of_the_resellers_goes_back_to_her_own_balance() -> None:
    reseller = a_priced_reseller()
    own_funds(reseller, 1_000)
    wallet = a_wallet(reseller=reseller)
    give(wallet, 600, as_bonus=True, expires_at=now() + timedelta(days=1))
    given = own_balance_of(reseller.id)[0]

    swept = sweep(wallet, at=now() + timedelta(days=2))

    assert (given, swept) == (400, 1)
    assert own_balance_of(reseller.id)[0] == 1_000
    assert broken_laws() == {}


def test_charges_and_sweeps_at_once_never_spend_a_lot_twice() -> None:
    wallet = a_bonus_wallet(days=1, paid=10_000)
    over = now() + timedelta(days=2)

    acts: list[Callable[[], object]] = [
        *[partial(charge, wallet, "100") for _ in range(8)],
        *[partial(sweep, wallet, at=over) for _ in range(4)],
        partial(a_settled_top_up, wallet, 1_000),
    ]

    results = all_at_once(acts)

    made = [each for each in answers(results) if isinstance(each, billing.Charge)]
    assert len(made) == 8
    assert funds_of(wallet) == 11_000 - 800 + sum(each.facts.bonus for each in made)
    assert lots_of(wallet)[0].state == LotState.EXPIRED.value
    assert broken_laws() == {}


def test_a_sweep_that_comes_late_locks_the_lot_before_the_wallet_as_everybody_does(
    own_database: Database,
) -> None:
    over = now() + timedelta(days=2)
    # Locks are taken in the order of the accounts' ids: a lot whose id is the lesser comes first.
    wallet = next(
        found
        for found in (a_bonus_wallet(days=1) for _ in range(64))
        if lots_of(found)[0].account_id < found.account_id
    )
    lot, scope = lots_of(wallet)[0], scope_of_wallet(wallet)
    sweep(wallet, at=over)

    def late() -> bool:
        with transaction(scope) as session:
            return billing.expire_lot(session, scope, lot_id=lot.id, now=over)

    with ThreadPoolExecutor(1) as pool:
        with transaction(scope) as session:
            ledger.lock_balances(session, scope.reseller_id, [lot.account_id])
            swept = pool.submit(late)
            wait_for_a_queue(own_database)
            locked = is_locked(own_database, wallet)
        again = swept.result(10)

    assert (locked, again) == (False, False)


def fresh(wallet: Wallet) -> Wallet:
    scope = scope_of_wallet(wallet)
    with transaction(scope) as session:
        return billing.get_wallet_by_id(session, scope, wallet_id=wallet.id)


def test_bonus_that_a_hold_keeps_pays_though_it_expires_during_the_call(
    own_database: Database,
) -> None:
    wallet = a_wallet(0)
    lot = a_bonus_lot(wallet, 1_000)
    kept, other = a_hold(wallet, 500), a_hold(wallet, 200)
    let_lot_expire(lot, own_database)
    scope = scope_of_wallet(wallet)
    swept = expire_bonuses(scope, now=now())

    paid = capture(wallet, kept.id, used("600"))

    # Not what the other hold keeps, nor what none kept.
    assert swept == 0
    assert (paid.gross.minor, paid.facts.bonus, paid.facts.uncollected) == (500, 500, 100)
    assert capture(wallet, other.id, used("150")).facts.bonus == 150
    assert expire_bonuses(scope, now=now()) == 1
