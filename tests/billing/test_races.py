"""Many at once on one wallet (requirements C3, C4); each race is first lost with its lock off."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import pytest
from sqlalchemy import Engine

from app import billing, ledger
from app.billing import (
    Charge,
    InsufficientFundsError,
    TopUp,
    TopUpInProgressError,
    TopUpState,
    Wallet,
)
from app.embedded import PostgresServer
from app.kernel import SignIn, transaction
from app.payments import PaymentClaimedError
from app.tenancy import PlatformScope
from tests.conftest import Database
from tests.factories.broken_locks import (
    check_before_locking,
    forget_one_creation_at_a_time,
    forget_payment_claims,
    look_up_keys_instead_of_binding_them,
    take_accounts_slowly,
    without_row_locks,
)
from tests.factories.databases import a_database_of_its_own, connected_to
from tests.factories.money import (
    a_pending_top_up,
    a_top_up,
    a_wallet,
    an_event,
    charge,
    funds_of,
    paid,
    settle,
)
from tests.factories.races import all_at_once, answers, refusals

CROWD = 50


@dataclass(frozen=True)
class Ground:
    """A database of the test's own, and the engine on which a crowd races."""

    database: Database
    engine: Engine


@contextmanager
def a_ground(cluster: PostgresServer) -> Iterator[Ground]:
    with (
        a_database_of_its_own(cluster) as database,
        connected_to(database, crowd=CROWD) as engines,
    ):
        # Everybody stands at the start with a connection in hand, and no two entries are so quick
        # that they miss each other.
        for connection in [engines[SignIn.APPLICATION].connect() for _ in range(CROWD)]:
            connection.close()
        take_accounts_slowly(database, seconds=0.02)
        yield Ground(database, engines[SignIn.APPLICATION])


@pytest.fixture(scope="module")
def ground(cluster: PostgresServer, connected: Database) -> Iterator[Ground]:
    with a_ground(cluster) as made:
        yield made


@pytest.fixture
def ruins(cluster: PostgresServer, connected: Database) -> Iterator[Ground]:
    """A ground of this test alone: its locks are taken out."""
    with a_ground(cluster) as made:
        yield made


def broken_laws() -> set[str]:
    scope = PlatformScope()
    with transaction(scope) as session:
        checks = [*ledger.verify(session, scope), *billing.verify(session, scope)]
    return {check.name for check in checks if check.broken}


def one_event_many_times(wallet: Wallet) -> list[Charge | Exception]:
    event = an_event(wallet, "100")
    return all_at_once([partial(charge, wallet, event)] * CROWD)


def test_c3_fifty_identical_charges_at_once_have_one_effect(ground: Ground) -> None:
    wallet = a_wallet(5_000)

    results = one_event_many_times(wallet)

    charges = answers(results)
    assert len(charges) == CROWD
    assert [each.replayed for each in charges].count(False) == 1
    assert {(each.id, each.gross, each.balance, each.version) for each in charges} == {
        (charges[0].id, charges[0].gross, charges[0].balance, 2)
    }
    assert funds_of(wallet) == 4_900
    assert broken_laws() == set()


def test_c3_without_the_unique_key_one_event_is_charged_again_and_again(ruins: Ground) -> None:
    wallet = a_wallet(5_000)
    look_up_keys_instead_of_binding_them(ruins.database)

    one_event_many_times(wallet)

    assert funds_of(wallet) < 4_900
    assert "key-used-once" in broken_laws()


def more_than_it_can_pay(wallet: Wallet) -> list[Charge | Exception]:
    events = [an_event(wallet, "100") for _ in range(CROWD)]
    return all_at_once([partial(charge, wallet, event) for event in events])


def test_c4_a_wallet_that_can_pay_seven_pays_seven(ground: Ground) -> None:
    wallet = a_wallet(799)

    results = more_than_it_can_pay(wallet)

    assert sorted(each.balance.minor for each in answers(results)) == [
        99, 199, 299, 399, 499, 599, 699
    ]  # fmt: skip
    assert refusals(results) == [InsufficientFundsError] * (CROWD - 7)
    assert funds_of(wallet) == 99
    assert broken_laws() == set()


def test_c4_without_the_row_lock_the_wallet_pays_what_it_does_not_have(ruins: Ground) -> None:
    wallet = a_wallet(799)
    check_before_locking(ruins.database)

    results = more_than_it_can_pay(wallet)

    assert len(answers(results)) > 7
    assert "balance-is-transfers" in broken_laws()


def charges_and_top_ups(wallet: Wallet) -> int:
    """Charge 1.00 thirty times and pay in 10.00 twenty times; return what must be left."""
    before = funds_of(wallet)
    acts: list[Callable[[], object]] = [
        *(partial(charge, wallet, an_event(wallet, "100")) for _ in range(30)),
        *(partial(settle, a_pending_top_up(wallet, 1_000)) for _ in range(20)),
    ]
    results = all_at_once(acts)
    assert refusals(results) == []
    return before - 30 * 100 + 20 * 1_000


def test_c4_charges_and_top_ups_at_once_lose_nothing(ground: Ground) -> None:
    wallet = a_wallet(5_000)

    expected = charges_and_top_ups(wallet)

    assert funds_of(wallet) == expected
    assert broken_laws() == set()


def test_c4_without_the_row_lock_charges_and_top_ups_lose_money(ruins: Ground) -> None:
    wallet = a_wallet(5_000)
    check_before_locking(ruins.database)

    expected = charges_and_top_ups(wallet)

    assert funds_of(wallet) != expected
    assert "balance-is-transfers" in broken_laws()


def one_top_up_many_times(wallet: Wallet) -> list[TopUp | Exception]:
    top_up = a_top_up(wallet, 1_000)
    return all_at_once([partial(settle, top_up)] * CROWD)


def test_r11_fifty_settlements_of_one_top_up_credit_it_once(ground: Ground) -> None:
    wallet = a_wallet(0)

    results = one_top_up_many_times(wallet)

    assert [each.state for each in answers(results)] == [TopUpState.SETTLED.value] * CROWD
    assert funds_of(wallet) == 1_000
    assert broken_laws() == set()


def test_r11_without_row_lock_key_and_claim_a_top_up_is_credited_again(ruins: Ground) -> None:
    wallet = a_wallet(0)
    look_up_keys_instead_of_binding_them(ruins.database)
    forget_payment_claims(ruins.database)

    with without_row_locks(ruins.engine):
        one_top_up_many_times(wallet)

    assert funds_of(wallet) > 1_000
    assert {"top-up-credited", "top-up-claimed"} <= broken_laws()


def test_r11_any_one_of_the_three_guards_is_enough(ruins: Ground) -> None:
    claimed, keyed, locked = a_wallet(0), a_wallet(0), a_wallet(0)

    with without_row_locks(ruins.engine):
        one_top_up_many_times(claimed)
        forget_payment_claims(ruins.database)
        one_top_up_many_times(keyed)
    look_up_keys_instead_of_binding_them(ruins.database)
    one_top_up_many_times(locked)

    assert [funds_of(wallet) for wallet in (claimed, keyed, locked)] == [1_000] * 3


def one_payment_for_many(wallets: list[Wallet]) -> list[TopUp | Exception]:
    top_ups = [a_top_up(wallet, 1_000) for wallet in wallets]
    return all_at_once(
        [partial(settle, top_up, paid(top_up, payment_id="pi_shared")) for top_up in top_ups]
    )


def test_r14_one_payment_pays_one_top_up_of_many_at_once(ground: Ground) -> None:
    wallets = [a_wallet(0) for _ in range(10)]

    results = one_payment_for_many(wallets)

    assert len(answers(results)) == 1
    assert refusals(results) == [PaymentClaimedError] * 9
    assert sum(funds_of(wallet) for wallet in wallets) == 1_000
    assert broken_laws() == set()


def test_r14_without_the_claim_one_payment_is_credited_many_times(ruins: Ground) -> None:
    wallets = [a_wallet(0) for _ in range(10)]
    forget_payment_claims(ruins.database)

    one_payment_for_many(wallets)

    assert sum(funds_of(wallet) for wallet in wallets) == 10_000


def test_d1_of_ten_top_ups_asked_for_at_once_one_is_created(ground: Ground) -> None:
    wallet = a_wallet(0)

    results = all_at_once([partial(a_top_up, wallet)] * 10)

    assert len(answers(results)) == 1
    assert refusals(results) == [TopUpInProgressError] * 9


def test_d1_without_the_index_they_are_all_created(ruins: Ground) -> None:
    wallet = a_wallet(0)
    forget_one_creation_at_a_time(ruins.database)

    results = all_at_once([partial(a_top_up, wallet)] * 10)

    assert len(answers(results)) == 10


def test_d1_one_request_sent_ten_times_at_once_is_one_top_up(ground: Ground) -> None:
    wallet = a_wallet(0)

    results = all_at_once([partial(a_top_up, wallet, request_key="one")] * 10)

    assert {top_up.id for top_up in answers(results)} == {answers(results)[0].id}
    assert len(answers(results)) == 10
