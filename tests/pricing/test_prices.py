"""What a price is made of, refused where it makes no sense, and read back into a tariff."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from app.billing.terms import ChargeTerms, read_terms
from app.kernel import new_id, now, transaction
from app.pricing import (
    BadAllowanceError,
    BadIncrementError,
    BadMinimumError,
    BadPriceError,
    BadStepsError,
    BelowFloorError,
    DateTakenError,
    Increment,
    Offer,
    PlanPrice,
    Step,
    UnknownMeterError,
    UnknownOfferError,
    price_history,
    set_price,
)
from app.tenancy import PlatformScope, Tenant
from tests.conftest import Database
from tests.factories import scope_of, unique
from tests.factories.counts import rows_of_all_tables
from tests.factories.money import LONG_AGO, METER, a_priced_reseller, an_offer, some_steps

pytestmark = pytest.mark.usefixtures("connected")
SCOPE = PlatformScope()
LATER = LONG_AGO + timedelta(days=1)
STEPS = some_steps(("100", "0.15"), ("1000.5", "0.1"))


def price(offer_id: UUID, valid_from: datetime = LATER, **figures: Any) -> None:  # noqa: ANN401 - passed on
    facts = {"meter": METER, "unit_price": Decimal("0.19"), **figures}
    with transaction(SCOPE) as session:
        set_price(session, SCOPE, offer_id=offer_id, valid_from=valid_from, **facts)


def terms(reseller: Tenant, at: datetime, meter: str = METER) -> ChargeTerms:
    scope = scope_of(reseller)
    with transaction(scope) as session:
        return read_terms(session, scope, meter, at, booked_at=at)


def test_a_price_is_read_back_with_all_that_it_is_rated_by() -> None:
    meter = unique("meter")
    offer = an_offer(meter=meter, parts=60)
    reseller = a_priced_reseller(offer=offer)
    price(
        offer.id,
        meter=meter,
        increment=Increment(60, 1),
        minimum=Decimal("0.05"),
        allowance=Decimal("100.5"),
        steps=STEPS,
    )

    before, tariff = (terms(reseller, at, meter).tariff for at in (LONG_AGO, LATER))

    assert (tariff.unit_price, tariff.parts) == (Decimal("0.19"), 60)
    assert (tariff.first_increment, tariff.next_increment) == (60, 1)
    assert (tariff.minimum, tariff.allowance) == (Decimal("0.05"), Decimal("100.5"))
    assert (tariff.steps, tariff.retail_price_id) == (STEPS, None)
    assert (before.first_increment, before.next_increment, before.steps) == (0, 0, ())
    assert not before.needs_volume


@pytest.mark.parametrize(
    ("figures", "refusal"),
    [
        ({"unit_price": Decimal("-0.01")}, BadPriceError),
        ({"increment": Increment(0, 1)}, BadIncrementError),
        ({"increment": Increment(60, -1)}, BadIncrementError),
        ({"increment": Increment(60, 1_000_001)}, BadIncrementError),
        ({"minimum": Decimal("-0.01")}, BadMinimumError),
        ({"minimum": Decimal("0.0000001")}, BadMinimumError),
        ({"allowance": Decimal(-1)}, BadAllowanceError),
        ({"allowance": Decimal("NaN")}, BadAllowanceError),
        ({"floor_price": Decimal("0.0000001")}, BadPriceError),
        ({"floor_price": Decimal("0.190001")}, BelowFloorError),
        ({"floor_price": Decimal("0.11"), "steps": STEPS}, BelowFloorError),
        ({"steps": some_steps(("0", "0.1"))}, BadStepsError),
        ({"steps": some_steps(("5", "0.1"), ("5", "0.09"))}, BadStepsError),
        ({"steps": some_steps(("5", "0.1"), ("4", "0.09"))}, BadStepsError),
        ({"steps": some_steps(("5.0000001", "0.1"))}, BadStepsError),
        ({"steps": some_steps(("5", "-0.1"))}, BadPriceError),
        ({"steps": [Step(Decimal(n), Decimal(1)) for n in range(1, 22)]}, BadStepsError),
        ({"meter": "nobodys"}, UnknownMeterError),
    ],
)
def test_nonsense_is_refused_and_leaves_no_row(
    connected: Database, figures: dict[str, Any], refusal: type[Exception]
) -> None:
    offer = an_offer()
    before = rows_of_all_tables(connected.owner_url)

    with pytest.raises(refusal):
        price(offer.id, **figures)

    assert rows_of_all_tables(connected.owner_url) == before


def test_the_price_of_an_unknown_offer_is_refused() -> None:
    with pytest.raises(UnknownOfferError):
        price(new_id())


def test_a_date_that_is_taken_keeps_price_and_steps() -> None:
    offer = an_offer(steps=[("10", "0.005")])

    with pytest.raises(DateTakenError):
        price(offer.id, LONG_AGO, steps=STEPS)

    (kept,) = history(offer)
    assert (kept.unit_price, kept.steps) == (Decimal("0.01"), some_steps(("10", "0.005")))


def test_the_history_of_a_meter_begins_with_the_newest_price() -> None:
    offer = an_offer()
    future = now() + timedelta(days=30)
    for valid_from, amount in ((future, "0.3"), (LATER, "0.2")):
        price(offer.id, valid_from, unit_price=Decimal(amount), floor_price=Decimal("0.1"))

    known = history(offer)

    assert [(each.valid_from, each.unit_price) for each in known] == [
        (future, Decimal("0.3")),
        (LATER, Decimal("0.2")),
        (LONG_AGO, Decimal("0.01")),
    ]
    assert [each.floor_price for each in known] == [Decimal("0.1"), Decimal("0.1"), Decimal(0)]


def history(offer: Offer) -> list[PlanPrice]:
    with transaction(SCOPE) as session:
        return price_history(session, SCOPE, offer_id=offer.id, meter=METER)
