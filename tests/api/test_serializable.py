"""Some order explains it: parallel calls over real HTTP, and a model that takes them one by one.

Usage (also the same event from several callers, and an id with other content) and balances go over
the wire; top-ups and holds go through their use cases. Of every run the seed is printed.
"""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from threading import Barrier
from uuid import UUID

import pytest

from app import billing, ledger
from app.billing import (
    EventIdReusedError,
    HoldKeyReusedError,
    InsufficientFundsError,
    TopUp,
    Wallet,
)
from app.embedded import PostgresServer, RedisServer
from app.kernel import now, transaction
from app.ledger import BooksMovedError, HoldClosedError
from app.tenancy import PlatformScope, Tenant
from tests.api.caller import a_body
from tests.api.serial_model import (
    Call,
    ChargeCall,
    HoldCall,
    ReadCall,
    ReleaseCall,
    Reply,
    SettleCall,
    WalletState,
    World,
)
from tests.api.serializations import Operation, explain
from tests.api.served import Served, WireCaller, a_web_process
from tests.conftest import Database
from tests.factories.broken_locks import check_before_locking, take_accounts_slowly
from tests.factories.databases import a_database_of_its_own, connected_to
from tests.factories.holds import a_hold, capture, release, used
from tests.factories.money import a_pending_top_up, a_priced_reseller, a_wallet, settle

THREADS, CALLS, WALLETS = 6, 8, 2
BUSY = 503
SENT = now() - timedelta(minutes=1)


@dataclass
class Scene:
    """Wallets of one reseller, and what the calls of a run refer to."""

    reseller: Tenant
    wallets: list[Wallet]
    funds: int
    name: str = field(default_factory=lambda: secrets.token_hex(6))
    top_ups: dict[str, TopUp] = field(default_factory=dict)
    holds: dict[str, UUID] = field(default_factory=dict)

    def start(self) -> World:
        """A settled top-up was the first posting of every wallet; the holds are in place."""
        world = World(tuple(WalletState(self.funds, 0, 1) for _ in self.wallets))
        for key in self.holds:
            _, world = world.answer(held_at_first(key))
        return world


def held_at_first(key: str) -> HoldCall:
    return HoldCall(key, int(key[-1]) % WALLETS, 150)


def a_scene(funds: int) -> Scene:
    reseller = a_priced_reseller()
    scene = Scene(reseller, [a_wallet(funds, reseller=reseller) for _ in range(WALLETS)], funds)
    for number in range(4):
        wallet = scene.wallets[number % WALLETS]
        scene.top_ups[f"top-up-{number}"] = a_pending_top_up(wallet, 500)
    for number in range(4):
        first = held_at_first(f"hold-{number}")
        placed = a_hold(scene.wallets[first.customer], first.minor, key=f"{scene.name}{first.key}")
        scene.holds[first.key] = placed.id
    return scene


def some_calls(seed: int) -> list[list[Call]]:
    """The calls of every thread: few ids, so that they meet."""
    chance = random.Random(seed)

    def one() -> Call:
        customer, number = chance.randrange(WALLETS), chance.randrange(4)
        quantity = chance.choice([40, 90, 250])
        match chance.choice("ccccccrrsthuRk"):
            case "c":
                return ChargeCall(f"event-{chance.randrange(14)}", customer, quantity)
            case "r":
                return ReadCall(customer)
            case "s" | "t":
                return SettleCall(f"top-up-{number}", number % WALLETS, 500)
            case "h":
                return HoldCall(f"new-{number}", customer, quantity)
            case "R":
                return ReleaseCall(f"hold-{number}")
            case _:
                event = f"capture-{chance.randrange(5)}"
                return ChargeCall(event, number % WALLETS, quantity, hold=f"hold-{number}")

    return [[one() for _ in range(CALLS)] for _ in range(THREADS)]


@dataclass
class Actor:
    """One thread's way to the product."""

    scene: Scene
    caller: WireCaller

    def act(self, call: Call) -> Operation:
        sent = time.monotonic()
        reply = self._reply(call)
        return Operation(sent, time.monotonic(), call, reply)

    def _reply(self, call: Call) -> Reply:
        """Make the call; one that is told to come back in a moment does."""
        while True:
            try:
                reply = self._ask(call)
            except BooksMovedError:
                continue
            if reply != (BUSY,):
                return reply

    def _ask(self, call: Call) -> Reply:
        try:
            return self._do(call)
        except InsufficientFundsError as refused:
            return "too little", refused.facts["required"], refused.facts["available"]
        except (HoldKeyReusedError, EventIdReusedError):
            return ("id reused",)
        except HoldClosedError:
            return ("hold closed",)

    def _do(self, call: Call) -> Reply:
        reply: Reply
        match call:
            case ReadCall():
                reply = self._read(call)
            case ChargeCall(hold=None):
                reply = self._charge(call)
            case ChargeCall():
                reply = self._capture(call)
            case SettleCall():
                reply = ("paid", settle(self.scene.top_ups[call.top_up]).state)
            case HoldCall():
                key = f"{self.scene.name}{call.key}"
                held = a_hold(self.scene.wallets[call.customer], call.minor, key=key)
                reply = ("held", held.replayed, held.state.value, held.available.minor)
            case ReleaseCall():
                hold_id = self.scene.holds[call.key]
                wallet = self.scene.wallets[held_at_first(call.key).customer]
                reply = (release(wallet, hold_id).state.value,)
        return reply

    def _read(self, call: ReadCall) -> Reply:
        customer = self.scene.wallets[call.customer].customer_id
        status, said = self.caller.get(f"/api/v2/customers/{customer}/balance")
        assert status == 200, said
        amounts = (said[name]["minor"] for name in ("posted", "held", "available"))
        return *amounts, said["version"]

    def _charge(self, call: ChargeCall) -> Reply:
        event = f"{self.scene.name}-{call.event}"
        customer, quantity = self.scene.wallets[call.customer].customer_id, str(call.quantity)
        body = a_body(customer, id=event, quantity=quantity, occurred_at=SENT.isoformat())
        status, said = self.caller.post("/api/v2/usage", body)
        match status, said.get("code"):
            case ((200 | 201), None):
                word = "new" if status == 201 else "again"
                return (
                    word,
                    *(said[name]["minor"] for name in ("amount", "balance")),
                    said["balance_version"],
                )
            case 402, "billing.insufficient_funds":
                return "too little", said["required"], said["available"]
            case 409, "billing.event_id_reused":
                return ("id reused",)
            case 503, "ledger.books_moved":
                return (BUSY,)
        raise AssertionError(said)

    def _capture(self, call: ChargeCall) -> Reply:
        assert call.hold is not None
        event = f"{self.scene.name}-{call.event}"
        usage = used(str(call.quantity), event_id=event, occurred_at=SENT)
        wallet = self.scene.wallets[call.customer]
        made = capture(wallet, self.scene.holds[call.hold], usage)
        word = "again" if made.replayed else "new"
        return word, made.gross.minor, made.balance.minor, made.version


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

    assert explain(history, start) is not None, told(2, history)
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
