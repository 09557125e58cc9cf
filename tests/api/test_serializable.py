"""Some order explains it: parallel calls over real HTTP, and a model that takes them one by one.

Usage (also the same event from several callers, and an id with other content), holds from placing
to capture, and balances go over the wire; top-ups, which the API has not, by their use case. Of
every run the seed is printed.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Barrier

import pytest

from app import billing, ledger
from app.embedded import PostgresServer, RedisServer
from app.kernel import transaction
from app.tenancy import PlatformScope
from tests.api.serial_actors import WALLETS, Actor, Scene, first_hold
from tests.api.serial_model import (
    Call,
    ChargeCall,
    ExtendCall,
    HoldCall,
    ReadCall,
    ReadHoldCall,
    ReleaseCall,
    SettleCall,
    WalletState,
    World,
)
from tests.api.serializations import Operation, explain
from tests.api.served import Served, a_web_process
from tests.conftest import Database
from tests.factories.broken_locks import check_before_locking, take_accounts_slowly
from tests.factories.databases import a_database_of_its_own, connected_to
from tests.factories.holds import a_hold
from tests.factories.money import a_pending_top_up, a_priced_reseller, a_wallet

THREADS, CALLS = 6, 8


def a_scene(funds: int) -> Scene:
    reseller = a_priced_reseller()
    scene = Scene(reseller, [a_wallet(funds, reseller=reseller) for _ in range(WALLETS)], funds)
    for number in range(4):
        wallet = scene.wallets[number % WALLETS]
        scene.top_ups[f"top-up-{number}"] = a_pending_top_up(wallet, 500)
    for number in range(4):
        first = first_hold(f"hold-{number}")
        placed = a_hold(scene.wallets[first.customer], first.minor, key=f"{scene.name}{first.key}")
        scene.holds[first.key] = placed.id
    return scene


def some_calls(seed: int) -> list[list[Call]]:
    """The calls of every thread: few ids, so that they meet."""
    chance = random.Random(seed)

    def one() -> Call:
        customer, number = chance.randrange(WALLETS), chance.randrange(4)
        quantity = chance.choice([40, 90, 250])
        match chance.choice("ccccccrrstthhuuHHHH"):
            case "c":
                return ChargeCall(f"event-{chance.randrange(14)}", customer, quantity)
            case "r":
                return ReadCall(customer)
            case "s" | "t":
                return SettleCall(f"top-up-{number}", number % WALLETS, 500)
            case "h":
                return HoldCall(f"new-{number}", customer, quantity)
            case "u":
                event = f"capture-{chance.randrange(5)}"
                return ChargeCall(event, number % WALLETS, quantity, hold=f"hold-{number}")
            case _:
                return of_a_hold(f"hold-{number}")

    def of_a_hold(key: str) -> Call:
        extended = ExtendCall(key, chance.choice([100, 250, 400]))
        calls: list[Call] = [extended, extended, ReadHoldCall(key), ReleaseCall(key)]
        return chance.choice(calls)

    return [[one() for _ in range(CALLS)] for _ in range(THREADS)]


def play(served: Served, seed: int) -> tuple[World, list[Operation]]:
    """Let every thread make its calls at once; the last of the history reads every wallet."""
    scene = a_scene(random.Random(seed).choice([500, 900, 2_000]))
    barrier = Barrier(THREADS)

    def run(actor: Actor, calls: Sequence[Call]) -> list[Operation]:
        barrier.wait(30)
        return [actor.act(call) for call in calls]

    with ExitStack() as stack, ThreadPoolExecutor(THREADS) as pool:
        callers = [stack.enter_context(served.caller(scene.reseller)) for _ in range(THREADS)]
        actors = [Actor(scene, caller) for caller in callers]
        histories = list(pool.map(run, actors, some_calls(seed)))
        last = [actors[0].act(ReadCall(customer)) for customer in range(WALLETS)]
    return scene.start(), [operation for history in histories for operation in history] + last


def told(seed: int, history: Sequence[Operation]) -> str:
    lines = sorted(history, key=lambda each: each.sent)
    first = lines[0].sent
    return f"seed {seed}\n" + "\n".join(
        f"{each.sent - first:.4f} {each.answered - first:.4f} {each.call} -> {each.reply}"
        for each in lines
    )


@contextmanager
def a_ground(
    cluster: PostgresServer, redis: RedisServer, directory: Path
) -> Iterator[tuple[Served, Database]]:
    with (
        a_database_of_its_own(cluster) as database,
        connected_to(database, crowd=THREADS),
        a_web_process(database, redis, directory) as served,
    ):
        yield served, database


@pytest.fixture(scope="module")
def ground(
    cluster: PostgresServer,
    connected: Database,
    redis_server: RedisServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Served]:
    with a_ground(cluster, redis_server, tmp_path_factory.mktemp("served")) as (served, database):
        take_accounts_slowly(database, seconds=0.002)
        yield served


@pytest.mark.parametrize("_round", range(12))
def test_some_order_explains_every_reply_of_parallel_calls(ground: Served, _round: int) -> None:
    seed = secrets.randbits(32)

    start, history = play(ground, seed)

    assert explain(history, start) is not None, told(seed, history)


def test_after_all_that_every_law_holds(ground: Served) -> None:
    play(ground, 1)
    scope = PlatformScope()

    with transaction(scope) as session:
        checks = [*ledger.verify(session, scope), *billing.verify(session, scope)]

    assert {check.name: check.broken for check in checks if check.broken} == {}


def test_one_reply_altered_and_no_order_explains_it(ground: Served) -> None:
    start, history = play(ground, 2)
    read = next(each for each in history if isinstance(each.call, ReadCall))
    posted, *others = read.reply
    assert isinstance(posted, int)
    altered = replace(read, reply=(posted + 1, *others))

    explained = explain([altered if each is read else each for each in history], start)

    assert explain(history, start) is not None
    assert explained is None


def test_a_call_answered_before_another_was_sent_is_never_ordered_after_it() -> None:
    start = World((WalletState(100, 0, 1),))
    charged = Operation(1.0, 2.0, ChargeCall("e", 0, 40), ("new", 40, 60, 2))
    stale = Operation(3.0, 4.0, ReadCall(0), (100, 0, 100, 1))

    assert explain([charged, stale], start) is None
    assert explain([charged, replace(stale, sent=1.5)], start) == [
        replace(stale, sent=1.5),
        charged,
    ]


def test_without_the_row_lock_no_order_explains_the_replies(
    cluster: PostgresServer,
    connected: Database,
    redis_server: RedisServer,
    tmp_path: Path,
) -> None:
    with a_ground(cluster, redis_server, tmp_path) as (served, database):
        check_before_locking(database)
        take_accounts_slowly(database, seconds=0.01)

        runs = (play(served, secrets.randbits(32)) for _ in range(10))

        assert any(explain(history, start) is None for start, history in runs)
