from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import event

from app.kernel import Money, SignIn, transaction
from app.kernel.db import _process
from app.pricing import (
    BonusStep,
    CreditPurpose,
    Plan,
    UnknownOfferError,
    get_plan,
    plans,
    set_bonus_steps,
    set_fee,
    set_price,
)
from app.tenancy import PlatformScope
from tests.factories import unique
from tests.factories.money import LONG_AGO, METER, an_offer, some_steps

pytestmark = pytest.mark.usefixtures("connected")
SCOPE = PlatformScope()
LATER = LONG_AGO + timedelta(days=31)


def eur(minor: int) -> Money:
    return Money(minor, "EUR")


def a_full_offer() -> str:
    """An offer whose prices, fee and bonus change at a date; return its slug."""
    offer = an_offer(
        unit_price="0.19", increment="60/1", minimum="0.05", allowance="100",
        steps=[("1000", "0.15")], floor="0.12", purpose=CreditPurpose.MULTI,
    )  # fmt: skip
    with transaction(SCOPE) as session:
        for since, minor, price in ((LONG_AGO, 990, None), (LATER, 1_290, Decimal("0.21"))):
            set_fee(
                session, SCOPE, offer_id=offer.id, fee="base", name="Grundgebühr",
                amount=eur(minor), months=1, valid_from=since,
            )  # fmt: skip
            steps = [BonusStep(eur(10_000), eur(minor))]
            set_bonus_steps(session, SCOPE, offer_id=offer.id, steps=steps, valid_from=since)
            if price is not None:
                set_price(
                    session, SCOPE, offer_id=offer.id, meter=METER, unit_price=price,
                    valid_from=since,
                )  # fmt: skip
    return offer.slug


def test_a_plan_shows_prices_fees_and_bonus_steps_as_they_hold_at_a_time() -> None:
    slug = a_full_offer()

    with transaction(SCOPE) as session:
        before = get_plan(session, SCOPE, slug=slug, at=LATER - timedelta(microseconds=1))
        after = get_plan(session, SCOPE, slug=slug, at=LATER)

    (price,), (fee,) = before.prices, before.fees
    assert (before.slug, before.currency, before.credit_purpose) == (
        slug, "EUR", CreditPurpose.MULTI,
    )  # fmt: skip
    assert (price.meter, price.unit_price, price.increment) == (METER, Decimal("0.19"), (60, 1))
    assert (price.minimum, price.allowance) == (Decimal("0.05"), Decimal(100))
    assert (price.steps, price.floor_price) == (some_steps(("1000", "0.15")), Decimal("0.12"))
    assert (fee.fee, fee.amount, fee.months) == ("base", eur(990), 1)
    assert before.bonus_steps == (BonusStep(eur(10_000), eur(990)),)
    assert after.prices[0].unit_price == Decimal("0.21")
    assert (after.prices[0].increment, after.prices[0].steps) == (None, ())
    assert (after.fees[0].amount, after.bonus_steps[0].bonus) == (eur(1_290), eur(1_290))


def test_a_plan_before_its_first_price_is_empty() -> None:
    slug = a_full_offer()

    with transaction(SCOPE) as session:
        plan = get_plan(session, SCOPE, slug=slug, at=LONG_AGO - timedelta(days=1))

    assert (plan.prices, plan.fees, plan.bonus_steps) == ((), (), ())


def test_all_plans_are_listed_in_order_with_as_many_queries_for_one_as_for_many() -> None:
    slugs = [a_full_offer() for _ in range(3)]

    found, queries = _all_plans()
    slugs += [a_full_offer() for _ in range(3)]
    more, queries_of_more = _all_plans()

    assert [plan.slug for plan in more] == sorted(plan.slug for plan in more)
    assert {plan.slug for plan in more} >= set(slugs)
    assert len(more) == len(found) + 3
    assert queries == queries_of_more


def test_an_unknown_plan_is_refused() -> None:
    with transaction(SCOPE) as session, pytest.raises(UnknownOfferError):
        get_plan(session, SCOPE, slug=unique("nobodys"), at=LATER)


def _all_plans() -> tuple[list[Plan], int]:
    statements: list[str] = []

    def note(*facts: object) -> None:
        statements.append(str(facts[2]))

    engine = _process.engines[SignIn.PLATFORM]
    event.listen(engine, "before_cursor_execute", note)
    try:
        with transaction(SCOPE) as session:
            return plans(session, SCOPE, at=LATER), len(statements)
    finally:
        event.remove(engine, "before_cursor_execute", note)
