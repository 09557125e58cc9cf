"""Grace for delivered usage, paid first by the next top-up; credit limits by invoice (C6, C11)."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import psycopg
import pytest

from app import audit, billing
from app.billing import (
    InsufficientFundsError,
    LimitBelowDebtError,
    LimitRefusedError,
    Wallet,
    WalletNotFoundError,
    set_grace,
    set_postpaid,
    set_prepaid,
)
from app.kernel import CurrencyMismatchError, Money, new_id, now, transaction
from app.tenancy import PLATFORM_ID
from tests.billing.test_hold_races import wait_for_a_queue
from tests.conftest import Database
from tests.factories import a_reseller, scope_of
from tests.factories.counts import rows_of_all_tables
from tests.factories.credits import (
    allow_grace,
    broken_laws,
    credit_of,
    euros,
    figures,
    with_bonus,
)
from tests.factories.money import (
    a_priced_reseller,
    a_settled_top_up,
    a_top_up,
    a_wallet,
    an_event,
    an_offer,
    charge,
    funds_of,
    owned_by,
    scope_of_wallet,
    settle,
)
from tests.factories.races import all_at_once, answers, refusals

pytestmark = pytest.mark.usefixtures("own_database")


def postpaid(wallet: Wallet, minor: int) -> Wallet:
    scope = scope_of_wallet(wallet)
    with transaction(scope) as session:
        return set_postpaid(
            session,
            scope,
            customer_id=wallet.customer_id,
            credit_limit=Money(minor, wallet.currency),
            now=now(),
        )


def prepaid(wallet: Wallet) -> Wallet:
    scope = scope_of_wallet(wallet)
    with transaction(scope) as session:
        return set_prepaid(
            session, scope, customer_id=wallet.customer_id, currency="EUR", now=now()
        )


def test_c6_without_a_policy_usage_on_an_empty_wallet_is_refused() -> None:
    wallet = a_wallet(500)

    with pytest.raises(InsufficientFundsError):
        charge(wallet, "501")

    assert figures(wallet) == (500, 0, 0)


def test_c6_delivered_usage_is_owed_up_to_the_grace_limit_and_no_further() -> None:
    wallet = a_wallet(500)
    allow_grace(wallet, 300)

    made = charge(wallet, "700")
    with pytest.raises(InsufficientFundsError) as refused:
        charge(wallet, "101")

    assert (made.gross.minor, made.facts.owed) == (700, 200)
    assert refused.value.facts["missing"] == 1
    assert figures(wallet) == (0, 0, 200)
    # Nobody may spend what may be owed.
    assert credit_of(wallet).available == euros(0)
    assert broken_laws() == {}


def test_the_chain_is_paid_alike_whether_the_wallet_pays_or_owes() -> None:
    paying, owing = a_wallet(500), a_wallet(0)
    allow_grace(owing, 500)

    for wallet in (paying, owing):
        charge(wallet, "190")

    earned = [
        owned_by(PLATFORM_ID, book_id=wallet.reseller_id)["revenue"] for wallet in (paying, owing)
    ]
    assert earned == [120, 120]


@pytest.mark.parametrize(
    ("paid_in", "expected"), [(500, (0, 0, 200)), (700, (0, 0, 0)), (1_000, (300, 0, 0))]
)
def test_c6_a_top_up_pays_what_is_owed_first(paid_in: int, expected: tuple[int, int, int]) -> None:
    wallet = a_wallet(500)
    allow_grace(wallet, 900)
    charge(wallet, "1200")

    a_settled_top_up(wallet, paid_in)

    assert figures(wallet) == expected
    assert broken_laws() == {}


def test_the_tax_of_a_top_up_falls_due_whole_whatever_it_pays() -> None:
    wallet = a_wallet(0)
    allow_grace(wallet, 900)
    charge(wallet, "700")

    a_settled_top_up(wallet, 1_190)

    owned = owned_by(PLATFORM_ID, book_id=wallet.reseller_id)
    assert (owned["tax_payable"], owned["tax_prepaid"]) == (190, 112 - 190)


def test_a_top_up_may_pay_a_debt_and_earn_a_bonus_at_once() -> None:
    reseller = a_priced_reseller(offer=with_bonus(an_offer(), (10_000, 1_000)))
    wallet = a_wallet(500, reseller=reseller)
    allow_grace(wallet, 900)
    charge(wallet, "700")

    a_settled_top_up(wallet, 10_000)

    assert figures(wallet) == (9_800, 1_000, 0)
    assert broken_laws() == {}


def test_charges_and_a_top_up_at_once_neither_lose_nor_invent_a_debt() -> None:
    wallet = a_wallet(500)
    allow_grace(wallet, 1_000)
    top_up = a_top_up(wallet, 1_000)

    acts: list[Callable[[], object]] = [
        *[partial(charge, wallet, "200") for _ in range(10)],
        *[partial(settle, top_up) for _ in range(3)],
    ]

    results = all_at_once(acts)

    made = [each for each in answers(results) if isinstance(each, billing.Charge)]
    paid, _, owed = figures(wallet)
    assert paid - owed == 1_500 - 200 * len(made)
    assert set(refusals(results)) <= {InsufficientFundsError}
    assert broken_laws() == {}


def test_new_wallets_take_the_grace_limit_of_their_resellers_policy() -> None:
    reseller = a_priced_reseller()
    old = a_wallet(0, reseller=reseller)
    scope = scope_of(reseller)

    for limit in (100, 300):
        with transaction(scope) as session:
            set_grace(session, scope, wallet_id=None, limit=euros(limit))
    new = a_wallet(0, reseller=reseller)

    assert charge(new, "300").facts.owed == 300
    with pytest.raises(InsufficientFundsError):
        charge(old, "1")
    with transaction(scope) as session:
        assert billing.grace_policy(session, scope, currency="EUR") == euros(300)
        assert billing.grace_policy(session, scope, currency="USD") == Money(0, "USD")


def test_a_wallets_own_limit_overrides_the_policy_and_may_end_it() -> None:
    wallet = a_wallet(0)
    allow_grace(wallet, 300)

    allow_grace(wallet, 0)

    with pytest.raises(InsufficientFundsError):
        charge(wallet, "1")


def test_a_limit_below_what_is_owed_is_refused() -> None:
    wallet = a_wallet(0)
    allow_grace(wallet, 300)
    charge(wallet, "250")

    with pytest.raises(LimitBelowDebtError) as refused:
        allow_grace(wallet, 249)

    assert refused.value.facts == {"owed": 250, "currency": "EUR"}
    assert charge(wallet, "50").facts.owed == 50


@pytest.mark.parametrize(
    ("limit", "refusal"),
    [
        (euros(-1), LimitRefusedError),
        (euros(100_000_001), LimitRefusedError),
        (Money(1, "USD"), CurrencyMismatchError),
    ],
)
def test_a_bad_grace_limit_is_refused_and_changes_nothing(
    own_database: Database, limit: Money, refusal: type[Exception]
) -> None:
    wallet = a_wallet(0)
    scope = scope_of_wallet(wallet)
    before = rows_of_all_tables(own_database.owner_url)

    with transaction(scope) as session, pytest.raises(refusal):
        set_grace(session, scope, wallet_id=wallet.id, limit=limit)

    assert rows_of_all_tables(own_database.owner_url) == before


def test_another_resellers_wallet_cannot_be_given_grace() -> None:
    wallet = a_wallet(0)
    scope = scope_of(a_reseller())

    with transaction(scope) as session, pytest.raises(WalletNotFoundError):
        set_grace(session, scope, wallet_id=wallet.id, limit=euros(100))


def test_c11_a_postpaid_customer_uses_up_to_her_limit_before_she_pays() -> None:
    wallet = a_wallet(500)

    made_so = postpaid(wallet, 1_000)
    charge(wallet, "1400")
    with pytest.raises(InsufficientFundsError):
        charge(wallet, "101")

    assert made_so.mode == billing.WalletMode.POSTPAID.value
    assert funds_of(wallet) == -900
    assert credit_of(wallet).available == euros(100)


def test_c11_a_customer_below_zero_cannot_be_made_prepaid() -> None:
    wallet = postpaid(a_wallet(500), 1_000)
    charge(wallet, "600")

    with pytest.raises(LimitBelowDebtError) as refused:
        prepaid(wallet)
    a_settled_top_up(wallet, 500)
    after = prepaid(wallet)

    assert refused.value.facts == {"owed": 100, "currency": "EUR"}
    assert after.mode == billing.WalletMode.PREPAID.value
    with pytest.raises(InsufficientFundsError):
        charge(wallet, "401")


def test_a_lower_credit_limit_than_what_was_used_is_refused() -> None:
    wallet = postpaid(a_wallet(0), 1_000)
    charge(wallet, "600")

    with pytest.raises(LimitBelowDebtError):
        postpaid(wallet, 599)

    assert credit_of(wallet).available == euros(400)


def test_who_changed_a_limit_is_in_the_audit_trail(own_database: Database) -> None:
    wallet = a_wallet(0)
    actor = audit.Actor("staff", new_id())
    scope = scope_of_wallet(wallet)

    with transaction(scope) as session:
        set_grace(session, scope, wallet_id=wallet.id, limit=euros(100), actor=actor)
        set_postpaid(
            session,
            scope,
            customer_id=wallet.customer_id,
            credit_limit=euros(200),
            now=now(),
            actor=actor,
        )

    with psycopg.connect(own_database.owner_url) as owner:
        rows = owner.execute(
            "SELECT action, facts->>'limit_minor' FROM audit_records"
            " WHERE subject_id = %s AND actor_id = %s ORDER BY at",
            [wallet.id, actor.id],
        ).fetchall()
    assert rows == [("billing.grace_set", "100"), ("billing.made_postpaid", "200")]


def test_a_repeated_event_that_was_owed_gets_the_same_answer() -> None:
    wallet = a_wallet(0)
    allow_grace(wallet, 300)
    event = an_event(wallet, "200")
    first = charge(wallet, event)

    again = charge(wallet, event)

    assert again == replace(first, replayed=True)
    assert figures(wallet) == (0, 0, 200)


def test_who_waits_for_another_change_of_terms_decides_what_holds(own_database: Database) -> None:
    wallet = a_wallet(1_000)
    scope = scope_of_wallet(wallet)

    with ThreadPoolExecutor(1) as pool:
        with transaction(scope) as session:
            set_postpaid(
                session,
                scope,
                customer_id=wallet.customer_id,
                credit_limit=euros(500),
                now=now(),
            )
            # It has read a prepaid wallet.
            waiting = pool.submit(prepaid, wallet)
            wait_for_a_queue(own_database)
        waiting.result(10)

    with transaction(scope) as session:
        fresh = billing.get_wallet_by_id(session, scope, wallet_id=wallet.id)
        limits = billing.wallet_limits(session, scope, wallet=fresh)
    assert (fresh.mode, limits.credit) == ("prepaid", euros(0))
