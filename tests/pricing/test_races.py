"""Two who change the same thing at once: one wins, the other one is told."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from app.kernel import Money, now, transaction
from app.pricing import (
    BonusStep,
    DateTakenError,
    Increment,
    PartsFixedError,
    add_meter,
    get_plan,
    list_meters,
    price_history,
    retail_history,
    set_bonus_steps,
    set_fee,
    set_price,
    set_retail_price,
)
from app.tenancy import PlatformScope
from tests.factories import scope_of, unique
from tests.factories.money import LONG_AGO, METER, a_priced_reseller, an_offer
from tests.factories.races import all_at_once, answers, refusals

pytestmark = pytest.mark.usefixtures("connected")
SCOPE = PlatformScope()
LATER = LONG_AGO + timedelta(days=31)
CROWD = 6


def crowd(act: Callable[[int], None]) -> None:
    """Let a crowd act at once and see that one of them wins."""

    def one(number: int) -> Callable[[], bool]:
        def run() -> bool:
            act(number)
            return True

        return run

    results = all_at_once([one(number) for number in range(1, CROWD + 1)])
    assert len(answers(results)) == 1
    assert set(refusals(results)) == {DateTakenError}


def test_one_of_a_crowd_sets_the_price_of_a_date() -> None:
    offer = an_offer()

    def act(number: int) -> None:
        with transaction(SCOPE) as session:
            set_price(
                session, SCOPE, offer_id=offer.id, meter=METER, unit_price=Decimal(number),
                valid_from=LATER,
            )  # fmt: skip

    crowd(act)

    with transaction(SCOPE) as session:
        assert len(price_history(session, SCOPE, offer_id=offer.id, meter=METER)) == 2


def test_one_of_a_team_sets_the_resellers_own_price_of_a_date() -> None:
    reseller = a_priced_reseller()
    scope, tomorrow = scope_of(reseller), now() + timedelta(days=1)

    def act(number: int) -> None:
        with transaction(scope) as session:
            set_retail_price(
                session, scope, meter=METER, unit_price=Decimal(number), valid_from=tomorrow,
                now=now(),
            )  # fmt: skip

    crowd(act)

    with transaction(scope) as session:
        assert len(retail_history(session, scope, meter=METER)) == 1


def test_one_of_a_crowd_sets_fee_and_bonus_and_their_steps_do_not_mix() -> None:
    offer = an_offer()

    def fee(number: int) -> None:
        with transaction(SCOPE) as session:
            set_fee(
                session, SCOPE, offer_id=offer.id, fee="base", name="Base",
                amount=Money(number, "EUR"), months=1, valid_from=LATER,
            )  # fmt: skip

    def bonus(number: int) -> None:
        step = BonusStep(Money(number * 1_000, "EUR"), Money(number, "EUR"))
        with transaction(SCOPE) as session:
            set_bonus_steps(session, SCOPE, offer_id=offer.id, steps=[step], valid_from=LATER)

    crowd(fee)
    crowd(bonus)

    with transaction(SCOPE) as session:
        plan = get_plan(session, SCOPE, slug=offer.slug, at=LATER)
    assert (len(plan.fees), len(plan.bonus_steps)) == (1, 1)


def test_parts_never_change_under_a_price_that_counts_in_them() -> None:
    for _ in range(5):
        meter = unique("meter")
        offer = an_offer(meter=meter, parts=60)

        def change(meter: str = meter) -> None:
            with transaction(SCOPE) as session:
                add_meter(session, SCOPE, meter=meter, unit="minute", parts=100)

        def count(meter: str = meter, offer_id: UUID = offer.id) -> None:
            with transaction(SCOPE) as session:
                set_price(
                    session, SCOPE, offer_id=offer_id, meter=meter, unit_price=Decimal(1),
                    valid_from=LATER, increment=Increment(60, 60),
                )  # fmt: skip

        refused = refusals(all_at_once([change, count]))

        with transaction(SCOPE) as session:
            parts = {each.meter: each.parts for each in list_meters(session, SCOPE)}[meter]
        # Either the change came first, or it was told that it came too late.
        assert (parts, refused) in [(100, []), (60, [PartsFixedError])]
