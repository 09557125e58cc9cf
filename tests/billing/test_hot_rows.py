"""Hot rows: a charge waits for nobody's revenue, commission or tax, whose balance is always exact.

Requirement C4 and decision 0004: shared accounts have a roll-up and a tail; charges touch neither
the roll-up nor the account.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from app import ledger
from app.billing import Charge, Wallet, charge_usage
from app.embedded import PostgresServer
from app.kernel import cursor, now, transaction
from app.tenancy import PLATFORM_ID, PlatformScope, TenantScope
from tests.billing.test_races import broken_laws
from tests.conftest import Database
from tests.factories.databases import a_database_of_its_own, connected_to
from tests.factories.money import a_chain, a_wallet, an_event, an_offer

THREADS, SECONDS = 8, 2.0
NET, GROSS = 100, 119
# Of the net for the whole chain of three; the tax within a top-up of 5,000.
EARNED, PREPAID = 25, 79_832
# Everything that any charge of the book shares with every other.
_SHARED_ROWS = (
    "SELECT r.account_id FROM ledger_rollups r WHERE r.book_id = %s FOR UPDATE{}",
    "SELECT a.id FROM ledger_accounts a WHERE a.book_id = %s AND NOT a.guarded FOR UPDATE{}",
)
_CHARGED = b"""
SELECT count(*), coalesce(sum(net_minor), 0)::bigint, coalesce(sum(tax_minor), 0)::bigint
  FROM usage_records WHERE reseller_id = %s
"""
_GUARDED = b"SELECT coalesce(sum(posted), 0)::bigint FROM ledger_balances WHERE book_id = %s"


@dataclass(frozen=True)
class Book:
    """The last reseller of a chain of three, with a wallet for every thread."""

    id: UUID
    chain: list[UUID]
    wallets: list[Wallet]
    database: Database


@pytest.fixture(scope="module")
def own(cluster: PostgresServer, connected: Database) -> Iterator[Database]:
    with (
        a_database_of_its_own(cluster) as database,
        connected_to(database, crowd=THREADS + 4),
    ):
        yield database


@pytest.fixture
def book(own: Database) -> Book:
    chain = a_chain(3, offer=an_offer(unit_price="1.19", tax_rate="0.19"))
    wallets = [a_wallet(500_000, reseller=chain[-1]) for _ in range(THREADS)]
    made = Book(chain[-1].id, [member.id for member in chain], wallets, own)
    send(wallets[0])
    roll_up(made)
    return made


def send(wallet: Wallet) -> Charge:
    scope = TenantScope(wallet.reseller_id)
    with transaction(scope, sole=True) as session:
        return charge_usage(session, scope, usage=an_event(wallet, "1"), now=now())


def roll_up(book: Book) -> int:
    with transaction(TenantScope(book.id)) as session:
        return ledger.roll_up(session, book.id, limit=50)


@contextmanager
def locked_shared_rows(book: Book) -> Iterator[None]:
    """Somebody holds every row that all charges share, as long as this lasts."""
    with psycopg.connect(book.database.owner_url) as owner:
        for query in _SHARED_ROWS:
            assert owner.execute(query.format("").encode(), [book.id]).fetchall()
        yield
        owner.rollback()


def test_charges_go_on_while_somebody_holds_every_row_they_share(book: Book) -> None:
    with ThreadPoolExecutor(THREADS + 1) as pool:
        with locked_shared_rows(book):
            send(book.wallets[0])
            counting = pool.submit(roll_up, book)
            charges = [pool.submit(send, wallet) for wallet in book.wallets * 5]
            charged = [each.result(20) for each in charges]
            is_counted_meanwhile = counting.done()
        counted = counting.result(20)

    # That the roll-up waited shows that the rows were held.
    assert not is_counted_meanwhile
    assert len({each.id for each in charged}) == THREADS * 5
    assert counted >= 1
    assert broken_laws() == set()


def test_charges_that_wrote_to_a_roll_up_would_wait_there(book: Book) -> None:
    with charges_that_touch_roll_ups(book.database), ThreadPoolExecutor(1) as pool:
        with locked_shared_rows(book):
            charged = pool.submit(send, book.wallets[0])
            with pytest.raises(TimeoutError):
                charged.result(0.5)
        assert charged.result(20).gross.minor == GROSS


@contextmanager
def charges_that_touch_roll_ups(database: Database) -> Iterator[None]:
    """A product that keeps totals up to date with every charge."""
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        owner.execute(
            "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN"
            " UPDATE ledger_rollups SET posted = posted WHERE book_id = NEW.reseller_id;"
            " RETURN NEW; END'"
        )
        owner.execute(
            "CREATE TRIGGER touch AFTER INSERT ON usage_records"
            " FOR EACH ROW EXECUTE FUNCTION touch()"
        )
        yield
        owner.execute("DROP TRIGGER touch ON usage_records")
        owner.execute("DROP FUNCTION touch")


@pytest.mark.parametrize("how", ["one by one", "together"])
def test_a_charge_that_is_not_finished_holds_none_of_the_rows_it_shares(
    book: Book, how: str
) -> None:
    scope, wallet = TenantScope(book.id), book.wallets[0]
    usage = [an_event(wallet, "1") for _ in range(1 if how == "one by one" else 3)]

    with (
        transaction(scope) as session,
        psycopg.connect(book.database.owner_url) as other,
    ):
        for event in usage:
            charge_usage(session, scope, usage=event, now=now())
        shared = [
            other.execute(query.format(" NOWAIT").encode(), [book.id]).fetchall()
            for query in _SHARED_ROWS
        ]
        other.rollback()
        with pytest.raises(psycopg.errors.LockNotAvailable):
            other.execute(
                sql.SQL("SELECT FROM ledger_balances WHERE account_id = {} FOR UPDATE NOWAIT")
                .format(wallet.account_id)
            )  # fmt: skip

    assert all(shared)


@dataclass(frozen=True)
class Reading:
    """What stood in the books at one moment, and how many charges had finished
    before and begun by then."""

    finished_before: int
    begun_by_then: int
    charges: int
    net: int
    tax: int
    kinds: dict[str, int]
    wallets: int


@dataclass
class Load:
    """Charges, roll-ups with their seals, and a reader, until the time is over."""

    book: Book
    begun: int = 0
    finished: int = 0
    counts: threading.Lock = field(default_factory=threading.Lock)
    over: threading.Event = field(default_factory=threading.Event)

    def charge(self, wallet: Wallet) -> None:
        while not self.over.is_set():
            with self.counts:
                self.begun += 1
            send(wallet)
            with self.counts:
                self.finished += 1

    def count(self) -> int:
        rounds = 0
        while not self.over.is_set():
            rounds += roll_up(self.book) > 0
        return rounds

    def read(self) -> list[Reading]:
        readings = []
        while not self.over.is_set():
            readings.append(self._look())
        return readings

    def _look(self) -> Reading:
        """Read charges and balances in one snapshot."""
        with self.counts:
            finished = self.finished
        with transaction(PlatformScope()) as session:
            cursor(session).execute(b"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            charged = cursor(session).execute(_CHARGED, [self.book.id]).fetchone()
            wallets = cursor(session).execute(_GUARDED, [self.book.id]).fetchone()
            kinds: dict[str, int] = {}
            for owner in {PLATFORM_ID, *self.book.chain}:
                for line in ledger.owned_balances(session, owner):
                    if line.book_id == self.book.id:
                        kinds[line.kind] = kinds.get(line.kind, 0) + line.posted.minor
            shared = {
                line.account_id: line.posted.minor
                for line in ledger.shared_balances(session)
                if line.book_id == self.book.id
            }
        with self.counts:
            begun = self.begun
        assert charged is not None
        assert wallets is not None
        assert sum(shared.values()) == sum(kinds.values())
        charges, net, tax = charged
        return Reading(finished, begun, charges, net, tax, kinds, wallets[0])


def test_shared_balances_are_exact_at_any_moment_while_charges_and_roll_ups_go_on(
    book: Book,
) -> None:
    load = Load(book)
    paid_in = 500_000 * THREADS
    prepaid = -PREPAID * THREADS

    with ThreadPoolExecutor(THREADS + 2) as pool:
        charging = [pool.submit(partial(load.charge, wallet)) for wallet in book.wallets]
        counting, reading = pool.submit(load.count), pool.submit(load.read)
        time.sleep(SECONDS)
        load.over.set()
        for each in charging:
            each.result(20)
        rounds, readings = counting.result(20), reading.result(20)

    for seen in readings:
        # One charge before the load; some order of begun and finished charges gives this many.
        assert seen.finished_before <= seen.charges - 1 <= seen.begun_by_then
        assert (seen.net, seen.tax) == (NET * seen.charges, (GROSS - NET) * seen.charges)
        assert seen.kinds["revenue"] + seen.kinds["commission"] == seen.net
        assert seen.kinds["commission"] == EARNED * seen.charges
        assert seen.kinds["tax_prepaid"] == prepaid + seen.tax
        assert seen.wallets == paid_in - GROSS * seen.charges
        assert seen.wallets + sum(seen.kinds.values()) == 0
    assert all(one.charges <= other.charges for one, other in pairwise(readings))
    assert rounds >= 3
    assert len({seen.charges for seen in readings}) >= 3
    assert broken_laws() == set()
