"""Charges through the use case against the reference function."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from threading import Barrier

import psycopg

from app.billing import Charge
from app.kernel import SignIn, connect, driver_url, make_engine
from app.settings import Settings
from tests.benchmarks.books import proven_books
from tests.benchmarks.clients import Way, a_minute, charge, charge_crew, run
from tests.benchmarks.figures import (
    Benchmark,
    BrokenMeasurementError,
    Figure,
    at_least,
    required,
    stated,
)
from tests.benchmarks.loading import (
    ProductWallet,
    ReferenceWallet,
    load_reference,
    product_wallets,
    reference_wallets,
    settle,
)
from tests.benchmarks.samples import Comparison
from tests.benchmarks.stage import Stage, connect_to

PAIRS = 5
WALLETS, RESELLERS = 2_000, 100
AT_ONCE = 50
_STARTING_SECONDS = 30.0

HOW = """
Eight client processes charge one minute after another (19 cents, gross: tax, commission and
revenue), each charge in a transaction of its own, wallets chosen at random. The processes start
anew for each comparison, so that they know no price and no wallet before they first charge it; a
hold of two minutes is placed and a minute of it captured, each in a transaction of its own.
What is compared is taken one right after the other by the same eight processes, five times, and
who goes first alternates; each measurement begins with half a second that does not count. The
figure is the median of the five ratios; rates and latencies are those of the pair in the middle.
The reference is the function in `tests/benchmarks/charge.sql`, called as its head says, with as
many wallets and books. No worker runs meanwhile, so neither side's outbox is emptied. Funds come
by settled top-ups, and in the end every law of `kontor ledger verify` is checked; one broken row
and there are no figures. Bytes a charge: what all tables and indexes of the product grew by,
divided by the charges, with the outbox row that the worker deletes.
"""


@dataclass(frozen=True)
class _Size:
    """How much the product's tables hold."""

    charges: int
    bytes: int


@dataclass(frozen=True)
class _Loaded:
    """The wallets of one run, and how long and how often they are charged."""

    settings: Settings
    reference_url: str
    spread: Sequence[ProductWallet]
    single: Sequence[ProductWallet]
    references: Sequence[ReferenceWallet]
    seconds: float
    pairs: int


def measure(stage: Stage) -> list[Figure]:
    """Compare, then prove the books."""
    loaded = _load(stage)
    before = _size(loaded.settings)
    reference = _against_reference(loaded)
    settle(loaded.settings)
    one_reseller, hot, hold = _on_one(loaded)
    return [
        reference,
        one_reseller,
        hot,
        hold,
        _growth(before, _size(loaded.settings)),
        _one_effect(loaded.settings, loaded.spread[1]),
        proven_books(),
    ]


def _load(stage: Stage) -> _Loaded:
    settings = stage.database("charges")
    wallets = stage.count(WALLETS, quick=200)
    resellers = stage.count(RESELLERS, quick=10)
    return _Loaded(
        settings=settings,
        reference_url=load_reference(settings),
        spread=product_wallets(settings, wallets=wallets, resellers=resellers),
        single=product_wallets(settings, wallets=wallets, resellers=1),
        references=reference_wallets(settings, wallets=wallets, books=resellers),
        seconds=stage.seconds(3.0),
        pairs=stage.count(PAIRS, quick=3),
    )


def _against_reference(loaded: _Loaded) -> Figure:
    with charge_crew(loaded.settings, loaded.reference_url) as crew:
        comparison = Comparison.interleaved(
            loaded.pairs,
            partial(run, crew, loaded.spread, loaded.seconds),
            partial(run, crew, loaded.references, loaded.seconds),
        )
    return at_least(
        "a charge, as a share of the reference function",
        comparison.ratio,
        0.7,
        detail=comparison.detail("charges", "reference"),
    )


def _on_one(loaded: _Loaded) -> tuple[Figure, Figure, Figure]:
    """Compare one reseller with many, and holds with charges, in new processes."""
    with charge_crew(loaded.settings, loaded.reference_url) as crew:
        comparison = Comparison.interleaved(
            loaded.pairs,
            partial(run, crew, loaded.single, loaded.seconds),
            partial(run, crew, loaded.spread, loaded.seconds),
        )
        hot = run(crew, loaded.spread[:1], loaded.seconds)
        holds = Comparison.interleaved(
            loaded.pairs,
            partial(run, crew, loaded.spread, loaded.seconds, Way.HOLD),
            partial(run, crew, loaded.spread, loaded.seconds),
        )
    resellers = len({wallet.reseller for wallet in loaded.spread})
    return (
        at_least(
            f"all charges on one reseller, as a share of those on {resellers}",
            comparison.ratio,
            0.95,
            detail=comparison.detail("one", str(resellers)),
        ),
        stated("all charges on one wallet", f"{hot.rate:,.0f}/s", str(hot.spread)),
        at_least(
            "reserve and capture, as a share of a charge",
            holds.ratio,
            0.45,
            detail=holds.detail("both", "charges"),
        ),
    )


def _growth(before: _Size, after: _Size) -> Figure:
    charges = after.charges - before.charges
    if charges < 1_000:
        raise BrokenMeasurementError(f"{charges} charges are too few to speak of their size")
    share = (after.bytes - before.bytes) / charges
    return stated("bytes a charge", f"{share:,.0f}", f"{charges:,} charges, indexes and outbox too")


def _size(settings: Settings) -> _Size:
    with psycopg.connect(settings.database_owner_url.get_secret_value()) as owner:
        row = owner.execute(
            "SELECT (SELECT count(*) FROM usage_records),"
            " (SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c"
            "   WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace"
            "     AND c.relname NOT LIKE 'ref\\_%')"
        ).fetchone()
    if row is None:
        raise BrokenMeasurementError("no sizes")
    return _Size(int(row[0]), int(row[1]))


def _one_effect(settings: Settings, wallet: ProductWallet) -> Figure:
    """Send one event many times at once: one charge, and the same answer for everybody."""
    url = driver_url(settings.database_url.get_secret_value())
    engine = make_engine(url, pool_size=AT_ONCE)
    connect({SignIn.APPLICATION: engine})
    barrier, usage = Barrier(AT_ONCE), a_minute(wallet)

    def send(_number: int) -> Charge:
        barrier.wait(_STARTING_SECONDS)
        return charge(wallet, usage)

    before = charge(wallet, a_minute(wallet)).version
    with ThreadPoolExecutor(AT_ONCE) as pool:
        charges = list(pool.map(send, range(AT_ONCE)))
    after = charge(wallet, a_minute(wallet)).version
    engine.dispose()
    connect_to(settings)
    charged = sum(not answer.replayed for answer in charges)
    answers = {(answer.id, answer.balance, answer.version) for answer in charges}
    effects = after - before - 1
    return required(
        f"one event sent {AT_ONCE} times at once",
        "one effect",
        f"{effects} effect, {len(answers)} answer",
        is_met=(charged, effects, len(answers)) == (1, 1, 1),
        detail=f"{charged} charged, {AT_ONCE - charged} were told the same again",
    )


BENCHMARK = Benchmark("charges", "Charges", HOW, measure)
