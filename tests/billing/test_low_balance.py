"""A wallet that falls below its threshold is told once per fall; receipts are written once."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from app import billing
from app.billing import Fall, LimitRefusedError, Wallet
from app.identity import CustomerRole, add_customer_user
from app.kernel import CurrencyMismatchError, Money, now, transaction
from app.notifications import DeliveryLine, MessageKind, list_deliveries
from app.tenancy import PlatformScope, TenantScope
from tests.conftest import Database
from tests.factories import a_staff_user, unique
from tests.factories.credits import credit_of, with_bonus
from tests.factories.money import (
    a_priced_reseller,
    a_settled_top_up,
    a_wallet,
    an_offer,
    charge,
    scope_of_wallet,
    settle,
)


def note(*wallets: Wallet) -> list[Fall]:
    platform = PlatformScope()
    with transaction(platform) as session:
        return billing.note_balances(
            session, platform, wallets=[(each.reseller_id, each.id) for each in wallets], now=now()
        )


def a_person(wallet: Wallet, role: CustomerRole = CustomerRole.OWNER) -> UUID:
    scope = scope_of_wallet(wallet)
    with transaction(scope) as session:
        return add_customer_user(
            session,
            scope,
            customer_id=wallet.customer_id,
            email=f"{unique('anna')}@example.com",
            name="Anna Adler",
            password="correct horse battery staple",
            role=role,
        ).id


def tell(wallet: Wallet, fall: Fall) -> list[UUID]:
    scope = scope_of_wallet(wallet)
    with transaction(scope) as session:
        return billing.queue_low_balance(
            session, scope, wallet_id=wallet.id, fall_id=fall.id, now=now()
        )


def messages_of(scope: TenantScope) -> list[DeliveryLine]:
    with transaction(scope) as session:
        return list_deliveries(session, scope)


def test_each_fall_is_told_once_and_the_next_one_again(connected: Database) -> None:
    wallet = a_wallet(2_000)

    well = note(wallet)
    charge(wallet, "1500")
    fallen, still_down = note(wallet), note(wallet)
    a_settled_top_up(wallet, 2_000)
    up = note(wallet)
    charge(wallet, "2000")
    again = note(wallet)

    assert (well, still_down, up) == ([], [], [])
    assert [fall.wallet_id for fall in fallen] == [wallet.id]
    assert [fall.wallet_id for fall in again] == [wallet.id]
    assert fallen[0].id != again[0].id


def test_a_wallet_that_never_held_enough_has_not_fallen(connected: Database) -> None:
    wallet = a_wallet(500)

    assert note(wallet) == []
    assert note(wallet) == []


def test_exactly_the_threshold_is_enough(connected: Database) -> None:
    wallet = a_wallet(2_000)
    note(wallet)

    charge(wallet, "1000")
    at_threshold = note(wallet)
    charge(wallet, "1")

    assert at_threshold == []
    assert len(note(wallet)) == 1


def test_bonus_counts_as_credit(connected: Database) -> None:
    reseller = a_priced_reseller(offer=with_bonus(an_offer(), (900, 500), days=1))
    wallet = a_wallet(0, reseller=reseller)
    a_settled_top_up(wallet, 900)

    note(wallet)
    charge(wallet, "300")
    with_bonus_left = note(wallet)
    charge(wallet, "200")

    assert credit_of(wallet).available.minor == 900
    assert with_bonus_left == []
    assert len(note(wallet)) == 1


def test_a_wallet_paid_by_invoice_is_left_alone(connected: Database) -> None:
    wallet = a_wallet(2_000)
    note(wallet)
    scope = scope_of_wallet(wallet)
    with transaction(scope) as session:
        billing.set_postpaid(
            session,
            scope,
            customer_id=wallet.customer_id,
            credit_limit=Money(10_000, "EUR"),
            now=now(),
        )
    charge(wallet, "1999")

    assert note(wallet) == []


def test_many_wallets_are_looked_at_at_once(connected: Database) -> None:
    reseller = a_priced_reseller()
    wallets = [a_wallet(2_000, reseller=reseller) for _ in range(3)]
    note(*wallets)

    charge(wallets[1], "1500")

    assert [fall.wallet_id for fall in note(*wallets)] == [wallets[1].id]


def test_the_owners_are_told_once_however_often_the_task_runs(connected: Database) -> None:
    wallet = a_wallet(2_000)
    a_person(wallet)
    a_person(wallet, CustomerRole.MEMBER)
    note(wallet)
    charge(wallet, "1500")
    (fall,) = note(wallet)

    first, second = tell(wallet, fall), tell(wallet, fall)

    assert first == second
    assert [line.kind for line in messages_of(scope_of_wallet(wallet))] == [MessageKind.LOW_BALANCE]


def test_nobody_is_told_of_a_balance_that_is_well_again(connected: Database) -> None:
    wallet = a_wallet(2_000)
    a_person(wallet)
    note(wallet)
    charge(wallet, "1500")
    (fall,) = note(wallet)
    a_settled_top_up(wallet, 2_000)

    assert tell(wallet, fall) == []
    assert messages_of(scope_of_wallet(wallet)) == []


def test_the_threshold_is_the_customers_choice(connected: Database) -> None:
    wallet = a_wallet(2_000)
    scope = scope_of_wallet(wallet)
    note(wallet)

    with transaction(scope) as session:
        billing.set_low_balance(session, scope, wallet_id=wallet.id, threshold=Money(5_000, "EUR"))

    assert len(note(wallet)) == 1


@pytest.mark.parametrize(
    ("threshold", "refusal"),
    [
        (Money(-1, "EUR"), LimitRefusedError),
        (Money(100_000_001, "EUR"), LimitRefusedError),
        (Money(1, "USD"), CurrencyMismatchError),
    ],
)
def test_a_threshold_beyond_reason_is_refused(
    connected: Database, threshold: Money, refusal: type[Exception]
) -> None:
    wallet = a_wallet(0)
    scope = scope_of_wallet(wallet)

    with pytest.raises(refusal), transaction(scope) as session:
        billing.set_low_balance(session, scope, wallet_id=wallet.id, threshold=threshold)

    with transaction(scope) as session:
        found = billing.get_wallet(session, scope, customer_id=wallet.customer_id)
    assert found.low_balance_minor == 1_000


def test_a_receipt_goes_to_the_owners_once(connected: Database) -> None:
    reseller = a_priced_reseller(offer=with_bonus(an_offer(), (2_000, 500), days=1))
    wallet = a_wallet(0, reseller=reseller)
    a_person(wallet)
    top_up = a_settled_top_up(wallet, 2_000)
    scope = scope_of_wallet(wallet)

    for at in (now(), now() + timedelta(days=1)):
        with transaction(scope) as session:
            billing.queue_receipt(session, scope, top_up_id=top_up.id, now=at)

    assert [line.kind for line in messages_of(scope)] == [MessageKind.TOP_UP_RECEIPT]


def test_a_top_up_that_is_not_settled_has_no_receipt(connected: Database) -> None:
    wallet = a_wallet(0)
    a_person(wallet)
    scope = scope_of_wallet(wallet)
    with transaction(scope) as session:
        top_up = billing.request_top_up(
            session,
            scope,
            customer_id=wallet.customer_id,
            amount=Money(1_000, "EUR"),
            request_key="k",
            now=now(),
        )

    with transaction(scope) as session:
        assert billing.queue_receipt(session, scope, top_up_id=top_up.id, now=now()) == []

    assert messages_of(scope) == []


def test_a_top_up_of_the_resellers_own_balance_is_receipted_to_her(connected: Database) -> None:
    reseller = a_priced_reseller()
    a_staff_user(reseller)
    scope = TenantScope(reseller.id)
    with transaction(scope) as session:
        top_up = billing.request_top_up(
            session,
            scope,
            customer_id=None,
            amount=Money(1_000, "EUR"),
            request_key="k",
            now=now(),
        )
    settle(top_up)

    with transaction(scope) as session:
        queued = billing.queue_receipt(session, scope, top_up_id=top_up.id, now=now())

    assert len(queued) == 1
    assert [line.realm.value for line in messages_of(scope)] == ["staff"]
