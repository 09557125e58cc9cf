"""Holds and credit beside the wallet when many act at once (requirements C4, C5, C6)."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import psycopg
import pytest

from app.billing import capture_hold
from app.embedded import PostgresServer
from app.kernel import now, transaction
from app.ledger import HoldClosedError, HoldState
from tests.billing.test_races import CROWD, Ground, a_ground, broken_laws
from tests.conftest import Database
from tests.factories.credit import a_grace_limit
from tests.factories.holds import a_hold, capture, release, used
from tests.factories.money import a_wallet, an_event, charge, funds_of, scope_of_wallet
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
