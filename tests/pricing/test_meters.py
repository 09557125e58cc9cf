from decimal import Decimal

import pytest

from app.kernel import now, transaction
from app.pricing import (
    BadPartsError,
    Increment,
    Meter,
    PartsFixedError,
    add_meter,
    list_meters,
    set_price,
)
from app.tenancy import PlatformScope
from tests.conftest import Database
from tests.factories import unique
from tests.factories.counts import rows_of_all_tables
from tests.factories.money import an_offer

pytestmark = pytest.mark.usefixtures("connected")
SCOPE = PlatformScope()


def add(meter: str, *, parts: int | None = None) -> None:
    with transaction(SCOPE) as session:
        add_meter(session, SCOPE, meter=meter, unit="minute", parts=parts)


def found(meter: str) -> Meter:
    with transaction(SCOPE) as session:
        return next(each for each in list_meters(session, SCOPE) if each.meter == meter)


def test_a_unit_has_one_part_unless_it_is_said() -> None:
    plain, timed = unique("meter"), unique("meter")

    add(plain)
    add(timed, parts=60)

    assert (found(plain).parts, found(timed).parts) == (1, 60)


def test_a_meter_that_is_added_again_keeps_its_parts() -> None:
    meter = unique("meter")
    add(meter, parts=60)

    add(meter)

    assert found(meter).parts == 60


def test_parts_may_change_until_an_increment_counts_in_them() -> None:
    meter = unique("meter")
    offer = an_offer(meter=meter)

    add(meter, parts=60)

    with transaction(SCOPE) as session:
        set_price(
            session,
            SCOPE,
            offer_id=offer.id,
            meter=meter,
            unit_price=Decimal("0.19"),
            valid_from=now(),
            increment=Increment(60, 1),
        )
    add(meter, parts=60)
    with pytest.raises(PartsFixedError):
        add(meter, parts=100)
    assert found(meter).parts == 60


@pytest.mark.parametrize("parts", [0, -60, 1_000])
def test_parts_that_rating_cannot_count_are_refused(connected: Database, parts: int) -> None:
    before = rows_of_all_tables(connected.owner_url)

    with pytest.raises(BadPartsError):
        add(unique("meter"), parts=parts)

    assert rows_of_all_tables(connected.owner_url) == before
