"""Eight client processes that charge as fast as they can, by reference or by use case."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import Enum
from uuid import uuid4

import psycopg

from app.billing import (
    CapturedUsage,
    Charge,
    UsageEvent,
    capture_hold,
    charge_usage,
    place_hold,
)
from app.kernel import Money, new_id, now, transaction
from app.settings import Settings
from app.tenancy import TenantScope
from tests.benchmarks.crew import Crew
from tests.benchmarks.figures import BrokenMeasurementError
from tests.benchmarks.loading import METER, PRICE_MINOR, ProductWallet, ReferenceWallet
from tests.benchmarks.samples import Sample, Spell
from tests.benchmarks.stage import connect_to

CLIENTS = 8
WARM_UP = 0.5

Target = ReferenceWallet | ProductWallet


class Way(Enum):
    """How a wallet of ours is charged: at once, or by a hold that is placed and captured."""

    AT_ONCE = "at once"
    HOLD = "hold"


@dataclass(frozen=True)
class Charging:
    """Charge wallets at random for so many seconds, after half a second that does not count."""

    targets: Sequence[Target]
    seconds: float
    seed: int
    way: Way = Way.AT_ONCE


ChargeCrew = Crew[Charging, Spell]


def charge_crew(settings: Settings, reference_url: str) -> ChargeCrew:
    """Return the processes that do both sides of every comparison."""
    return ChargeCrew(CLIENTS, _client, settings, reference_url)


def run(
    crew: ChargeCrew, targets: Sequence[Target], seconds: float, way: Way = Way.AT_ONCE
) -> Sample:
    """Let every client charge these wallets for a while."""
    seeds = range(len(crew))
    return Sample.of(crew.work([Charging(targets, seconds, seed, way) for seed in seeds]))


def a_minute(wallet: ProductWallet) -> UsageEvent:
    """Return a new event: the customer spoke for a minute."""
    return UsageEvent(uuid4().hex, wallet.customer, METER, Decimal(1), now())


def charge(wallet: ProductWallet, usage: UsageEvent) -> Charge:
    """Charge an event through the use case, in a transaction of its own."""
    scope = TenantScope(wallet.reseller.id)
    with transaction(scope, sole=True) as session:
        return charge_usage(session, scope, usage=usage, now=now())


def hold_and_capture(wallet: ProductWallet) -> Charge:
    """Reserve two minutes' money, then capture the minute that was used: two transactions."""
    scope, at = TenantScope(wallet.reseller.id), now()
    with transaction(scope, sole=True) as session:
        placed = place_hold(
            session,
            scope,
            key=uuid4().hex,
            customer_id=wallet.customer,
            amount=Money(2 * PRICE_MINOR, "EUR"),
            expires_at=at + timedelta(hours=1),
            now=at,
        )
    usage = CapturedUsage(uuid4().hex, METER, Decimal(1), now())
    with transaction(scope, sole=True) as session:
        return capture_hold(session, scope, hold_id=placed.id, usage=usage, now=now())


def _client(settings: Settings, reference_url: str) -> Callable[[Charging], Spell]:
    connection = psycopg.connect(reference_url)
    connect_to(settings)

    def charge_target(target: Target) -> None:
        if isinstance(target, ReferenceWallet):
            _charge_by_reference(connection, target)
        else:
            charge(target, a_minute(target))

    def hold_target(target: Target) -> None:
        if not isinstance(target, ProductWallet):
            raise TypeError(target)
        hold_and_capture(target)

    def work(order: Charging) -> Spell:
        act = charge_target if order.way is Way.AT_ONCE else hold_target
        chooser = random.Random(order.seed * 7919 + time.monotonic_ns())
        _spend(act, order.targets, chooser, WARM_UP)
        started = time.perf_counter()
        spent = _spend(act, order.targets, chooser, order.seconds)
        return Spell(spent, time.perf_counter() - started)

    return work


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


def _charge_by_reference(
    connection: psycopg.Connection[tuple[object, ...]], target: ReferenceWallet
) -> None:
    """Call the reference as its head says: BEGIN, set_config, the function, COMMIT."""
    connection.execute("SELECT set_config('app.book_id', %s, true)", [str(target.book)])
    row = connection.execute(
        "SELECT ref_charge(%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [
            target.book, target.wallet, new_id(), uuid4().hex, b"0" * 32, PRICE_MINOR,
            target.tax, target.commission, target.revenue,
        ],
    ).fetchone()  # fmt: skip
    connection.commit()
    if row is None or row[0] is None:
        raise BrokenMeasurementError("the reference wallet is empty")
