"""Holds and credit beside the wallet when many act at once (requirements C4, C5, C6)."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from uuid import UUID

import psycopg
import pytest

from app import ledger
from app.billing import (
    Charge,
    EventIdReusedError,
    PlacedHold,
    UsageEvent,
    Wallet,
    capture_hold,
    charge_usage,
    place_hold,
    read_hold,
)
from app.billing.careful_charges import charge_with_care
from app.embedded import PostgresServer
from app.kernel import Money, now, transaction
from app.ledger import HoldClosedError, HoldState
from tests.billing.test_races import CROWD, Ground, a_ground, broken_laws
from tests.conftest import Database
from tests.factories.credit import a_bonus_lot, a_grace_limit
from tests.factories.holds import HOUR, a_hold, capture, release, used
from tests.factories.money import (
    a_priced_reseller,
    a_wallet,
    an_event,
    charge,
    funds_of,
    scope_of_wallet,
)
from tests.factories.names import unique
from tests.factories.races import all_at_once, answers, refusals

_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


@pytest.fixture(scope="module")
def ground(cluster: PostgresServer, connected: Database) -> Iterator[Ground]:
    with a_ground(cluster) as made:
        yield made


def wait_for_a_queue(database: Database) -> None:
    """Return when somebody waits for a lock."""
    end = time.monotonic() + 10
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        while (owner.execute(_WAITING).fetchone() or (0,))[0] == 0:
            assert time.monotonic() < end
            time.sleep(0.01)


def test_a_release_that_waits_for_a_capture_says_captured(ground: Ground) -> None:
    wallet = a_wallet(1_000)
    hold, scope = a_hold(wallet, 300), scope_of_wallet(wallet)

    with ThreadPoolExecutor(1) as pool:
        with transaction(scope) as session:
            capture_hold(session, scope, hold_id=hold.id, usage=used("100"), now=now())
            waiting = pool.submit(release, wallet, hold.id)
            wait_for_a_queue(ground.database)
        released = waiting.result(10)

    assert released.state is HoldState.CAPTURED
    assert funds_of(wallet) == 900


def test_a_capture_that_waits_for_another_wallets_use_of_its_id_says_so(ground: Ground) -> None:
    reseller = a_priced_reseller()
    wallet, other = (a_wallet(1_000, reseller=reseller) for _ in range(2))
    a_bonus_lot(wallet, 100)
    hold, scope, event = a_hold(wallet, 300), scope_of_wallet(wallet), an_event(other, "50")

    with ThreadPoolExecutor(1) as pool:
        with transaction(scope) as session:
            charge_usage(session, scope, usage=event, now=now())
            usage = used("100", event_id=event.event_id)
            waiting = pool.submit(capture, wallet, hold.id, usage)
            wait_for_a_queue(ground.database)
        refused = waiting.exception(10)

    assert isinstance(refused, EventIdReusedError)
    assert (funds_of(wallet), funds_of(other)) == (1_000, 950)
    assert broken_laws() == set()


def test_of_many_captures_and_releases_of_one_hold_one_wins(ground: Ground) -> None:
    wallet = a_wallet(1_000)
    hold = a_hold(wallet, 300)
    acts: list[Callable[[], object]] = [
        *(partial(capture, wallet, hold.id, used("100")) for _ in range(10)),
        partial(release, wallet, hold.id),
    ]

    results = all_at_once(acts)

    captured = len(answers(results[:10]))
    assert captured in {0, 1}
    assert set(refusals(results)) == {HoldClosedError}
    assert funds_of(wallet) == 1_000 - 100 * captured
    assert broken_laws() == set()


def test_captures_beyond_their_holds_at_once_share_what_is_left_and_none_is_refused(
    ground: Ground,
) -> None:
    wallet = a_wallet(1_500)
    holds = [a_hold(wallet, 100) for _ in range(10)]

    results = all_at_once([partial(capture, wallet, hold.id, used("200")) for hold in holds])

    assert refusals(results) == []
    assert sum(each.gross.minor for each in answers(results)) == 1_500
    assert sum(each.facts.uncollected for each in answers(results)) == 500
    assert funds_of(wallet) == 0
    assert broken_laws() == set()


def test_charges_at_once_go_on_into_the_grace_limit_and_none_is_refused_before(
    ground: Ground,
) -> None:
    wallet = a_wallet(1_000)
    a_grace_limit(wallet, 2_000)
    events = [an_event(wallet, "100") for _ in range(CROWD)]

    results = all_at_once([partial(charge, wallet, event) for event in events])

    assert len(answers(results)) == 30
    assert sum(each.facts.owed for each in answers(results)) == 2_000
    assert funds_of(wallet) == 0
    assert broken_laws() == set()


def test_one_event_on_the_quick_and_on_the_careful_way_at_once_is_charged_once(
    ground: Ground,
) -> None:
    """Both lock, then bind the key; the other way round they would wait for each other."""
    wallet = a_wallet(1_000)
    event, scope = an_event(wallet, "100"), scope_of_wallet(wallet)

    with ThreadPoolExecutor(1) as pool:
        with transaction(scope) as session:
            ledger.lock_balances(session, wallet.reseller_id, [wallet.account_id])
            waiting = pool.submit(charge_alone, wallet, event)
            wait_for_a_queue(ground.database)
            careful = charge_with_care(session, scope, usages=[event], now=now())[0]
        quick = waiting.result(20)

    assert isinstance(careful, Charge)
    assert (careful.replayed, quick.replayed) == (False, True)
    assert quick.id == careful.id
    assert funds_of(wallet) == 900
    assert broken_laws() == set()


def test_one_hold_on_the_quick_and_on_the_careful_way_at_once_is_placed_once(
    ground: Ground,
) -> None:
    wallet = a_wallet(1_000)
    scope, key = scope_of_wallet(wallet), unique("hold")

    with ThreadPoolExecutor(1) as pool:
        with transaction(scope) as session:
            ledger.lock_balances(session, wallet.reseller_id, [wallet.account_id])
            waiting = pool.submit(a_hold, wallet, 300, key=key)
            wait_for_a_queue(ground.database)
            careful = place_hold(
                session, scope, key=key, customer_id=wallet.customer_id,
                amount=Money(300, "EUR"), expires_at=now() + HOUR, now=now(),
            )  # fmt: skip
        quick = waiting.result(20)

    assert (careful.replayed, quick.replayed, quick.id) == (False, True, careful.id)
    assert quick.available.minor == 700
    assert broken_laws() == set()


def charge_alone(wallet: Wallet, event: UsageEvent) -> Charge:
    scope = scope_of_wallet(wallet)
    with transaction(scope, sole=True) as session:
        return charge_usage(session, scope, usage=event, now=now())


def test_a_hold_that_is_read_while_it_is_freed_is_read_as_of_one_moment(ground: Ground) -> None:
    wallet = a_wallet(1_000)
    seen = set()

    for _ in range(60):
        hold = a_hold(wallet, 300)
        acts = [partial(release, wallet, hold.id), *([partial(_read, wallet, hold.id)] * 4)]
        seen |= {(each.state, each.available.minor) for each in answers(all_at_once(acts))}

    assert seen <= {(HoldState.OPEN, 700), (HoldState.RELEASED, 1_000)}


def _read(wallet: Wallet, hold_id: UUID) -> PlacedHold:
    scope = scope_of_wallet(wallet)
    with transaction(scope) as session:
        return read_hold(session, scope, hold_id=hold_id)
