"""A reseller's own price: within the floor, from now on, and hers alone (requirement C6)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import select

from app.audit.models import AuditRecord
from app.billing.terms import read_terms
from app.kernel import transaction
from app.pricing import (
    BadPriceError,
    BadStepsError,
    BelowFloorError,
    DateTakenError,
    NoPriceError,
    NothingSoldError,
    OwnPrice,
    PastDateError,
    PricedMeter,
    RetailPrice,
    Step,
    Tariff,
    price_book,
    retail_history,
    sell_offer,
    set_price,
    set_retail_price,
)
from app.tenancy import PlatformScope, Tenant
from tests.conftest import Database
from tests.factories import a_reseller, scope_of
from tests.factories.counts import rows_of_all_tables
from tests.factories.money import (
    LONG_AGO,
    METER,
    a_priced_reseller,
    a_wallet,
    an_event,
    an_offer,
    charge,
    some_steps,
)

pytestmark = pytest.mark.usefixtures("connected")
PLATFORM = PlatformScope()
NOON = datetime.fromisoformat("2026-03-01T12:00:00+00:00")
LATER = NOON + timedelta(days=1)
STEPS = some_steps(("100", "0.18"))


def ask(
    reseller: Tenant,
    unit_price: str | None,
    *,
    valid_from: datetime = NOON,
    steps: Sequence[Step] = (),
    meter: str = METER,
) -> RetailPrice:
    """Set a price, long before it holds."""
    scope = scope_of(reseller)
    with transaction(scope) as session:
        return set_retail_price(
            session,
            scope,
            meter=meter,
            unit_price=None if unit_price is None else Decimal(unit_price),
            steps=steps,
            valid_from=valid_from,
            now=NOON,
        )


def tariff(reseller: Tenant, at: datetime = NOON) -> Tariff:
    scope = scope_of(reseller)
    with transaction(scope) as session:
        return read_terms(session, scope, METER, at, booked_at=at).tariff


def book(reseller: Tenant, at: datetime = NOON) -> tuple[PricedMeter, ...]:
    scope = scope_of(reseller)
    with transaction(scope) as session:
        return price_book(session, scope, at=at).meters


def history(reseller: Tenant) -> list[OwnPrice]:
    scope = scope_of(reseller)
    with transaction(scope) as session:
        return retail_history(session, scope, meter=METER)


def a_seller(floor: str = "0.12") -> Tenant:
    offer = an_offer(
        unit_price="0.19", floor=floor, steps=[("1000", "0.15")],
        increment="10/5", minimum="0.02", allowance="3",
    )  # fmt: skip
    return a_priced_reseller(offer=offer)


def test_her_price_and_steps_replace_the_plans_and_the_rest_stays() -> None:
    reseller = a_seller()
    plan = tariff(reseller)

    own = ask(reseller, "0.25", steps=STEPS)

    found = tariff(reseller)
    assert (found.unit_price, found.steps) == (Decimal("0.25"), STEPS)
    assert (found.retail_price_id, found.price_id) == (own.id, plan.price_id)
    assert (found.first_increment, found.next_increment) == (10, 5)
    assert (found.minimum, found.allowance) == (Decimal("0.02"), Decimal(3))


def test_it_holds_from_its_date_on_and_for_her_alone() -> None:
    offer = an_offer(unit_price="0.19")
    reseller, other = (a_priced_reseller(offer=offer) for _ in range(2))

    ask(reseller, "0.25")

    assert tariff(reseller, NOON - timedelta(microseconds=1)).unit_price == Decimal("0.19")
    assert tariff(reseller, NOON).unit_price == Decimal("0.25")
    assert tariff(other, NOON).unit_price == Decimal("0.19")


def test_a_process_that_kept_the_plans_price_charges_hers_at_once() -> None:
    reseller = a_priced_reseller(offer=an_offer(unit_price="0.01"))
    wallet = a_wallet(5_000, reseller=reseller)

    def cost(at: datetime) -> int:
        return charge(wallet, an_event(wallet, "100", occurred_at=at)).gross.minor

    before = cost(NOON)
    ask(reseller, "0.02")

    assert (before, cost(NOON), cost(NOON - timedelta(seconds=1))) == (100, 200, 100)


def test_clearing_brings_back_the_plans_price_and_steps() -> None:
    reseller = a_seller()
    plan = tariff(reseller)
    ask(reseller, "0.25", steps=STEPS)

    ask(reseller, None, valid_from=LATER)

    assert tariff(reseller, LATER) == plan
    assert tariff(reseller, NOON).unit_price == Decimal("0.25")


def test_a_floor_that_rises_later_lifts_her_price_and_steps() -> None:
    offer = an_offer(unit_price="0.19", floor="0.12")
    reseller = a_priced_reseller(offer=offer)
    own = ask(reseller, "0.18", steps=some_steps(("100", "0.12"), ("200", "0.17")))

    with transaction(PLATFORM) as session:
        set_price(
            session, PLATFORM, offer_id=offer.id, meter=METER, unit_price=Decimal("0.19"),
            floor_price=Decimal("0.16"), valid_from=LATER,
        )  # fmt: skip

    found = tariff(reseller, LATER)
    assert (found.unit_price, found.retail_price_id) == (Decimal("0.18"), own.id)
    assert found.steps == some_steps(("100", "0.16"), ("200", "0.17"))
    assert tariff(reseller, NOON).steps == some_steps(("100", "0.12"), ("200", "0.17"))


@pytest.mark.parametrize(
    ("unit_price", "steps", "refusal"),
    [
        ("0.119999", (), BelowFloorError),
        ("0.19", some_steps(("100", "0.119999")), BelowFloorError),
        ("-1", (), BadPriceError),
        ("0.19", some_steps(("100", "0.18"), ("50", "0.17")), BadStepsError),
        (None, STEPS, BadStepsError),
    ],
)
def test_a_price_below_the_floor_or_without_sense_is_refused(
    connected: Database, unit_price: str | None, steps: Sequence[Step], refusal: type[Exception]
) -> None:
    reseller = a_seller()
    before = rows_of_all_tables(connected.owner_url)

    with pytest.raises(refusal):
        ask(reseller, unit_price, steps=steps)

    assert rows_of_all_tables(connected.owner_url) == before


def test_the_floor_itself_may_be_asked() -> None:
    reseller = a_seller(floor="0.12")

    ask(reseller, "0.12")

    assert tariff(reseller).unit_price == Decimal("0.12")


def test_the_floor_is_that_of_the_day_the_price_begins() -> None:
    offer = an_offer(unit_price="0.19", floor="0.12")
    reseller = a_priced_reseller(offer=offer)
    with transaction(PLATFORM) as session:
        set_price(
            session, PLATFORM, offer_id=offer.id, meter=METER, unit_price=Decimal("0.19"),
            floor_price=Decimal("0.16"), valid_from=LATER,
        )  # fmt: skip

    with pytest.raises(BelowFloorError):
        ask(reseller, "0.15", valid_from=LATER)
    ask(reseller, "0.15", valid_from=NOON)

    assert [tariff(reseller, at).unit_price for at in (NOON, LATER)] == [
        Decimal("0.15"),
        Decimal("0.16"),
    ]


def test_a_past_date_is_refused() -> None:
    reseller = a_seller()

    with pytest.raises(PastDateError):
        ask(reseller, "0.25", valid_from=NOON - timedelta(microseconds=1))

    assert history(reseller) == []


def test_a_second_price_from_the_same_date_is_refused_and_the_first_one_holds() -> None:
    reseller = a_seller()
    ask(reseller, "0.25")

    with pytest.raises(DateTakenError):
        ask(reseller, "0.30", steps=STEPS)

    assert (tariff(reseller).unit_price, tariff(reseller).steps) == (Decimal("0.25"), ())


def test_a_meter_that_she_does_not_sell_is_refused() -> None:
    with pytest.raises(NoPriceError):
        ask(a_seller(), "0.25", meter="nobodys")
    with pytest.raises(NoPriceError):
        ask(a_reseller(), "0.25")


def test_a_price_in_euros_is_not_asked_in_dollars() -> None:
    reseller = a_priced_reseller(offer=an_offer(unit_price="0.19"))
    ask(reseller, "0.25")

    with transaction(PLATFORM) as session:
        sell_offer(
            session, PLATFORM, reseller_id=reseller.id, valid_from=LATER,
            offer_id=an_offer(unit_price="0.21", currency="USD").id,
        )  # fmt: skip

    found = tariff(reseller, LATER)
    assert (found.unit_price, found.currency) == (Decimal("0.21"), "USD")
    assert found.retail_price_id is None
    ask(reseller, "0.30", valid_from=LATER)
    assert tariff(reseller, LATER).unit_price == Decimal("0.30")


def test_her_price_goes_on_with_another_offer_in_the_same_currency() -> None:
    reseller = a_priced_reseller(offer=an_offer(unit_price="0.19"))
    ask(reseller, "0.25")

    with transaction(PLATFORM) as session:
        sell_offer(
            session, PLATFORM, reseller_id=reseller.id, valid_from=LATER,
            offer_id=an_offer(unit_price="0.21").id,
        )  # fmt: skip

    assert tariff(reseller, LATER).unit_price == Decimal("0.25")


def test_the_book_shows_the_plans_price_her_own_and_what_customers_pay() -> None:
    reseller = a_seller()
    (plain,) = book(reseller)
    own = ask(reseller, "0.25", steps=STEPS)

    (line,) = book(reseller)

    assert plain.own is None
    assert (plain.unit_price, plain.steps) == (plain.plan.unit_price, plain.plan.steps)
    assert (line.plan.unit_price, line.plan.floor_price) == (Decimal("0.19"), Decimal("0.12"))
    assert line.plan.increment == (10, 5)
    assert line.own == OwnPrice(own.id, METER, "EUR", NOON, Decimal("0.25"), STEPS)
    assert (line.unit_price, line.steps) == (Decimal("0.25"), STEPS)


def test_book_and_tariff_agree_on_what_is_asked() -> None:
    offer = an_offer(unit_price="0.19", steps=[("5", "0.14")])
    reseller = a_priced_reseller(offer=offer)
    ask(reseller, "0.25", steps=STEPS)
    ask(reseller, None, valid_from=LATER)

    for at in (LONG_AGO, NOON, LATER):
        (line,) = book(reseller, at)
        found = tariff(reseller, at)
        assert (line.unit_price, line.steps) == (found.unit_price, found.steps)


def test_a_reseller_that_sells_nothing_has_no_book() -> None:
    with pytest.raises(NothingSoldError):
        book(a_reseller())


def test_the_history_tells_every_own_price_newest_first() -> None:
    reseller = a_seller()
    ask(reseller, "0.25", steps=STEPS)
    ask(reseller, None, valid_from=LATER)

    known = history(reseller)

    assert [(each.valid_from, each.unit_price, each.steps) for each in known] == [
        (LATER, None, ()),
        (NOON, Decimal("0.25"), STEPS),
    ]


def test_a_neighbour_sees_none_of_her_prices_even_by_a_query_without_scope() -> None:
    reseller, neighbour = a_seller(), a_seller()
    ask(reseller, "0.25", steps=STEPS)

    with transaction(scope_of(neighbour)) as session:
        rows = session.scalars(select(RetailPrice)).all()

    assert rows == []
    assert history(neighbour) == []


def test_nobody_edits_a_price_afterwards(connected: Database) -> None:
    reseller = a_seller()
    ask(reseller, "0.25", steps=STEPS)

    for table in ("retail_prices", "retail_price_steps", "prices", "price_steps"):
        for url in (connected.application_url, connected.platform_url):
            with (
                psycopg.connect(url) as connection,
                pytest.raises(psycopg.errors.InsufficientPrivilege),
            ):
                connection.execute(
                    sql.SQL("UPDATE {} SET unit_price = 0").format(sql.Identifier(table))
                )


def test_the_change_is_in_the_audit_trail() -> None:
    reseller = a_seller()

    own = ask(reseller, "0.25")

    with transaction(scope_of(reseller)) as session:
        record = session.scalars(select(AuditRecord).where(AuditRecord.subject_id == own.id)).one()
    assert (record.action, record.facts) == ("pricing.retail_price_set", {"meter": METER})


def test_the_terms_hold_until_her_next_price() -> None:
    reseller = a_seller()
    ask(reseller, "0.25", valid_from=LATER)
    scope = scope_of(reseller)

    with transaction(scope) as session:
        terms = read_terms(session, scope, METER, NOON, booked_at=NOON)

    assert terms.priced.covers(NOON)
    assert not terms.priced.covers(LATER)
