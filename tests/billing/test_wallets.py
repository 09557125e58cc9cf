from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy.orm import Session

from app.billing import (
    WalletNotFoundError,
    forget_counterparties,
    freeze_wallet,
    get_wallet,
    mask_number,
    open_wallet,
    wallet_balance,
    wallet_history,
)
from app.billing.models import UsageRecord
from app.kernel import Money, UnknownCurrencyError, new_id, now, transaction
from app.tenancy import PlatformScope, TenantScope
from tests.factories import a_customer, a_reseller
from tests.factories.money import a_wallet, an_event, charge, scope_of_wallet

pytestmark = pytest.mark.usefixtures("connected")
NUMBER = "+4915112345678"


def test_a_new_wallet_is_empty_and_opened_once() -> None:
    customer = a_customer(a_reseller())
    scope = TenantScope(customer.reseller_id)

    with transaction(scope) as session:
        first = open_wallet(session, scope, customer_id=customer.id, currency="EUR")
        again = open_wallet(session, scope, customer_id=customer.id, currency="EUR")
        balance = wallet_balance(session, scope, wallet=first)

    assert first.id == again.id
    assert (balance.posted, balance.available, balance.version) == (
        Money(0, "EUR"),
        Money(0, "EUR"),
        0,
    )


def test_a_wallet_in_an_unknown_currency_is_refused() -> None:
    customer = a_customer(a_reseller())
    scope = TenantScope(customer.reseller_id)

    with transaction(scope) as session, pytest.raises(UnknownCurrencyError):
        open_wallet(session, scope, customer_id=customer.id, currency="DOGE")


def test_a5_a_wallet_of_another_reseller_looks_absent() -> None:
    wallet, stranger = a_wallet(0), TenantScope(a_reseller().id)

    with transaction(stranger) as session, pytest.raises(WalletNotFoundError):
        get_wallet(session, stranger, customer_id=wallet.customer_id)


def test_freezing_is_safe_to_repeat_and_ignores_what_is_no_wallet() -> None:
    wallet, platform = a_wallet(0), PlatformScope()

    def freeze(session: Session) -> bool:
        frozen = freeze_wallet(
            session,
            platform,
            reseller_id=wallet.reseller_id,
            account_id=wallet.account_id,
            reason="test",
        )
        return frozen is not None

    with transaction(platform) as session:
        results = [freeze(session), freeze(session)]
        nobody = freeze_wallet(
            session, platform, reseller_id=wallet.reseller_id, account_id=new_id(), reason="x"
        )

    assert results == [True, False]
    assert nobody is None


@pytest.mark.parametrize(
    ("number", "masked"),
    [
        (NUMBER, "+491••••••••78"),
        ("12345678", "1234••78"),
        ("1234567", "•••••••"),
        ("110", "•••"),
        ("", ""),
    ],
)
def test_m3_a_third_partys_number_is_masked(number: str, masked: str) -> None:
    assert mask_number(number) == masked


def test_m3_the_history_shows_a_masked_number() -> None:
    wallet = a_wallet(1_000)
    charge(wallet, an_event(wallet, "2.5", counterparty=NUMBER))
    scope = scope_of_wallet(wallet)

    with transaction(scope) as session:
        page = wallet_history(session, scope, wallet=wallet)

    used, topped_up = page.rows
    assert (used.kind, used.amount, used.counterparty) == (
        "usage",
        Money(-3, "EUR"),
        mask_number(NUMBER),
    )
    assert (used.quantity, used.balance_after) == (Decimal("2.5"), Money(997, "EUR"))
    assert (topped_up.kind, topped_up.amount.minor, topped_up.counterparty) == (
        "top_up",
        1_000,
        None,
    )


def test_m3_numbers_are_forgotten_after_their_time_and_nothing_else_is() -> None:
    wallet = a_wallet(1_000)
    long_ago = now() - timedelta(days=91)
    old = charge(wallet, an_event(wallet, "1", counterparty=NUMBER, occurred_at=long_ago))
    recent = charge(wallet, an_event(wallet, "1", counterparty=NUMBER))
    scope = scope_of_wallet(wallet)

    with transaction(scope) as session:
        before = now() - timedelta(days=90)
        counts = [
            forget_counterparties(session, scope, before=before),
            forget_counterparties(session, scope, before=before),
        ]

    with transaction(scope) as session:
        kept = {
            charged: session.get_one(UsageRecord, (wallet.reseller_id, charged)).counterparty
            for charged in (old.id, recent.id)
        }
    assert counts == [1, 0]
    assert kept == {old.id: None, recent.id: NUMBER}


def test_a_repeated_event_whose_number_was_forgotten_is_still_the_same_event() -> None:
    wallet = a_wallet(1_000)
    event = an_event(wallet, "1", counterparty=NUMBER, occurred_at=now() - timedelta(days=91))
    first = charge(wallet, event)
    scope = scope_of_wallet(wallet)
    with transaction(scope) as session:
        forget_counterparties(session, scope, before=now())

    again = charge(wallet, event)

    assert (again.id, again.replayed) == (first.id, True)
