"""What a top-up earns beside itself (requirement C9)."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel import Money, new_id, transaction
from app.pricing import (
    BadBonusError,
    BonusStep,
    BonusTerms,
    DateTakenError,
    Offer,
    UnknownOfferError,
    bonus_for,
    set_bonus_steps,
)
from app.pricing.rules import earned_bonus
from app.tenancy import PlatformScope, Tenant
from tests.conftest import Database
from tests.factories import a_reseller, scope_of
from tests.factories.counts import rows_of_all_tables
from tests.factories.money import LONG_AGO, a_priced_reseller, an_offer

pytestmark = pytest.mark.usefixtures("connected")
SCOPE = PlatformScope()
LATER = LONG_AGO + timedelta(days=31)


def eur(minor: int) -> Money:
    return Money(minor, "EUR")


STEPS = [BonusStep(eur(10_000), eur(1_000)), BonusStep(eur(25_000), eur(3_000), 365)]


def grant(offer: Offer, steps: Sequence[BonusStep], valid_from: datetime = LONG_AGO) -> None:
    with transaction(SCOPE) as session:
        set_bonus_steps(session, SCOPE, offer_id=offer.id, steps=steps, valid_from=valid_from)


def bonus(reseller: Tenant, paid: Money, at: datetime = LATER) -> BonusTerms | None:
    scope = scope_of(reseller)
    with transaction(scope) as session:
        return bonus_for(session, scope, paid=paid, at=at)


@pytest.mark.parametrize(
    ("paid", "expected"),
    [
        (9_999, None),
        (10_000, BonusTerms(eur(1_000), None)),
        (24_999, BonusTerms(eur(1_000), None)),
        (25_000, BonusTerms(eur(3_000), 365)),
        (500_000, BonusTerms(eur(3_000), 365)),
    ],
)
def test_the_greatest_step_not_above_the_amount_counts(
    paid: int, expected: BonusTerms | None
) -> None:
    offer = an_offer()
    reseller = a_priced_reseller(offer=offer)
    grant(offer, STEPS)

    assert bonus(reseller, eur(paid)) == expected


@given(edges=st.lists(st.integers(0, 1_000), unique=True, max_size=6), paid=st.integers(0, 1_200))
def test_a_bonus_belongs_to_a_reached_step_and_no_reached_step_is_higher(
    edges: list[int], paid: int
) -> None:
    steps = [BonusStep(eur(edge), eur(edge + 1)) for edge in edges]

    earned = earned_bonus(steps, eur(paid))

    reached = [edge for edge in edges if edge <= paid]
    assert (earned.least.minor if earned else None) == max(reached, default=None)


def test_new_steps_replace_all_of_the_old_ones_from_their_date_on() -> None:
    offer = an_offer()
    reseller = a_priced_reseller(offer=offer)
    grant(offer, STEPS)
    grant(offer, [BonusStep(eur(50_000), eur(100))], LATER)

    just_before = LATER - timedelta(microseconds=1)

    assert bonus(reseller, eur(25_000), just_before) == BonusTerms(eur(3_000), 365)
    assert bonus(reseller, eur(25_000), LATER) is None
    assert bonus(reseller, eur(50_000), LATER) == BonusTerms(eur(100), None)


def test_no_steps_end_the_bonus() -> None:
    offer = an_offer()
    reseller = a_priced_reseller(offer=offer)
    grant(offer, STEPS)

    grant(offer, [], LATER)

    assert bonus(reseller, eur(25_000), LATER) is None


def test_a_step_from_nothing_on_counts_for_every_top_up() -> None:
    offer = an_offer()
    reseller = a_priced_reseller(offer=offer)

    grant(offer, [BonusStep(eur(0), eur(50))])

    assert bonus(reseller, eur(500)) == BonusTerms(eur(50), None)


def test_other_currencies_and_resellers_without_an_offer_earn_nothing() -> None:
    offer = an_offer()
    grant(offer, STEPS)

    assert bonus(a_priced_reseller(offer=offer), Money(25_000, "USD")) is None
    assert bonus(a_reseller(), eur(25_000)) is None


@pytest.mark.parametrize(
    "steps",
    [
        [STEPS[1], STEPS[0]],
        [STEPS[0], STEPS[0]],
        [BonusStep(eur(100), eur(-1))],
        [BonusStep(eur(-100), eur(1))],
        [BonusStep(eur(100), eur(1), 0)],
        [BonusStep(Money(100, "USD"), Money(1, "USD"))],
        [BonusStep(eur(100), Money(1, "USD"))],
        [BonusStep(eur(edge), eur(1)) for edge in range(21)],
    ],
)
def test_bad_steps_are_refused_and_leave_no_row(
    connected: Database, steps: list[BonusStep]
) -> None:
    offer = an_offer()
    before = rows_of_all_tables(connected.owner_url)

    with pytest.raises(BadBonusError):
        grant(offer, steps)

    assert rows_of_all_tables(connected.owner_url) == before


def test_steps_never_change_on_a_date_they_have() -> None:
    offer = an_offer()
    reseller = a_priced_reseller(offer=offer)
    grant(offer, STEPS)

    with pytest.raises(DateTakenError):
        grant(offer, [BonusStep(eur(50), eur(50))])

    assert bonus(reseller, eur(9_999)) is None


def test_steps_of_an_unknown_offer_are_refused() -> None:
    with transaction(SCOPE) as session, pytest.raises(UnknownOfferError):
        set_bonus_steps(session, SCOPE, offer_id=new_id(), steps=STEPS, valid_from=LATER)
