"""Recurring fees: each period of a contract is charged once, ahead (requirement C10)."""

from datetime import UTC, datetime, timedelta
from functools import partial

import psycopg
import pytest

from app import billing
from app.billing import (
    ContractEndError,
    ContractKeyReusedError,
    ContractNotFoundError,
    ContractQuantityError,
    FeeRun,
    Wallet,
    WalletNotFoundError,
    charge_due_fees,
    end_contract,
)
from app.kernel import AppError, CurrencyMismatchError, months_later, new_id, now, transaction
from app.pricing import CreditPurpose, Offer, UnknownFeeError
from app.tenancy import PLATFORM_ID, Tenant
from tests.conftest import Database
from tests.factories import a_reseller, scope_of
from tests.factories.counts import rows_of_all_tables
from tests.factories.credits import (
    a_contract,
    adjust,
    allow_grace,
    broken_laws,
    cap,
    euros,
    figures,
    give,
    lots_of,
    own_funds,
    with_fee,
)
from tests.factories.money import (
    a_chain,
    a_settled_top_up,
    a_wallet,
    an_offer,
    funds_of,
    owned_by,
    scope_of_wallet,
)
from tests.factories.races import all_at_once, answers

pytestmark = pytest.mark.usefixtures("own_database")
START = datetime(2026, 1, 31, 11, tzinfo=UTC)


def a_seller(offer: Offer | None = None) -> Tenant:
    return a_chain(1, offer=offer or with_fee(an_offer()))[0]


def run(wallet: Wallet, at: datetime) -> FeeRun:
    return charge_due_fees(scope_of_wallet(wallet), now=at)


def periods(wallet: Wallet, database: Database) -> list[tuple[object, ...]]:
    with psycopg.connect(database.owner_url) as owner:
        return owner.execute(
            "SELECT f.n, f.starts_at, f.refusal, f.attempts, f.entry_id IS NOT NULL"
            " FROM fee_charges f WHERE f.reseller_id = %s ORDER BY f.n",
            [wallet.reseller_id],
        ).fetchall()


@pytest.mark.parametrize(
    ("start", "months", "expected"),
    [
        # 12:00 in Berlin on a 31st: the last day where there is none, and a 31st again after.
        (START, 1, datetime(2026, 2, 28, 11, tzinfo=UTC)),
        (START, 2, datetime(2026, 3, 31, 10, tzinfo=UTC)),
        (START, 3, datetime(2026, 4, 30, 10, tzinfo=UTC)),
        (START, 12, datetime(2027, 1, 31, 11, tzinfo=UTC)),
        (START, 25, datetime(2028, 2, 29, 11, tzinfo=UTC)),
        # Still 31 December in UTC, the 1st in Berlin.
        (datetime(2025, 12, 31, 23, 30, tzinfo=UTC), 6, datetime(2026, 6, 30, 22, 30, tzinfo=UTC)),
    ],
)
def test_periods_are_anniversaries_in_berlin(
    start: datetime, months: int, expected: datetime
) -> None:
    assert months_later(start, months) == expected


def test_c10_a_fee_is_charged_ahead_and_divided_like_usage() -> None:
    chain = a_chain(2, offer=with_fee(an_offer(), minor=190))
    wallet = a_wallet(1_000, reseller=chain[-1])
    a_contract(wallet)

    before = run(wallet, START - timedelta(seconds=1))
    first = run(wallet, START)
    again = run(wallet, START)

    assert (before, first, again) == (FeeRun(0, 0), FeeRun(1, 0), FeeRun(0, 0))
    owned = owned_by(PLATFORM_ID, book_id=wallet.reseller_id)
    # 1.60 net: a quarter for the chain, of which the lower one keeps 15 %.
    assert funds_of(wallet) == 810
    assert owned["revenue"] == 120
    assert [owned_by(each.id, book_id=wallet.reseller_id)["commission"] for each in chain] == [
        16, 24
    ]  # fmt: skip
    assert owned["tax_prepaid"] == 30 - 160
    assert broken_laws() == {}


def test_every_period_that_began_while_nobody_ran_is_charged_once_and_in_order(
    own_database: Database,
) -> None:
    wallet = a_wallet(1_000, reseller=a_seller())
    a_contract(wallet, quantity=2)

    result = run(wallet, datetime(2026, 4, 1, tzinfo=UTC))

    assert result == FeeRun(3, 0)
    assert [(row[0], row[1]) for row in periods(wallet, own_database)] == [
        (number + 1, months_later(START, number)) for number in range(3)
    ]
    assert funds_of(wallet) == 1_000 - 3 * 2 * 119
    assert broken_laws() == {}


def test_c3_many_runs_at_once_charge_every_period_once() -> None:
    wallet = a_wallet(1_000, reseller=a_seller())
    a_contract(wallet)
    a_contract(wallet)

    results = all_at_once([partial(run, wallet, datetime(2026, 3, 1, tzinfo=UTC))] * 6)

    assert sum(each.charged for each in answers(results)) == 4
    assert len(answers(results)) == 6
    assert funds_of(wallet) == 1_000 - 4 * 119
    assert broken_laws() == {}


def test_a_period_that_cannot_be_paid_stays_due_and_later_ones_wait_behind_it(
    own_database: Database,
) -> None:
    wallet = a_wallet(0, reseller=a_seller())
    a_contract(wallet)
    at = datetime(2026, 3, 1, tzinfo=UTC)

    refused = [run(wallet, at), run(wallet, at)]
    written = periods(wallet, own_database)
    a_settled_top_up(wallet, 500)
    paid = run(wallet, at)

    assert refused == [FeeRun(0, 1), FeeRun(0, 1)]
    assert written == [(1, START, "billing.insufficient_funds", 2, False)]
    assert paid == FeeRun(2, 0)
    assert [row[2:] for row in periods(wallet, own_database)] == [(None, 3, True), (None, 1, True)]
    assert funds_of(wallet) == 500 - 2 * 119
    assert broken_laws() == {}


@pytest.mark.parametrize("page_size", [1, 2])
def test_who_cannot_pay_starves_nobody_behind(page_size: int) -> None:
    reseller = a_seller()
    poor = [a_wallet(0, reseller=reseller) for _ in range(2)]
    half, rich = a_wallet(500, reseller=reseller), a_wallet(500, reseller=reseller)
    for wallet in poor:
        a_contract(wallet, starts_at=START)
    # Pays one period, not the next.
    a_contract(half, quantity=4, starts_at=START + timedelta(days=1))
    a_contract(rich, starts_at=START + timedelta(days=2))

    made = charge_due_fees(scope_of(reseller), now=START + timedelta(days=35), page_size=page_size)

    assert made == FeeRun(charged=1 + 2, refused=2 + 1)
    assert [funds_of(wallet) for wallet in (half, rich)] == [500 - 4 * 119, 500 - 2 * 119]


def test_a_refused_fee_leaves_no_trace_in_the_ledger(own_database: Database) -> None:
    wallet = a_wallet(0, reseller=a_seller())
    a_contract(wallet)
    before = rows_of_all_tables(own_database.owner_url)

    run(wallet, START)

    after = rows_of_all_tables(own_database.owner_url)
    assert {table for table in after if after[table] != before[table]} == {"fee_charges"}


def test_bonus_pays_a_fee_first_and_its_tax_falls_back() -> None:
    reseller = a_seller()
    own_funds(reseller)
    wallet = a_wallet(500, reseller=reseller)
    give(wallet, 100, as_bonus=True)
    a_contract(wallet)

    run(wallet, START)

    assert figures(wallet) == (481, 0, 0)
    assert lots_of(wallet)[0].state == "spent"
    # 1.19 hold 19 cents tax; 19 cents were paid, which hold 3.
    assert owned_by(reseller.id)["gift_relief"] == 16
    assert broken_laws() == {}


def test_a_fee_is_nothing_that_may_be_owed_and_no_cap_stops_it() -> None:
    wallet = a_wallet(0, reseller=a_seller())
    allow_grace(wallet, 5_000)
    cap(wallet, 0)
    a_contract(wallet)

    refused = run(wallet, START)
    adjust(wallet, 119)
    charged = run(wallet, START)

    assert (refused, charged) == (FeeRun(0, 1), FeeRun(1, 0))
    assert figures(wallet) == (0, 0, 0)


def test_the_price_of_a_period_is_that_of_its_beginning() -> None:
    offer = with_fee(an_offer(), minor=100)
    with_fee(offer, minor=200, since=datetime(2026, 2, 28, 11, tzinfo=UTC))
    wallet = a_wallet(1_000, reseller=a_seller(offer))
    a_contract(wallet)

    run(wallet, datetime(2026, 3, 30, tzinfo=UTC))

    assert funds_of(wallet) == 1_000 - 100 - 200


def test_a_fee_that_ended_costs_nothing_until_it_has_a_price_again(
    own_database: Database,
) -> None:
    offer = with_fee(an_offer(), minor=100)
    with_fee(offer, minor=0, since=datetime(2026, 2, 1, tzinfo=UTC))
    with_fee(offer, minor=300, since=datetime(2026, 3, 1, tzinfo=UTC))
    wallet = a_wallet(1_000, reseller=a_seller(offer))
    a_contract(wallet)

    result = run(wallet, datetime(2026, 4, 1, tzinfo=UTC))

    assert result == FeeRun(3, 0)
    assert [row[4] for row in periods(wallet, own_database)] == [True, False, True]
    assert funds_of(wallet) == 1_000 - 100 - 300
    assert broken_laws() == {}


def test_a_yearly_fee_is_charged_every_twelve_months() -> None:
    wallet = a_wallet(1_000, reseller=a_seller(with_fee(an_offer(), months=12)))
    contract = a_contract(wallet)

    run(wallet, datetime(2027, 1, 30, tzinfo=UTC))

    with transaction(scope_of_wallet(wallet)) as session:
        found = billing.get_contract(session, scope_of_wallet(wallet), contract_id=contract.id)
    assert (found.periods, found.next_period_at) == (1, datetime(2027, 1, 31, 11, tzinfo=UTC))
    assert funds_of(wallet) == 881


def test_with_multi_purpose_credit_the_tax_of_a_fee_falls_due_with_it() -> None:
    offer = with_fee(an_offer(purpose=CreditPurpose.MULTI))
    wallet = a_wallet(1_000, reseller=a_seller(offer))
    a_contract(wallet)

    run(wallet, START)

    assert owned_by(PLATFORM_ID, book_id=wallet.reseller_id)["tax_payable"] == 19


def test_a_blocked_customers_fees_wait() -> None:
    wallet = a_wallet(1_000, reseller=a_seller())
    a_contract(wallet)
    scope = scope_of_wallet(wallet)
    with transaction(scope) as session:
        billing.block_customer(
            session, scope, customer_id=wallet.customer_id, reason=billing.BlockReason.UNPAID
        )

    assert run(wallet, START) == FeeRun(0, 1)
    assert funds_of(wallet) == 1_000


def end(wallet: Wallet, contract: billing.Contract, at: datetime) -> billing.Contract:
    scope = scope_of_wallet(wallet)
    with transaction(scope) as session:
        return end_contract(session, scope, contract_id=contract.id, at=at)


def test_no_period_begins_at_or_after_the_end_but_what_began_before_is_owed() -> None:
    wallet = a_wallet(1_000, reseller=a_seller())
    contract = a_contract(wallet)

    ended = end(wallet, contract, datetime(2026, 3, 31, 10, tzinfo=UTC))
    result = run(wallet, datetime(2027, 1, 1, tzinfo=UTC))

    assert ended.ends_at == datetime(2026, 3, 31, 10, tzinfo=UTC)
    assert result == FeeRun(2, 0)
    assert end(wallet, contract, ended.ends_at).next_period_at is None


def test_a_contract_ends_earlier_than_was_agreed_but_never_later_nor_before_it_began() -> None:
    wallet = a_wallet(1_000, reseller=a_seller())
    contract = a_contract(wallet)
    end(wallet, contract, START + timedelta(days=60))

    for wrong in (START + timedelta(days=61), START - timedelta(seconds=1)):
        with pytest.raises(ContractEndError):
            end(wallet, contract, wrong)
    end(wallet, contract, START)

    assert run(wallet, datetime(2027, 1, 1, tzinfo=UTC)) == FeeRun(0, 0)


def test_c3_a_contract_opened_twice_under_one_key_is_one_contract() -> None:
    wallet = a_wallet(1_000, reseller=a_seller())
    first = a_contract(wallet, key="number-1")

    again = a_contract(wallet, key="number-1")

    assert again.id == first.id
    with pytest.raises(ContractKeyReusedError):
        a_contract(wallet, key="number-1", quantity=2)


@pytest.mark.parametrize(
    ("wrong", "refusal"),
    [
        ({"fee": "moon"}, UnknownFeeError),
        ({"quantity": 0}, ContractQuantityError),
        ({"quantity": 10_001}, ContractQuantityError),
        ({"wallet_id": new_id()}, WalletNotFoundError),
    ],
)
def test_a_bad_contract_is_refused_and_changes_nothing(
    own_database: Database, wrong: dict[str, object], refusal: type[AppError]
) -> None:
    wallet = a_wallet(0, reseller=a_seller())
    scope = scope_of_wallet(wallet)
    asked: dict[str, object] = {
        "wallet_id": wallet.id,
        "fee": "number",
        "quantity": 1,
        "starts_at": START,
        "key": "k",
    }
    before = rows_of_all_tables(own_database.owner_url)

    with transaction(scope) as session, pytest.raises(refusal):
        billing.open_contract(session, scope, **{**asked, **wrong})  # type: ignore[arg-type]

    assert rows_of_all_tables(own_database.owner_url) == before


def test_a_fee_in_another_currency_than_the_wallets_is_refused() -> None:
    wallet = a_wallet(0, reseller=a_seller(), currency="USD")

    with pytest.raises(CurrencyMismatchError):
        a_contract(wallet)


def test_another_resellers_contract_looks_like_none() -> None:
    contract = a_contract(a_wallet(0, reseller=a_seller()))
    scope = scope_of(a_reseller())

    with transaction(scope) as session, pytest.raises(ContractNotFoundError):
        end_contract(session, scope, contract_id=contract.id, at=now())


def test_history_names_the_fee_and_what_of_it_was_bonus() -> None:
    reseller = a_seller()
    own_funds(reseller)
    wallet = a_wallet(500, reseller=reseller)
    give(wallet, 100, as_bonus=True)
    a_contract(wallet)
    run(wallet, START)
    scope = scope_of_wallet(wallet)

    with transaction(scope) as session:
        page = billing.wallet_history(session, scope, wallet=wallet)

    fee, bonus = page.rows[:2]
    assert (fee.kind, fee.name, fee.charged, fee.bonus) == (
        "fee", "Telephone number", euros(119), euros(100)
    )  # fmt: skip
    assert (fee.amount, fee.balance_after) == (euros(-19), euros(481))
    assert (bonus.kind, bonus.amount, bonus.reason) == (
        "credit", euros(0), "Goodwill after an outage"
    )  # fmt: skip
