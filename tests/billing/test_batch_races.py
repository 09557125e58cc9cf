"""Batches that meet others on their way: customers with two currencies, terms that change."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from decimal import Decimal

import psycopg
import pytest

from app import ledger
from app.billing import Charge, ReportedUsage, Result, Wallet, open_wallet, take_in
from app.embedded import PostgresServer
from app.kernel import now, transaction
from app.pricing import Offer, sell_offer, set_price
from app.tenancy import PlatformScope
from tests.billing.test_hold_races import wait_for_a_queue
from tests.billing.test_races import Ground, a_ground, broken_laws
from tests.conftest import Database
from tests.factories.credits import adjust
from tests.factories.money import (
    METER,
    a_priced_reseller,
    a_wallet,
    an_event,
    an_offer,
    charge,
    funds_of,
    scope_of_wallet,
)
from tests.factories.names import unique

PLATFORM = PlatformScope()
_FREE = b"SELECT 1 FROM ledger_balances WHERE account_id = %s FOR UPDATE SKIP LOCKED"


@pytest.fixture(scope="module")
def ground(cluster: PostgresServer, connected: Database) -> Iterator[Ground]:
    with a_ground(cluster) as made:
        yield made


def usage_of(wallet: Wallet, at: datetime, quantity: str = "100") -> ReportedUsage:
    told = {"id": unique("event"), "meter": METER, "quantity": quantity, "occurred_at": at}
    return ReportedUsage.model_validate(told | {"customer_id": wallet.customer_id})


def taken(wallet: Wallet, events: list[ReportedUsage]) -> list[Result]:
    return list(take_in(scope_of_wallet(wallet), events, now=now()))


def two_currencies() -> list[tuple[Wallet, datetime]]:
    """A customer's wallets, by the order of their accounts, each with a time that it pays for."""
    reseller, turn = a_priced_reseller(), now() - timedelta(hours=2)
    dollars = an_offer(currency="USD")
    with transaction(PLATFORM) as session:
        sell_offer(session, PLATFORM, reseller_id=reseller.id, offer_id=dollars.id, valid_from=turn)
    old = a_wallet(0, reseller=reseller)
    scope = scope_of_wallet(old)
    with transaction(scope) as session:
        new = open_wallet(session, scope, customer_id=old.customer_id, currency="USD")
    for wallet in (old, new):
        adjust(wallet, 5_000)
    hour = timedelta(hours=1)
    return sorted([(old, turn - hour), (new, turn + hour)], key=lambda each: each[0].account_id)


def is_locked(database: Database, wallet: Wallet) -> bool:
    with psycopg.connect(database.owner_url) as owner:
        return owner.execute(_FREE, [wallet.account_id]).fetchone() is None


@pytest.mark.parametrize("step", [1, -1])
def test_the_accounts_of_all_currencies_are_locked_in_the_order_of_their_ids(
    ground: Ground, step: int
) -> None:
    """Locked in the order of the events, two batches would wait for each other."""
    (first, before), (last, after) = two_currencies()
    events = [usage_of(first, before), usage_of(last, after)][::step]

    with ThreadPoolExecutor(1) as pool:
        with transaction(scope_of_wallet(last)) as session:
            ledger.lock_balances(session, last.reseller_id, [last.account_id])
            waiting = pool.submit(taken, first, events)
            wait_for_a_queue(ground.database)
            first_is_locked = is_locked(ground.database, first)
        results = waiting.result(20)

    assert first_is_locked
    assert [type(each.outcome) for each in results] == [Charge, Charge]
    assert (funds_of(first), funds_of(last)) == (4_900, 4_900)
    assert broken_laws() == set()


def price(offer: Offer, valid_from: datetime, *, allowance: str) -> None:
    with transaction(PLATFORM) as session:
        set_price(
            session, PLATFORM, offer_id=offer.id, meter=METER, unit_price=Decimal("0.01"),
            valid_from=valid_from, allowance=Decimal(allowance),
        )  # fmt: skip


def test_an_allowance_that_comes_while_a_batch_waits_is_not_given_twice(ground: Ground) -> None:
    """The batch read no volumes, for the terms that it knew asked for none."""
    at = now() - timedelta(minutes=1)
    offer = an_offer(allowance="10")
    wallet = a_wallet(5_000, reseller=a_priced_reseller(offer=offer))
    charge(wallet, an_event(wallet, "10", occurred_at=at))
    price(offer, at - timedelta(hours=2), allowance="0")
    charge(wallet, an_event(wallet, "1", occurred_at=at))

    with ThreadPoolExecutor(1) as pool:
        with transaction(scope_of_wallet(wallet)) as session:
            ledger.lock_balances(session, wallet.reseller_id, [wallet.account_id])
            waiting = pool.submit(taken, wallet, [usage_of(wallet, at, "10")])
            wait_for_a_queue(ground.database)
            price(offer, at - timedelta(hours=1), allowance="10")
        (result,) = waiting.result(20)

    assert isinstance(result.outcome, Charge)
    assert result.outcome.gross.minor == 10
    assert funds_of(wallet) == 5_000 - 1 - 10
