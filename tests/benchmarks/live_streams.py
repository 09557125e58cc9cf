"""Measures the live balance: `python -m tests.benchmarks.live_streams [streams] [charges/s]`.

One gunicorn worker with gevent, one `kontor worker`, PostgreSQL and Redis under our own launcher;
as many streams as asked for, and then charges. Prints the time from just before the COMMIT to the
client, and the memory of the web process per stream.
"""

import asyncio
import json
import multiprocessing
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from secrets import token_urlsafe
from urllib.request import urlopen

import psutil

from app.cli import schema_changes
from app.edge.browser_sessions import TOKEN_KEY, BrowserSessions
from app.embedded import start_postgres, start_redis
from app.identity import CustomerUser, Realm
from app.identity.models import UserSession
from app.identity.rules import token_id
from app.integrations.redis_live import RedisBell
from app.kernel import SignIn, connect, driver_url, make_engine, new_id, now, transaction
from app.tenancy import Site, TenantKind, TenantScope
from tests.conftest import Database, make_database
from tests.factories import a_customer, a_reseller
from tests.worker.wallets import LedgerWallet, a_wallet_of, pay_in

ROOT = Path(__file__).parents[2]
DOMAIN = "kontor.localhost"
SECRET = "k3y-0f-th3-m3asur3ment-w1th-en0ugh-d1ff3rent-characters"
SECONDS = 20
WARM_UP = 20  # streams that do not count as memory


@dataclass(frozen=True)
class Seat:
    host: str
    cookie: str
    wallet: LedgerWallet


Charge = tuple[str, int, float]


def main(streams: int, rate: int) -> None:
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        cluster = stack.enter_context(start_postgres(directory / "postgres"))
        redis = stack.enter_context(start_redis(directory / "redis"))
        database = make_database(cluster, "measured")
        schema_changes.upgrade(database.owner_url)
        connect_here(database, redis.url)
        port = free_port()
        seats = make_seats(streams)
        environment = settings(database, redis.url, port)
        web = stack.enter_context(process(environment, "-m", "gunicorn", *gunicorn(port)))
        stack.enter_context(process(environment, "-m", "app.cli", "worker"))
        wait_for(f"http://127.0.0.1:{port}/healthz")
        asyncio.run(measure(web, database, redis.url, seats, (streams, rate, port)))


async def measure(
    web: psutil.Process,
    database: Database,
    redis_url: str,
    seats: list[Seat],
    size: tuple[int, int, int],
) -> None:
    streams, rate, port = size
    received: dict[tuple[str, int], list[float]] = {}
    # The first ones warm the process up; they do not count as memory of a stream.
    readers = await open_streams(seats[:WARM_UP], port, received)
    empty = memory(web)
    started = time.time()
    readers += await open_streams(seats[WARM_UP:], port, received)
    opened = time.time() - started
    each = (memory(web) - empty) / (streams - WARM_UP) / 1024
    charges = await asyncio.to_thread(
        charge_elsewhere, database, redis_url, [seat.wallet for seat in seats], rate
    )
    await asyncio.sleep(1)
    for reader in readers:
        reader.cancel()
    delays = sorted(
        at - committed
        for wallet, version, committed in charges
        for at in received.get((wallet, version), [])
    )
    told = sum(bool(received.get((wallet, version))) for wallet, version, _ in charges)
    print(f"{streams} streams opened in {opened:.1f} s, {each:.1f} kB each")  # noqa: T201
    print(f"{len(charges)} charges, {told} told themselves, the others by a later one")  # noqa: T201
    for share in (0.5, 0.95, 0.99, 1.0):
        at = delays[min(len(delays) - 1, int(len(delays) * share))]
        print(f"p{share * 100:g} commit to client {at * 1000:.1f} ms")  # noqa: T201


async def open_streams(
    seats: list[Seat], port: int, received: dict[tuple[str, int], list[float]]
) -> list[asyncio.Task[None]]:
    gate = asyncio.Semaphore(100)
    ready = [asyncio.Event() for _ in seats]
    readers = [
        asyncio.create_task(read(seat, port, received, gate, event))
        for seat, event in zip(seats, ready, strict=True)
    ]
    await asyncio.gather(*(event.wait() for event in ready))
    return readers


async def read(
    seat: Seat,
    port: int,
    received: dict[tuple[str, int], list[float]],
    gate: asyncio.Semaphore,
    ready: asyncio.Event,
) -> None:
    async with gate:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            f"GET /portal/balance/stream HTTP/1.1\r\nHost: {seat.host}\r\n"
            f"Cookie: {seat.cookie}\r\nAccept: text/event-stream\r\n\r\n".encode()
        )
        status = await reader.readline()
        if b" 200 " not in status:
            raise ConnectionError(status)
        while not (await reader.readline()).startswith(b"data:"):
            pass
        ready.set()
    while line := await reader.readline():
        if line.startswith(b"data:{"):
            at, state = time.time(), json.loads(line[5:])
            if "version" in state:
                received.setdefault((state["wallet_id"], state["version"]), []).append(at)


def charge_elsewhere(
    database: Database, redis_url: str, wallets: list[LedgerWallet], rate: int
) -> list[Charge]:
    """Charge in a process of its own: measuring and charging must not share an interpreter."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(charge, (database, redis_url, wallets, rate))


def charge(
    database: Database, redis_url: str, wallets: list[LedgerWallet], rate: int
) -> list[Charge]:
    connect_here(database, redis_url)
    charges: list[Charge] = []
    started = time.time()
    for number in range(rate * SECONDS):
        time.sleep(max(0.0, started + number / rate - time.time()))
        wallet = wallets[number % len(wallets)]
        at = time.time()
        charges.append((str(wallet.id), pay_in(wallet, 1), at))
    return charges


def make_seats(count: int) -> list[Seat]:
    """Customers of one reseller, each signed in and with a wallet of its own."""
    reseller = a_reseller()
    host = f"{reseller.slug}.{DOMAIN}"
    scope = TenantScope(reseller.id)
    site = Site(reseller.id, TenantKind.RESELLER, reseller.slug, reseller.name, host, ())
    cookies = BrowserSessions(SECRET, is_secure=False, lifetime=timedelta(hours=1))
    name, signer = cookies._name(Realm.CUSTOMER), cookies._signer(site, Realm.CUSTOMER)
    seats = []
    for _ in range(count):
        customer, token = a_customer(reseller), token_urlsafe(32)
        with transaction(scope) as session:
            user = CustomerUser(
                reseller_id=reseller.id, id=new_id(), customer_id=customer.id,
                email=f"{token}@example.com", name="", password_hash="",
            )  # fmt: skip
            opened = UserSession(
                reseller_id=reseller.id, id=token_id(token), realm=Realm.CUSTOMER.value,
                user_id=user.id, host=host, expires_at=now() + timedelta(hours=1),
            )  # fmt: skip
            session.add_all([user, opened])
        cookie = f"{name}={signer.dumps({TOKEN_KEY: token})}"
        seats.append(Seat(host, cookie, a_wallet_of(customer)))
    return seats


def connect_here(database: Database, redis_url: str) -> None:
    connect(
        {
            SignIn.APPLICATION: make_engine(driver_url(database.application_url)),
            SignIn.PLATFORM: make_engine(driver_url(database.platform_url)),
        },
        after_emit=RedisBell(redis_url).ring,
    )


def settings(database: Database, redis_url: str, port: int) -> dict[str, str]:
    return {
        **os.environ,
        "KONTOR_MODE": "demo",
        "PLATFORM_DOMAIN": DOMAIN,
        "PUBLIC_PORT": str(port),
        "SECRET_KEY": SECRET,
        "DATABASE_URL": database.application_url,
        "DATABASE_PLATFORM_URL": database.platform_url,
        "REDIS_URL": redis_url,
    }


def gunicorn(port: int) -> list[str]:
    settings_file = str(ROOT / "deploy" / "gunicorn.conf.py")
    return ["--config", settings_file, "--bind", f"127.0.0.1:{port}", "--workers", "1"]


@contextmanager
def process(environment: dict[str, str], *arguments: str) -> Iterator[psutil.Process]:
    with Path(os.devnull).open("w") as nowhere:
        started = subprocess.Popen(
            [sys.executable, *arguments], env=environment, cwd=ROOT, stdout=nowhere
        )
    yield psutil.Process(started.pid)
    started.terminate()
    started.wait()


def memory(web: psutil.Process) -> int:
    return sum(child.memory_info().rss for child in web.children())


def free_port() -> int:
    with socket.socket() as finder:
        finder.bind(("127.0.0.1", 0))
        port: int = finder.getsockname()[1]
        return port


def wait_for(address: str) -> None:
    for _ in range(100):
        try:
            with urlopen(address, timeout=1):  # noqa: S310 - our own address
                return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(address)


if __name__ == "__main__":
    main(*(int(word) for word in (sys.argv[1:] or ["1000", "100"])))
