import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from redis import Redis
from redis.client import PubSub

from app import ledger
from app.embedded import RedisServer
from app.integrations.redis_live import LIVE_PREFIX
from app.kernel import SignIn, db, defer, transaction
from tests.conftest import Database
from tests.worker.relays import wait_until, waiting_events
from tests.worker.wallets import LedgerWallet, a_ledger_wallet, pay_in

ROOT = Path(__file__).parents[2]


@dataclass
class Worker:
    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)

    def read(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(self.process.stdout)

    def has_said(self, word: str) -> bool:
        for line in self.process.stdout or []:
            self.lines.append(line)
            if word in line:
                return True
        return False


StartWorker = Callable[[], Worker]


@pytest.fixture
def start_worker(database: Database, redis_server: RedisServer) -> Iterator[StartWorker]:
    workers: list[Worker] = []

    def start() -> Worker:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.worker.worker_process"),
                *(database.application_url, database.platform_url, redis_server.url),
            ],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        worker = Worker(process)
        workers.append(worker)
        assert worker.has_said("worker_ready"), worker.lines
        threading.Thread(target=worker.read, daemon=True).start()
        return worker

    yield start
    for worker in workers:
        worker.process.kill()
        worker.process.wait()
        assert worker.process.stdout is not None
        worker.process.stdout.close()


@pytest.fixture
def heard(redis_server: RedisServer) -> Iterator[list[tuple[str, bytes]]]:
    """What the streams are told, as a web process hears it."""
    messages: list[tuple[str, bytes]] = []
    ears: PubSub = Redis.from_url(redis_server.url).pubsub(  # type: ignore[no-untyped-call]
        ignore_subscribe_messages=True
    )
    ears.psubscribe(  # type: ignore[no-untyped-call]
        **{f"{LIVE_PREFIX}*": lambda m: messages.append((m["channel"].decode(), m["data"]))}
    )
    thread = ears.run_in_thread(sleep_time=0.05)
    yield messages
    thread.stop()
    thread.join()


def defer_pay_ins(wallet: LedgerWallet, count: int) -> None:
    with transaction(wallet.scope) as session:
        for number in range(count):
            defer(
                session,
                "test_pay_in",
                book=str(wallet.reseller_id),
                clearing=str(wallet.clearing_id),
                account=str(wallet.account_id),
                key=f"job:{number}",
            )


def posted(wallet: LedgerWallet) -> int:
    with transaction(wallet.scope) as session:
        return ledger.get_balance(session, wallet.reseller_id, wallet.account_id).posted.minor


def open_jobs(database: Database) -> int:
    with psycopg.connect(database.owner_url) as owner:
        row = owner.execute(
            "SELECT count(*) FROM procrastinate.procrastinate_jobs WHERE task_name = 'test_pay_in'"
        ).fetchone()
    return int(row[0]) if row else 0


@pytest.mark.usefixtures("connected")
def test_a_worker_killed_in_the_middle_loses_and_doubles_nothing(
    start_worker: StartWorker, database: Database, heard: list[tuple[str, bytes]]
) -> None:
    paid_by_jobs = a_ledger_wallet()
    told = [a_ledger_wallet() for _ in range(300)]
    first = start_worker()
    defer_pay_ins(paid_by_jobs, 150)
    for wallet in told[:100]:
        pay_in(wallet, 100)
    wait_until(lambda: posted(paid_by_jobs) > 10)

    first.process.kill()
    done_at_death = posted(paid_by_jobs)
    for wallet in told[100:]:
        pay_in(wallet, 100)
    start_worker()
    wait_until(lambda: open_jobs(database) == 0, timeout=60)
    wait_until(lambda: {channel for channel, _ in heard} >= streams(told), timeout=60)

    assert done_at_death < 150
    assert posted(paid_by_jobs) == 150
    assert sum(waiting_events(database, wallet.reseller_id) for wallet in told) == 0


def streams(wallets: list[LedgerWallet]) -> set[str]:
    return {LIVE_PREFIX + wallet.channel for wallet in wallets}


@pytest.mark.usefixtures("connected")
def test_a_worker_asked_to_stop_ends_well_and_says_one_ready_line(
    start_worker: StartWorker,
) -> None:
    worker = start_worker()

    worker.process.send_signal(signal.SIGTERM)
    status = worker.process.wait(timeout=20)

    assert status == 0
    wait_until(lambda: any("worker_stopped" in line for line in worker.lines))
    assert len(re.findall("worker_ready", "".join(worker.lines))) == 1


@pytest.mark.usefixtures("connected")
def test_a_worker_whose_connections_broke_goes_on(
    start_worker: StartWorker, database: Database, heard: list[tuple[str, bytes]]
) -> None:
    worker, wallet, told = start_worker(), a_ledger_wallet(), a_ledger_wallet()

    with psycopg.connect(database.owner_url) as owner:
        owner.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename LIKE 'kontor_%'"
        )
    db._process.engines[SignIn.APPLICATION].dispose()
    defer_pay_ins(wallet, 3)
    pay_in(told, 100)
    wait_until(lambda: posted(wallet) == 3, timeout=20)
    wait_until(lambda: {channel for channel, _ in heard} >= streams([told]), timeout=20)

    assert worker.process.poll() is None


@pytest.mark.usefixtures("connected")
def test_the_worker_rolls_every_book_up(start_worker: StartWorker, database: Database) -> None:
    wallet = a_ledger_wallet()
    pay_in(wallet, 700)

    start_worker()
    wait_until(lambda: rolled_up(database, wallet) == -700)

    assert tail(database, wallet) == 0


def rolled_up(database: Database, wallet: LedgerWallet) -> int | None:
    with psycopg.connect(database.owner_url) as owner:
        row = owner.execute(
            "SELECT posted FROM ledger_rollups WHERE book_id = %s AND account_id = %s",
            [wallet.reseller_id, wallet.clearing_id],
        ).fetchone()
    return int(row[0]) if row else None


def tail(database: Database, wallet: LedgerWallet) -> int:
    with psycopg.connect(database.owner_url) as owner:
        row = owner.execute(
            "SELECT count(*) FROM ledger_tail WHERE book_id = %s", [wallet.reseller_id]
        ).fetchone()
    return int(row[0]) if row else 0
