"""A month is closed once, exactly, and never changes again."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from app import billing, commissions, ledger
from app.billing import MonthClosing, close_month, close_months
from app.billing.month_end import close_statement
from app.commissions import (
    CommissionStatement,
    EarlierMonthOpenError,
    MonthClosedError,
    MonthNotOverError,
    next_month,
)
from app.embedded import PostgresServer
from app.kernel import now, transaction
from app.pricing import Offer, sell_offer
from app.tenancy import PLATFORM_ID, PlatformScope, Tenant, TenantScope
from tests.conftest import Database
from tests.factories.counts import rows_of_all_tables
from tests.factories.databases import a_database_of_its_own, connected_to
from tests.factories.money import (
    a_chain,
    a_priced_reseller,
    a_wallet,
    an_event,
    an_offer,
    charge,
    owned_by,
)
from tests.factories.months import (
    after_this_month,
    agree_anew,
    close_this_month,
    follow_the_volume,
    statement_of,
    this_month,
)
from tests.factories.races import all_at_once, answers

PLATFORM = PlatformScope()
STEPS = ((1_000, "0.30"), (2_000, "0.50"))


@pytest.fixture(autouse=True)
def own(cluster: PostgresServer, connected: Database) -> Iterator[Database]:
    """A database of each test's own: a month is closed for all resellers, for ever."""
    with a_database_of_its_own(cluster) as database, connected_to(database):
        yield database
        assert broken_laws() == {}


def broken_laws() -> dict[str, list[str]]:
    with transaction(PLATFORM) as session:
        checks = [*ledger.verify(session, PLATFORM), *billing.verify(session, PLATFORM)]
    return {check.name: check.broken for check in checks if check.broken}


def untaxed(currency: str = "EUR") -> Offer:
    return an_offer(tax_rate="0", currency=currency)


def earned_by(reseller: Tenant) -> int:
    return owned_by(reseller.id).get("commission", 0)


def statements() -> list[tuple[UUID, str, int, int, UUID | None]]:
    with transaction(PLATFORM) as session:
        return [
            (row.reseller_id, f"{row.month}", row.volume_minor, row.final_minor, row.entry_id)
            for row in session.scalars(
                select(CommissionStatement).order_by(
                    CommissionStatement.reseller_id, CommissionStatement.month
                )
            )
        ]


def test_the_difference_to_the_exact_month_is_posted_and_stated() -> None:
    reseller = a_priced_reseller(offer=untaxed(), steps=STEPS)
    wallet = a_wallet(10_000, reseller=reseller)
    for _ in range(5):
        charge(wallet, "700")
    before = earned_by(reseller)

    closing = close_this_month()

    statement = statement_of(reseller)
    assert closing == MonthClosing(this_month(), is_new=True, statements=1, trued_up=1)
    assert (before, earned_by(reseller)) == (875, 250 + 300 + 750)
    assert (statement.volume_minor, statement.own_volume_minor) == (3_500, 3_500)
    assert (statement.provisional_minor, statement.final_minor) == (875, 1_300)
    assert [
        (step["above"], step["rate"], step["volume"], step["earned"])
        for step in statement.lines["segments"][0]["steps"]
    ] == [
        (0, "0.250000", 1_000, "250"),
        (1_000, "0.300000", 1_000, "300"),
        (2_000, "0.500000", 1_500, "750"),
    ]


def test_fractions_of_cents_that_single_charges_lost_come_with_the_month() -> None:
    reseller = a_priced_reseller(offer=untaxed())
    wallet = a_wallet(1_000, reseller=reseller)
    for _ in range(4):
        charge(wallet, "3")
    before = earned_by(reseller)

    close_this_month()

    assert (before, earned_by(reseller)) == (0, 3)


@pytest.mark.parametrize("follows", [True, False], ids=["followed", "never followed"])
def test_a_chain_is_paid_the_same_whatever_was_provisional(follows: bool) -> None:  # noqa: FBT001
    offer = untaxed()
    top = a_priced_reseller(offer=offer, steps=STEPS)
    middle = a_priced_reseller(offer=offer, rate="0.20", steps=((1_500, "0.30"),), parent_id=top.id)
    last = a_priced_reseller(offer=offer, rate="0.10", parent_id=middle.id)
    wallets = [a_wallet(10_000, reseller=each) for each in (top, middle, last)]
    for wallet in (*wallets, *wallets):
        charge(wallet, "600")
        if follows:
            follow_the_volume()

    close_this_month()

    # All of the chain: 25 % of 1,000, 30 % of 1,000, half of 1,600. Below: 20 % of 1,500 and 30 %
    # of 900 for the middle one; 10 % of 1,200 for the last.
    total, middle_total, last_total = 250 + 300 + 800, 300 + 270, 120
    assert [earned_by(each) for each in (top, middle, last)] == [
        total - middle_total,
        middle_total - last_total,
        last_total,
    ]
    assert owned_by(PLATFORM_ID)["revenue"] == 3_600 - total
    assert statement_of(top).lines["below"] == {str(middle.id): middle_total}


def test_a_reseller_that_only_has_others_below_it_is_trued_up_in_its_own_book() -> None:
    offer = untaxed()
    top = a_priced_reseller(offer=offer, steps=STEPS)
    child = a_priced_reseller(offer=offer, rate="0.10", parent_id=top.id)
    charge(a_wallet(5_000, reseller=child), "3000")

    close_this_month()

    assert statement_of(top).own_volume_minor == 0
    assert owned_by(top.id, book_id=top.id)["commission"] == 250 + 300 + 500 - 300 - 450
    assert earned_by(top) == 250 + 300 + 500 - 300


def test_each_agreement_pays_for_what_was_booked_under_it() -> None:
    reseller = a_priced_reseller(offer=untaxed(), steps=STEPS)
    wallet = a_wallet(10_000, reseller=reseller)
    charge(wallet, "800")

    agree_anew(reseller, "0.10", (1_000, "0.40"))
    charge(wallet, "700")
    close_this_month()

    # 800 at 25 %; then the month runs on: 200 up to the step at 10 %, 500 above it at 40 %.
    assert earned_by(reseller) == 200 + 20 + 200
    segments = statement_of(reseller).lines["segments"]
    assert [segment["volume"] for segment in segments] == [800, 700]


def test_a_change_of_the_parent_cuts_the_childs_volume_for_the_parent_alone() -> None:
    offer = untaxed()
    top = a_priced_reseller(offer=offer, rate="0.25")
    child = a_priced_reseller(offer=offer, rate="0.10", parent_id=top.id)
    wallet = a_wallet(5_000, reseller=child)
    charge(wallet, "1000")

    agree_anew(top, "0.40")
    charge(wallet, "500")
    close_this_month()

    assert [earned_by(each) for each in (top, child)] == [250 + 200 - 150, 150]
    assert len(statement_of(child).lines["segments"]) == 1


def test_currencies_are_reckoned_each_by_itself_and_too_much_goes_back() -> None:
    reseller = a_priced_reseller(offer=untaxed(), steps=STEPS)
    charge(a_wallet(10_000, reseller=reseller), "5000")
    with transaction(PLATFORM) as session:
        sell_offer(
            session,
            PLATFORM,
            reseller_id=reseller.id,
            offer_id=untaxed("USD").id,
            valid_from=now(),
        )
    dollars = a_wallet(2_000, reseller=reseller, currency="USD")
    # Euros lead: dollars are shared by half until the month is over.
    follow_the_volume()
    charge(dollars, an_event(dollars, "1000", occurred_at=now()))

    close_this_month()

    found = statement_of(reseller, "USD")
    assert (found.provisional_minor, found.final_minor) == (500, 250)
    assert statement_of(reseller, "EUR").final_minor == 250 + 300 + 1_500


def test_a_month_is_closed_once(own: Database) -> None:
    reseller = a_priced_reseller(offer=untaxed(), steps=STEPS)
    charge(a_wallet(10_000, reseller=reseller), "3000")
    close_this_month()
    before = rows_of_all_tables(own.owner_url), earned_by(reseller)

    again = close_this_month()

    assert again == MonthClosing(this_month(), is_new=False)
    assert (rows_of_all_tables(own.owner_url), earned_by(reseller)) == before


@pytest.mark.parametrize("done", range(4))
def test_a_closing_that_died_goes_on_where_it_was(done: int) -> None:
    chain = a_chain(3, offer=untaxed())
    for member in chain:
        charge(a_wallet(1_000, reseller=member), "333")
    month, later = this_month(), after_this_month()
    with transaction(PLATFORM) as session:
        commissions.begin_month(session, PLATFORM, month=month, now=later)
    for member in chain if done else chain[:1]:
        with transaction(TenantScope(member.id)) as session:
            ledger.close_period(session, member.id, month)
    with transaction(PLATFORM) as session:
        drafts = commissions.reckon_month(session, PLATFORM, month=month)
    for draft in drafts[:done]:
        scope = TenantScope(draft.reseller_id)
        with transaction(scope) as session:
            close_statement(session, scope, draft=draft, now=later)

    closing = close_this_month()

    assert closing.is_new
    assert len(statements()) == 3
    assert sum(earned_by(each) for each in chain) == 999 * 25 // 100


def test_two_that_close_at_once_post_once() -> None:
    reseller = a_priced_reseller(offer=untaxed(), steps=STEPS)
    charge(a_wallet(10_000, reseller=reseller), "3000")

    results = all_at_once([close_this_month] * 3)

    assert len(answers(results)) == 3
    assert earned_by(reseller) == 250 + 300 + 500
    assert len(statements()) == 1


def test_what_is_booked_late_changes_no_statement_and_counts_in_the_next_month() -> None:
    reseller = a_priced_reseller(offer=untaxed(), steps=STEPS)
    wallet = a_wallet(10_000, reseller=reseller)
    charge(wallet, "3000")
    close_this_month()
    before = statements()

    charge(wallet, "1500")
    following = next_month(this_month())
    closings = close_months(now=after_this_month() + timedelta(days=32))

    assert [closing.month for closing in closings] == [following]
    assert [row for row in statements() if row in before] == before
    assert [row[2:4] for row in statements() if row not in before] == [(1_500, 250 + 150)]
    assert earned_by(reseller) == 1_050 + 400


def test_a_month_that_is_not_over_by_two_hours_is_refused(own: Database) -> None:
    charge(a_wallet(1_000, reseller=a_priced_reseller()), "100")
    before = rows_of_all_tables(own.owner_url)

    with pytest.raises(MonthNotOverError):
        close_month(month=this_month(), now=after_this_month() - timedelta(seconds=1))

    assert close_months(now=after_this_month() - timedelta(seconds=1)) == []
    assert rows_of_all_tables(own.owner_url) == before


def test_a_month_is_not_closed_before_an_earlier_one(own: Database) -> None:
    charge(a_wallet(1_000, reseller=a_priced_reseller()), "100")
    before = rows_of_all_tables(own.owner_url)

    with pytest.raises(EarlierMonthOpenError):
        close_month(month=next_month(this_month()), now=after_this_month() + timedelta(days=32))

    assert rows_of_all_tables(own.owner_url) == before


def test_nobody_agrees_anything_in_a_month_that_is_closed(own: Database) -> None:
    reseller = a_priced_reseller()
    charge(a_wallet(1_000, reseller=reseller), "100")
    close_this_month()
    before = rows_of_all_tables(own.owner_url)

    with pytest.raises(MonthClosedError):
        agree_anew(reseller, "0.30")

    assert rows_of_all_tables(own.owner_url) == before


def test_a_month_without_bookings_needs_no_closing() -> None:
    a_priced_reseller()

    assert close_months(now=after_this_month()) == []
