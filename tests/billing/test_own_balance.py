"""A reseller's own balance: filled from commission or by top-up, given on as credit (C10)."""

import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest

from app import billing
from app.billing import (
    CommissionTooLowError,
    CreditAmountError,
    ExpiryRefusedError,
    OwnBalanceTooLowError,
    ReasonRefusedError,
    TopUpInProgressError,
    WalletNotFoundError,
    charge_due_fees,
    give_credit,
)
from app.embedded import PostgresServer
from app.kernel import AppError, CurrencyMismatchError, Money, new_id, now, transaction
from app.ledger import KeyReusedError
from app.tenancy import PLATFORM_ID, Tenant, TenantScope
from tests.conftest import Database
from tests.factories import scope_of
from tests.factories.broken_locks import look_at_balances_without_locking, take_accounts_slowly
from tests.factories.counts import rows_of_all_tables
from tests.factories.credits import (
    REASON,
    STAFF,
    a_contract,
    adjust,
    broken_laws,
    euros,
    figures,
    fund,
    give,
    lots_of,
    own_balance_of,
    own_funds,
    reverse,
    with_bonus,
    with_fee,
)
from tests.factories.databases import a_database_of_its_own, connected_to
from tests.factories.money import (
    a_chain,
    a_priced_reseller,
    a_wallet,
    an_offer,
    charge,
    funds_of,
    owned_by,
)
from tests.factories.races import all_at_once, answers, refusals

pytestmark = pytest.mark.usefixtures("own_database")


def taxes(book_id: object) -> tuple[int, int]:
    owned = owned_by(PLATFORM_ID, book_id=book_id)  # type: ignore[arg-type]
    return owned["tax_payable"], owned["tax_prepaid"]


def an_earner(minor: int = 800) -> TenantScope:
    """A reseller with so much commission (a quarter of the net) in her own book."""
    reseller = a_priced_reseller(offer=an_offer(tax_rate="0"))
    charge(a_wallet(minor * 4, reseller=reseller), str(minor * 4))
    return scope_of(reseller)


def test_a_reseller_funds_her_own_balance_from_commission() -> None:
    scope = an_earner(800)

    left = fund(scope.reseller_id, 500)

    assert (left.balance, left.commission) == (euros(500), euros(300))
    assert broken_laws() == {}


def test_commission_earned_in_books_below_is_not_taken_from_ones_own() -> None:
    parent, child = a_chain(2, offer=an_offer(tax_rate="0"))
    charge(a_wallet(1_000, reseller=child), "1000")

    with pytest.raises(CommissionTooLowError):
        fund(parent.id, 1)

    assert own_balance_of(parent.id) == (0, 0)


def test_more_commission_than_there_is_is_refused_and_changes_nothing(
    own_database: Database,
) -> None:
    scope = an_earner(800)
    before = rows_of_all_tables(own_database.owner_url)

    with pytest.raises(CommissionTooLowError) as refused:
        fund(scope.reseller_id, 801)

    assert refused.value.facts == {"available": 800, "required": 801, "currency": "EUR"}
    assert rows_of_all_tables(own_database.owner_url) == before


def test_commission_cannot_be_taken_twice_by_several_at_once() -> None:
    scope = an_earner(800)

    results = all_at_once([partial(fund, scope.reseller_id, 300) for _ in range(8)])

    assert len(answers(results)) == 2
    assert refusals(results) == [CommissionTooLowError] * 6
    assert own_balance_of(scope.reseller_id) == (600, 200)
    assert broken_laws() == {}


def test_without_the_lock_commission_is_taken_again_and_again(cluster: PostgresServer) -> None:
    with a_database_of_its_own(cluster) as database, connected_to(database):
        scope = an_earner(800)
        look_at_balances_without_locking(database)
        take_accounts_slowly(database, seconds=0.2)

        results = all_at_once([partial(fund, scope.reseller_id, 300) for _ in range(8)])

        assert len(answers(results)) > 2
        assert own_balance_of(scope.reseller_id)[1] < 0


def test_c3_funding_repeated_under_one_key_happens_once() -> None:
    scope = an_earner(800)

    results = all_at_once([partial(fund, scope.reseller_id, 800, key="all")] * 6)

    assert len(answers(results)) == 6
    assert own_balance_of(scope.reseller_id) == (800, 0)
    with pytest.raises(KeyReusedError):
        fund(scope.reseller_id, 700, key="all")


def test_a_top_up_of_the_own_balance_is_a_deposit_without_tax_or_bonus() -> None:
    reseller = a_priced_reseller()

    own_funds(reseller, 2_000)

    assert own_balance_of(reseller.id) == (2_000, 0)
    assert "tax_payable" not in owned_by(PLATFORM_ID, book_id=reseller.id)
    assert broken_laws() == {}


def test_d1_one_top_up_of_the_own_balance_is_created_at_a_time() -> None:
    scope = scope_of(a_priced_reseller())

    def ask(key: str) -> billing.TopUp:
        with transaction(scope) as session:
            return billing.fund_by_top_up(
                session, scope, amount=euros(1_000), request_key=key, now=now()
            )

    results = all_at_once([partial(ask, f"request-{number}") for number in range(6)])

    assert len(answers(results)) == 1
    assert refusals(results) == [TopUpInProgressError] * 5


def test_credit_from_the_own_balance_owes_its_tax_like_a_top_up() -> None:
    reseller = a_priced_reseller()
    own_funds(reseller, 2_000)
    wallet = a_wallet(0, reseller=reseller)

    made = give(wallet, 1_190)

    assert (made.source, made.lot_id) == ("reseller", None)
    assert funds_of(wallet) == 1_190
    assert own_balance_of(reseller.id)[0] == 810
    assert taxes(reseller.id) == (190, -190)
    assert broken_laws() == {}


def test_bonus_from_the_own_balance_is_a_lot_without_tax() -> None:
    reseller = a_priced_reseller()
    own_funds(reseller, 2_000)
    wallet = a_wallet(0, reseller=reseller)
    until = now() + timedelta(days=30)

    made = give(wallet, 500, as_bonus=True, expires_at=until)

    lot = lots_of(wallet)[0]
    assert (made.lot_id, lot.source, lot.expires_at) == (lot.id, "reseller", until)
    assert figures(wallet) == (0, 500, 0)
    assert taxes(reseller.id) == (0, 0)
    assert charge(wallet, "500").facts.bonus == 500
    assert broken_laws() == {}


def test_a_reseller_cannot_give_more_than_she_has(own_database: Database) -> None:
    reseller = a_priced_reseller()
    own_funds(reseller, 1_000)
    wallet = a_wallet(0, reseller=reseller)
    before = rows_of_all_tables(own_database.owner_url)

    for as_bonus in (False, True):
        with pytest.raises(OwnBalanceTooLowError) as refused:
            give(wallet, 1_001, as_bonus=as_bonus)

        assert refused.value.facts["available"] == 1_000

    assert rows_of_all_tables(own_database.owner_url) == before
    assert own_balance_of(reseller.id)[0] == 1_000


def test_gifts_to_several_customers_at_once_never_overdraw_the_own_balance() -> None:
    reseller = a_priced_reseller()
    own_funds(reseller, 1_000)
    wallets = [a_wallet(500, reseller=reseller) for _ in range(3)]

    acts: list[Callable[[], object]] = [
        *[partial(give, wallet, 300, as_bonus=True) for wallet in wallets],
        *[partial(give, wallet, 300) for wallet in wallets],
        *[partial(charge, wallet, "100") for wallet in wallets],
    ]

    results = all_at_once(acts)

    assert refusals(results) == [OwnBalanceTooLowError] * 3
    assert own_balance_of(reseller.id)[0] == 100
    assert broken_laws() == {}


@pytest.mark.parametrize("as_bonus", [False, True])
def test_c3_a_gift_repeated_at_once_is_given_once(*, as_bonus: bool) -> None:
    reseller = a_priced_reseller()
    own_funds(reseller, 1_000)
    wallet = a_wallet(0, reseller=reseller)

    results = all_at_once([partial(give, wallet, 300, key="gift", as_bonus=as_bonus)] * 6)

    assert len({made.id for made in answers(results)}) == 1
    assert len(answers(results)) == 6
    assert own_balance_of(reseller.id)[0] == 700
    with pytest.raises(KeyReusedError):
        give(wallet, 300, key="gift", as_bonus=not as_bonus)
    assert broken_laws() == {}


def test_a_gift_sent_again_after_it_expired_gets_the_same_answer() -> None:
    reseller = a_priced_reseller()
    own_funds(reseller, 1_000)
    wallet = a_wallet(0, reseller=reseller)
    until = now() + timedelta(milliseconds=200)
    first = give(wallet, 300, key="short", as_bonus=True, expires_at=until)
    time.sleep(0.25)

    again = give(wallet, 300, key="short", as_bonus=True, expires_at=until)

    assert again.id == first.id
    assert own_balance_of(reseller.id)[0] == 700


@pytest.mark.parametrize(
    ("wrong", "refusal"),
    [
        ({"amount": euros(0)}, CreditAmountError),
        ({"amount": euros(-1)}, CreditAmountError),
        ({"amount": Money(100, "USD")}, CurrencyMismatchError),
        ({"reason": ""}, ReasonRefusedError),
        ({"expires_at": now() + timedelta(days=1)}, ExpiryRefusedError),
        ({"as_bonus": True, "expires_at": now() - timedelta(days=1)}, ExpiryRefusedError),
        ({"wallet_id": new_id()}, WalletNotFoundError),
    ],
)
def test_a_bad_gift_is_refused_and_changes_nothing(
    own_database: Database, wrong: dict[str, object], refusal: type[AppError]
) -> None:
    reseller = a_priced_reseller()
    own_funds(reseller, 1_000)
    wallet = a_wallet(500, reseller=reseller)
    scope = scope_of(reseller)
    asked: dict[str, object] = {
        "wallet_id": wallet.id,
        "amount": euros(100),
        "reason": REASON,
        "key": "k",
        "now": now(),
        "actor": STAFF,
    }
    before = rows_of_all_tables(own_database.owner_url)

    with transaction(scope) as session, pytest.raises(refusal):
        give_credit(session, scope, **{**asked, **wrong})  # type: ignore[arg-type]

    assert rows_of_all_tables(own_database.owner_url) == before


def test_the_latest_adjustments_of_a_wallet_come_first() -> None:
    reseller = a_priced_reseller()
    own_funds(reseller, 1_000)
    wallet = a_wallet(0, reseller=reseller)
    first, second = adjust(wallet, 100), give(wallet, 200)

    with transaction(scope_of(reseller)) as session:
        found = billing.list_adjustments(session, scope_of(reseller), wallet_id=wallet.id)

    assert [each.id for each in found] == [second.id, first.id]


def test_the_tax_that_a_gift_does_not_owe_is_the_resellers_to_give_again() -> None:
    reseller = a_priced_reseller()
    own_funds(reseller, 1_190)
    wallet = a_wallet(0, reseller=reseller)
    give(wallet, 1_190, as_bonus=True)

    charge(wallet, "1190")
    left = own_balance_of(reseller.id)[0]
    give(wallet, 190)

    assert left == 190
    assert own_balance_of(reseller.id)[0] == 0
    assert owned_by(PLATFORM_ID, book_id=reseller.id)["promotion"] == 0
    assert own_movements(reseller) == [("credit", -190), ("relief", 190), ("credit", -1_190)]
    assert broken_laws() == {}


def test_a_gift_and_a_bonus_of_the_platform_each_give_their_own_tax_back() -> None:
    reseller = a_priced_reseller(offer=with_bonus(an_offer(), (1_000, 595)))
    own_funds(reseller, 595)
    wallet = a_wallet(1_000, reseller=reseller)
    give(wallet, 595, as_bonus=True)

    charge(wallet, "1190")

    assert own_balance_of(reseller.id)[0] == 95
    assert owned_by(PLATFORM_ID, book_id=reseller.id)["promotion"] == -595 + 95
    assert broken_laws() == {}


def test_a_fee_that_a_gift_paid_gives_its_tax_back_to_the_reseller() -> None:
    reseller = a_priced_reseller(offer=with_fee(an_offer(), minor=119))
    own_funds(reseller, 500)
    wallet = a_wallet(0, reseller=reseller)
    give(wallet, 500, as_bonus=True)
    a_contract(wallet, starts_at=now())

    charge_due_fees(TenantScope(reseller.id), now=now())

    assert own_balance_of(reseller.id)[0] == 19
    assert broken_laws() == {}


@pytest.mark.parametrize("is_taken", [False, True])
def test_tax_that_came_back_is_owed_again_when_the_charge_is_written_off(*, is_taken: bool) -> None:
    reseller = a_priced_reseller()
    own_funds(reseller, 1_290)
    wallet, other = (a_wallet(0, reseller=reseller) for _ in range(2))
    give(wallet, 1_190, as_bonus=True)
    made = charge(wallet, "1190")
    if is_taken:
        give(other, 90)

    reverse(reseller.id, made.id)

    spent = 90 if is_taken else 0
    assert figures(wallet) == (0, 1_190, 0)
    assert own_balance_of(reseller.id)[0] == 100 - spent
    with pytest.raises(OwnBalanceTooLowError):
        give(other, 101 - spent)
    give(other, 100 - spent)
    assert own_balance_of(reseller.id)[0] == 0
    assert broken_laws() == {}


def own_movements(reseller: Tenant) -> list[tuple[str, int]]:
    """What was given from a reseller's own balance and came back to it, newest first."""
    scope = TenantScope(reseller.id)
    with transaction(scope) as session:
        page = billing.own_balance_history(session, scope, currency="EUR")
    return [(row.kind, row.amount.minor) for row in page.rows if row.kind != "top_up"]
