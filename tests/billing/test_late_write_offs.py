"""Charges that are written off after their month was closed: paid back by what the month had paid.

The measure of every test is a reseller that never sold what the other one wrote off.
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from app import billing, ledger
from app.billing import Wallet, close_month
from app.commissions import (
    Basis,
    CommissionStatement,
    Step,
    agree_commission,
    next_month,
    starts_at,
)
from app.embedded import PostgresServer
from app.kernel import transaction
from app.tenancy import PLATFORM_ID, PlatformScope, Tenant, TenantScope
from tests.conftest import Database
from tests.factories.credits import reverse
from tests.factories.databases import a_database_of_its_own, connected_to
from tests.factories.money import a_priced_reseller, a_wallet, an_offer, charge, owned_by
from tests.factories.months import agree_anew, statement_of, this_month

PLATFORM = PlatformScope()
STEPS = ((1_000, "0.30"), (2_000, "0.50"))


@pytest.fixture(autouse=True)
def own(cluster: PostgresServer, connected: Database) -> Iterator[Database]:
    """A database of each test's own: a month is closed for all resellers, for ever."""
    with a_database_of_its_own(cluster) as database, connected_to(database):
        yield database
        with transaction(PLATFORM) as session:
            checks = [*ledger.verify(session, PLATFORM), *billing.verify(session, PLATFORM)]
        assert {check.name: check.broken for check in checks if check.broken} == {}


def month(number: int) -> date:
    """This month is 0."""
    found = this_month()
    for _ in range(number):
        found = next_month(found)
    return found


def close(number: int) -> None:
    end = starts_at(next_month(month(number))) + timedelta(hours=3)
    assert close_month(month=month(number), now=end).is_new


def earned_by(*resellers: Tenant) -> list[int]:
    return [owned_by(reseller.id).get("commission", 0) for reseller in resellers]


def sold(wallet: Wallet, *quantities: int) -> list[billing.Charge]:
    return [charge(wallet, str(quantity)) for quantity in quantities]


def write_off(charges: Sequence[billing.Charge], wallet: Wallet) -> None:
    for each in charges:
        reverse(wallet.reseller_id, each.id)


def a_seller(basis: Basis) -> tuple[Tenant, Wallet]:
    reseller = a_priced_reseller(offer=an_offer(tax_rate="0"), rate="0.01")
    with transaction(PLATFORM) as session:
        agree_commission(
            session,
            PLATFORM,
            reseller_id=reseller.id,
            rate=Decimal("0.25"),
            valid_from=starts_at(this_month()),
            steps=[Step(above, Decimal(rate)) for above, rate in STEPS],
            basis=basis,
        )
    return reseller, a_wallet(20_000, reseller=reseller)


def a_family() -> tuple[list[Tenant], list[Wallet]]:
    """Three resellers below one another, and a wallet of each."""
    offer = an_offer(tax_rate="0")
    top = a_priced_reseller(offer=offer, steps=STEPS)
    middle = a_priced_reseller(offer=offer, rate="0.20", steps=((1_500, "0.30"),), parent_id=top.id)
    last = a_priced_reseller(offer=offer, rate="0.10", parent_id=middle.id)
    family = [top, middle, last]
    return family, [a_wallet(20_000, reseller=each) for each in family]


@pytest.mark.parametrize("basis", Basis)
def test_a_late_write_off_takes_back_what_the_closed_month_had_paid(basis: Basis) -> None:
    honest, wallet = a_seller(basis)
    sold(wallet, 100)
    reseller, other = a_seller(basis)
    sold(other, 100)
    gone = sold(other, 10_000)
    close(0)
    before = statement_of(reseller).final_minor

    write_off(gone, other)
    close(1)

    assert before > 2_500
    assert earned_by(honest, reseller) == [25, 25]
    assert owned_by(PLATFORM_ID)["revenue"] == 2 * 75


@pytest.mark.parametrize("basis", Basis)
def test_what_is_sold_meanwhile_reaches_its_own_steps(basis: Basis) -> None:
    honest, wallet = a_seller(basis)
    sold(wallet, 1_200)
    reseller, other = a_seller(basis)
    gone = sold(other, 900)
    sold(other, 1_200)
    close(0)

    write_off(gone, other)
    for each in (wallet, other):
        sold(each, 1_500)
    close(1)

    assert earned_by(reseller) == earned_by(honest)


@pytest.mark.parametrize("basis", Basis)
def test_write_offs_of_several_months_come_to_the_same_as_one(basis: Basis) -> None:
    honest, wallet = a_seller(basis)
    sold(wallet, 700)
    reseller, other = a_seller(basis)
    sold(other, 700)
    gone = sold(other, 333, 777, 1_111)
    close(0)
    sold(wallet, 1_010)
    sold(other, 1_010)
    gone += sold(other, 1_999)

    write_off(gone[:1], other)
    close(1)
    write_off(gone[1:2], other)
    close(2)
    write_off(gone[2:], other)
    close(3)

    assert earned_by(reseller) == earned_by(honest)


def test_a_chain_gives_back_each_its_own_part_and_the_platform_gets_the_rest() -> None:
    family, wallets = a_family()
    for each in wallets:
        sold(each, 600)
    others, shops = a_family()
    gone = {}
    for number, each in enumerate(shops):
        sold(each, 600)
        gone[number] = sold(each, 900, 333)
    close(0)

    write_off(gone[2][:1], shops[2])
    close(1)
    write_off(gone[1], shops[1])
    write_off(gone[2][1:], shops[2])
    close(2)
    write_off(gone[0], shops[0])
    close(3)

    assert earned_by(*others) == earned_by(*family)
    total = sum(earned_by(*family, *others))
    assert owned_by(PLATFORM_ID)["revenue"] + total == 2 * 3 * 600


def test_the_closed_statement_stays_and_the_next_one_says_what_was_taken_back() -> None:
    reseller, wallet = a_seller(Basis.MARGINAL)
    sold(wallet, 900)
    gone = sold(wallet, 600)
    close(0)
    before = statement_of(reseller)

    write_off(gone, wallet)
    close(1)

    after = statement_of(reseller)
    scope = TenantScope(reseller.id)
    with transaction(scope) as session:
        following = session.scalars(
            select(CommissionStatement).where(CommissionStatement.month == month(1))
        ).one()
    assert (after.final_minor, after.lines, after.entry_id) == (
        before.final_minor,
        before.lines,
        before.entry_id,
    )
    # 250 for the first thousand, 30 % of 500 above it; without the 600 it is a quarter of 900.
    assert (following.volume_minor, following.final_minor) == (-600, 225 - 400)
    assert following.lines["taken_back"] == [
        {"month": f"{this_month()}", "volume": 600, "before": 400, "after": 225}
    ]


def test_a_write_off_is_taken_out_of_the_part_of_the_month_it_was_counted_in() -> None:
    reseller, wallet = a_seller(Basis.MARGINAL)
    gone = sold(wallet, 500, 300)
    agree_anew(reseller, "0.10")
    sold(wallet, 400)

    write_off(gone[:1], wallet)
    close(0)
    before = earned_by(reseller)
    write_off(gone[1:], wallet)
    close(1)

    assert before == [75 + 40]
    assert earned_by(reseller) == [40]


def test_what_was_counted_late_is_taken_out_of_the_month_that_counted_it() -> None:
    reseller, wallet = a_seller(Basis.MARGINAL)
    sold(wallet, 100)
    close(0)
    sold(wallet, 1_000)
    gone = sold(wallet, 1_000)
    close(1)

    write_off(gone, wallet)
    close(2)

    assert earned_by(reseller) == [25 + 250]


def test_a_write_off_in_the_months_own_time_needs_no_correction() -> None:
    reseller, wallet = a_seller(Basis.WHOLE)
    sold(wallet, 1_000)
    gone = sold(wallet, 1_500)

    write_off(gone, wallet)
    close(0)

    assert earned_by(reseller) == [250]
    assert statement_of(reseller).lines["taken_back"] == []
