"""Eight client processes that charge as fast as they can, by reference or by use case."""

from __future__ import annotations

import multiprocessing
import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from multiprocessing.connection import Connection
from uuid import UUID, uuid4

import psycopg

from app.billing import UsageEvent, charge_usage
from app.cli.schema_changes import driver_url
from app.kernel import SignIn, connect, make_engine, new_id, now, transaction
from app.tenancy import TenantScope

CLIENTS = 8
WARM_UP = 0.5


@dataclass(frozen=True)
class ReferenceWallet:
    """A wallet of the reference function and the accounts its charges credit."""

    book: UUID
    wallet: UUID
    tax: UUID
    commission: UUID
    revenue: UUID


@dataclass(frozen=True)
class ProductWallet:
    """A customer of ours."""

    reseller: UUID
    customer: UUID


Target = ReferenceWallet | ProductWallet


@dataclass(frozen=True)
class Sample:
    """What all clients did in one run: charges a second and latencies in milliseconds."""

    rate: float
    p50: float
    p95: float
    p99: float


@dataclass(frozen=True)
class _Order:
    targets: Sequence[Target]
    seconds: float
    seed: int


class Clients:
    """The same eight processes for everything that is compared."""

    def __init__(self, reference_url: str, application_url: str) -> None:
        # Spawned, so that no client inherits a connection.
        context = multiprocessing.get_context("spawn")
        self._pipes: list[Connection] = []
        self._processes = []
        for number in range(CLIENTS):
            ours, theirs = context.Pipe()
            process = context.Process(
                target=_client, args=(theirs, reference_url, application_url, number), daemon=True
            )
            process.start()
            self._pipes.append(ours)
            self._processes.append(process)

    def run(self, targets: Sequence[Target], seconds: float) -> Sample:
        """Let every client charge wallets at random for a while."""
        for number, pipe in enumerate(self._pipes):
            pipe.send(_Order(targets, seconds, number))
        latencies: list[float] = []
        rate = 0.0
        for pipe in self._pipes:
            spent, elapsed = pipe.recv()
            latencies += spent
            rate += len(spent) / elapsed
        cuts = statistics.quantiles(latencies, n=100)
        return Sample(rate, cuts[49] * 1000, cuts[94] * 1000, cuts[98] * 1000)

    def stop(self) -> None:
        """End the processes."""
        for pipe in self._pipes:
            pipe.send(None)
        for process in self._processes:
            process.join(10)


def _client(pipe: Connection, reference_url: str, application_url: str, number: int) -> None:
    connection = psycopg.connect(reference_url)
    connect({SignIn.APPLICATION: make_engine(driver_url(application_url))})
    while (order := pipe.recv()) is not None:
        chooser = random.Random(order.seed * 7919 + number)
        targets = list(order.targets)
        reference = isinstance(targets[0], ReferenceWallet)
        charge: Callable[[Target], None] = (
            (lambda target: _reference(connection, target)) if reference else _product
        )
        _spend(charge, targets, chooser, WARM_UP)
        started = time.perf_counter()
        spent = _spend(charge, targets, chooser, order.seconds)
        pipe.send((spent, time.perf_counter() - started))


def _spend(
    charge: Callable[[Target], None],
    targets: Sequence[Target],
    chooser: random.Random,
    seconds: float,
) -> list[float]:
    spent = []
    end = time.perf_counter() + seconds
    while (began := time.perf_counter()) < end:
        charge(chooser.choice(targets))
        spent.append(time.perf_counter() - began)
    return spent


def _reference(connection: psycopg.Connection[tuple[object, ...]], target: Target) -> None:
    """Call the reference as its head says: BEGIN, set_config, the function, COMMIT."""
    if not isinstance(target, ReferenceWallet):
        raise TypeError(target)
    connection.execute("SELECT set_config('app.book_id', %s, true)", [str(target.book)])
    row = connection.execute(
        "SELECT ref_charge(%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [
            target.book, target.wallet, new_id(), uuid4().hex, b"0" * 32, 19,
            target.tax, target.commission, target.revenue,
        ],
    ).fetchone()  # fmt: skip
    connection.commit()
    if row is None or row[0] is None:
        raise RuntimeError("the reference wallet is empty")


def _product(target: Target) -> None:
    if not isinstance(target, ProductWallet):
        raise TypeError(target)
    scope = TenantScope(target.reseller)
    at = now()
    usage = UsageEvent(uuid4().hex, target.customer, "call_minutes", Decimal(1), at)
    with transaction(scope) as session:
        charge_usage(session, scope, usage=usage, now=at)
