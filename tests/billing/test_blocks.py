"""Blocked customers (F2): charged nothing, paid in all the same, and never half blocked."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from threading import Thread
from time import perf_counter, sleep

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from app import billing, ledger
from app.audit import AuditRecord
from app.billing import (
    BlockReason,
    Charge,
    CustomerBlockedError,
    Wallet,
    WalletFrozenError,
    WalletState,
    block_customer,
    freeze_wallet,
    get_wallet,
    open_wallet,
    unblock_customer,
)
from app.billing.rules import wallet_state
from app.embedded import PostgresServer
from app.identity import CustomerNotFoundError, get_customer
from app.kernel import OutboxEvent, SignIn, transaction
from app.tenancy import PlatformScope, TenantScope
from tests.conftest import Database
from tests.factories import a_customer, a_reseller
from tests.factories.broken_locks import without_row_locks
from tests.factories.databases import a_database_of_its_own, connected_to
from tests.factories.money import (
    a_priced_reseller,
    a_settled_top_up,
    a_wallet,
    an_event,
    charge,
    funds_of,
    scope_of_wallet,
)
from tests.factories.races import all_at_once, answers, refusals

PLATFORM = PlatformScope()
CROWD = 20


@pytest.fixture(autouse=True)
def _connected(connected: Database) -> None:
    pass


def block(wallet: Wallet, reason: BlockReason = BlockReason.UNPAID) -> None:
    scope = scope_of_wallet(wallet)
    with transaction(scope) as session:
        block_customer(session, scope, customer_id=wallet.customer_id, reason=reason)


def unblock(wallet: Wallet) -> None:
    scope = scope_of_wallet(wallet)
    with transaction(scope) as session:
        unblock_customer(session, scope, customer_id=wallet.customer_id)


def freeze(wallet: Wallet) -> bool:
    with transaction(PLATFORM) as session:
        frozen = freeze_wallet(
            session,
            PLATFORM,
            reseller_id=wallet.reseller_id,
            account_id=wallet.account_id,
            reason="test",
        )
    return frozen is not None


def states(wallet: Wallet) -> tuple[str, str]:
    """The customer's state and the wallet's."""
    scope = scope_of_wallet(wallet)
    with transaction(scope) as session:
        customer = get_customer(session, scope, customer_id=wallet.customer_id)
        found = get_wallet(session, scope, customer_id=wallet.customer_id, currency=wallet.currency)
    return customer.state, found.state


def written_of(wallet: Wallet) -> tuple[list[tuple[str, dict[str, object]]], list[str]]:
    """What the audit trail and the outbox say of blocks in the wallet's book."""
    with transaction(PLATFORM) as session:
        records = session.scalars(
            select(AuditRecord)
            .where(
                AuditRecord.reseller_id == wallet.reseller_id,
                AuditRecord.subject_id == wallet.customer_id,
                AuditRecord.action.like("billing.%"),
            )
            .order_by(AuditRecord.id)
        ).all()
        events = session.scalars(
            select(OutboxEvent)
            .where(
                OutboxEvent.reseller_id == wallet.reseller_id,
                OutboxEvent.kind.like("customer_%"),
            )
            .order_by(OutboxEvent.id)
        ).all()
    assert all(event.body == {"customer_id": str(wallet.customer_id)} for event in events)
    return [(each.action, each.facts) for each in records], [event.kind for event in events]


def test_a_blocked_customer_is_charged_nothing_until_she_is_unblocked() -> None:
    wallet = a_wallet(1_000)
    neighbour = a_wallet(1_000)

    block(wallet)

    with pytest.raises(CustomerBlockedError):
        charge(wallet, "100")
    assert funds_of(wallet) == 1_000
    charge(neighbour, "100")
    unblock(wallet)
    charge(wallet, "100")
    assert (funds_of(wallet), states(wallet)) == (900, ("active", "active"))


def test_c3_an_event_that_was_paid_before_gets_its_first_answer() -> None:
    wallet = a_wallet(1_000)
    event = an_event(wallet, "100")
    first = charge(wallet, event)

    block(wallet)

    again = charge(wallet, event)
    assert (again.id, again.replayed, funds_of(wallet)) == (first.id, True, 900)


def test_a_top_up_of_a_blocked_customer_arrives() -> None:
    wallet = a_wallet(0)
    block(wallet)

    a_settled_top_up(wallet, 1_000)

    assert (funds_of(wallet), states(wallet)) == (1_000, ("blocked", "blocked"))


def test_all_wallets_are_blocked_and_those_that_are_opened_later() -> None:
    wallet, scope = (made := a_wallet(0)), scope_of_wallet(made)
    with transaction(scope) as session:
        dollars = open_wallet(session, scope, customer_id=wallet.customer_id, currency="USD")

    block(wallet)

    with transaction(scope) as session:
        pounds = open_wallet(session, scope, customer_id=wallet.customer_id, currency="GBP")
    assert [states(each) for each in (wallet, dollars, pounds)] == [("blocked", "blocked")] * 3
    unblock(wallet)
    assert [states(each) for each in (wallet, dollars, pounds)] == [("active", "active")] * 3


def test_a_frozen_wallet_stays_frozen_whatever_becomes_of_the_block() -> None:
    wallet = a_wallet(1_000)
    freeze(wallet)

    block(wallet)
    blocked = states(wallet)
    with pytest.raises(WalletFrozenError):
        charge(wallet, "100")
    unblock(wallet)

    assert (blocked, states(wallet)) == (("blocked", "frozen"), ("active", "frozen"))
    assert funds_of(wallet) == 1_000


def test_a_wallet_that_is_frozen_during_a_block_stays_frozen_after_it() -> None:
    wallet = a_wallet(1_000)
    block(wallet)

    froze = [freeze(wallet), freeze(wallet)]

    assert (froze, states(wallet)) == ([True, False], ("blocked", "frozen"))
    unblock(wallet)
    assert states(wallet) == ("active", "frozen")


@given(is_frozen=st.booleans(), is_blocked=st.booleans())
def test_a_wallet_is_active_only_without_doubt_and_block(
    is_frozen: bool,  # noqa: FBT001 - Hypothesis passes them
    is_blocked: bool,  # noqa: FBT001 - same
) -> None:
    state = wallet_state(is_frozen=is_frozen, is_blocked=is_blocked)

    assert (state is WalletState.ACTIVE) == (not is_frozen and not is_blocked)
    assert (state is WalletState.FROZEN) == is_frozen


def test_blocking_is_safe_to_repeat_and_written_down_once() -> None:
    wallet = a_wallet(0)

    for _ in range(2):
        block(wallet, BlockReason.FRAUD)
    for _ in range(2):
        unblock(wallet)

    assert written_of(wallet) == (
        [
            ("billing.customer_blocked", {"reason": "fraud"}),
            ("billing.customer_unblocked", {}),
        ],
        ["customer_blocked", "customer_unblocked"],
    )


@pytest.mark.parametrize("sign_in", list(SignIn))
def test_a5_another_resellers_customer_looks_like_none(sign_in: SignIn) -> None:
    wallet, blocked = a_wallet(0), a_wallet(0)
    block(blocked)
    stranger = TenantScope(a_reseller().id, sign_in)

    with transaction(stranger) as session, pytest.raises(CustomerNotFoundError):
        block_customer(session, stranger, customer_id=wallet.customer_id, reason=BlockReason.OTHER)
    with transaction(stranger) as session, pytest.raises(CustomerNotFoundError):
        unblock_customer(session, stranger, customer_id=blocked.customer_id)

    assert (states(wallet), states(blocked)) == (("active", "active"), ("blocked", "blocked"))
    assert written_of(wallet) == ([], [])


@contextmanager
def a_crowd(cluster: PostgresServer) -> Iterator[None]:
    with (
        a_database_of_its_own(cluster) as database,
        connected_to(database, crowd=CROWD + 1) as engines,
    ):
        for connection in [engines[SignIn.APPLICATION].connect() for _ in range(CROWD)]:
            connection.close()
        yield


def broken_laws() -> set[str]:
    with transaction(PLATFORM) as session:
        checks = [*ledger.verify(session, PLATFORM), *billing.verify(session, PLATFORM)]
    return {check.name for check in checks if check.broken}


def test_c4_each_charge_at_once_with_a_block_is_charged_before_or_refused(
    cluster: PostgresServer, connected: Database
) -> None:
    tried: list[tuple[float, Charge | None]] = []

    def pay(wallet: Wallet) -> float:
        """Charge again and again until the first refusal."""
        while True:
            began = perf_counter()
            try:
                tried.append((began, charge(wallet, "100")))
            except CustomerBlockedError:
                tried.append((began, None))
                return began

    def block_it(wallet: Wallet) -> float:
        sleep(0.3)
        block(wallet)
        return perf_counter()

    with a_crowd(cluster):
        wallet = a_wallet(500_000)

        results = all_at_once([partial(block_it, wallet), *[partial(pay, wallet)] * CROWD])

        assert refusals(results) == []
        charged = [began for began, made in tried if made is not None]
        assert 0 < len(charged) == len(tried) - CROWD
        assert max(charged) < answers(results)[0]
        assert funds_of(wallet) == 500_000 - 100 * len(charged)
        assert broken_laws() == set()


def a_wallet_opened_while_its_customer_is_blocked() -> tuple[str, str]:
    """Open a wallet, and before that is committed, begin to block the customer."""
    customer = a_customer(a_priced_reseller())
    scope = TenantScope(customer.reseller_id)

    def block_her() -> None:
        with transaction(scope) as session:
            block_customer(session, scope, customer_id=customer.id, reason=BlockReason.OTHER)

    other = Thread(target=block_her)
    with transaction(scope) as session:
        wallet = open_wallet(session, scope, customer_id=customer.id, currency="EUR")
        other.start()
        other.join(0.5)
    other.join()
    return states(wallet)


def test_a_wallet_that_is_opened_at_once_with_a_block_is_blocked() -> None:
    assert a_wallet_opened_while_its_customer_is_blocked() == ("blocked", "blocked")


def test_without_the_lock_it_escapes_the_block(cluster: PostgresServer) -> None:
    with (
        a_database_of_its_own(cluster) as database,
        connected_to(database) as engines,
        without_row_locks(engines[SignIn.APPLICATION]),
    ):
        assert a_wallet_opened_while_its_customer_is_blocked() == ("blocked", "active")


def test_a_wallet_that_ten_open_at_once_is_one_with_one_account(cluster: PostgresServer) -> None:
    with a_crowd(cluster):
        customer = a_customer(a_priced_reseller())
        scope = TenantScope(customer.reseller_id)

        def open_it() -> Wallet:
            with transaction(scope) as session:
                return open_wallet(session, scope, customer_id=customer.id, currency="EUR")

        results = all_at_once([open_it] * 10)

        assert (len(answers(results)), len({each.id for each in answers(results)})) == (10, 1)
        assert broken_laws() == set()
