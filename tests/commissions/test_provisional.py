"""Shares follow the volume of the month before it is over."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest

from app.commissions import next_month, starts_at
from app.embedded import PostgresServer
from app.kernel import now, transaction
from app.ledger import roll_up
from app.pricing import Offer
from app.tenancy import Tenant, TenantScope
from tests.commissions.test_agreements import terms_of
from tests.conftest import Database
from tests.factories.databases import a_database_of_its_own, connected_to
from tests.factories.money import (
    LONG_AGO,
    a_priced_reseller,
    a_wallet,
    an_event,
    an_offer,
    charge,
    owned_by,
)
from tests.factories.months import agree_anew, follow_the_volume, this_month

STEPS = ((1_000, "0.30"), (2_000, "0.50"))


@pytest.fixture(autouse=True)
def own(cluster: PostgresServer, connected: Database) -> Iterator[Database]:
    """A database of each test's own: volumes are counted over all resellers."""
    with a_database_of_its_own(cluster) as database, connected_to(database):
        yield database


def untaxed() -> Offer:
    return an_offer(tax_rate="0")


def earned_by(reseller: Tenant) -> int:
    return owned_by(reseller.id).get("commission", 0)


def test_what_is_booked_after_the_step_was_reached_is_shared_by_its_rate() -> None:
    reseller = a_priced_reseller(offer=untaxed(), steps=STEPS)
    wallet = a_wallet(10_000, reseller=reseller)
    charge(wallet, "1001")
    before = earned_by(reseller)

    moved = follow_the_volume()
    charge(wallet, "100")

    assert (before, moved) == (250, 1)
    assert earned_by(reseller) == 250 + 30


def test_it_does_not_matter_whether_the_volume_is_rolled_up() -> None:
    reseller = a_priced_reseller(offer=untaxed(), steps=STEPS)
    charge(a_wallet(10_000, reseller=reseller), "2001")
    with transaction(TenantScope(reseller.id)) as session:
        roll_up(session, reseller.id)

    follow_the_volume()

    assert Decimal("0.50") in [terms[reseller.id] for terms in terms_of(reseller).values()]


def test_at_the_step_itself_nothing_moves_and_a_second_look_changes_nothing() -> None:
    reseller = a_priced_reseller(offer=untaxed(), steps=STEPS)
    wallet = a_wallet(10_000, reseller=reseller)
    charge(wallet, "1000")
    at_the_step = follow_the_volume()

    charge(wallet, "1")
    moves = [follow_the_volume(), follow_the_volume()]

    assert (at_the_step, moves) == (0, [1, 0])
    assert len(terms_of(reseller)) == 2


def test_terms_of_a_month_end_with_it_and_the_agreed_ones_hold_again() -> None:
    reseller = a_priced_reseller(offer=untaxed(), steps=STEPS)
    charge(a_wallet(10_000, reseller=reseller), "2500")
    follow_the_volume()
    end = starts_at(next_month(this_month()))

    last, first = follow_the_volume(end - timedelta(seconds=1)), follow_the_volume(end)

    assert (last, first) == (0, 0)


def test_volume_below_lifts_the_parent_and_the_child_keeps_its_own() -> None:
    offer = untaxed()
    parent = a_priced_reseller(offer=offer, steps=STEPS)
    child = a_priced_reseller(offer=offer, rate="0.10", parent_id=parent.id)
    wallet = a_wallet(10_000, reseller=child)
    charge(wallet, "2001")

    moved = follow_the_volume()
    charge(wallet, "100")

    assert moved == 2
    assert earned_by(child) == 200 + 10
    # 15 % of the first charge, then 40 %: half of the price less what the child keeps.
    assert earned_by(parent) == 300 + 40


def test_a_new_agreement_within_the_month_is_followed_too() -> None:
    reseller = a_priced_reseller(offer=untaxed(), steps=STEPS)
    wallet = a_wallet(10_000, reseller=reseller)
    charge(wallet, "1500")
    follow_the_volume()

    agree_anew(reseller, "0.20", (1_400, "0.60"))
    base = earned_by(reseller)
    charge(wallet, "100")
    follow_the_volume()
    charge(wallet, "100")

    assert earned_by(reseller) == base + 20 + 60


def test_late_usage_is_shared_by_the_rate_of_its_booking() -> None:
    reseller = a_priced_reseller(offer=untaxed(), steps=STEPS)
    wallet = a_wallet(10_000, reseller=reseller)
    charge(wallet, "2001")
    follow_the_volume()
    before = earned_by(reseller)

    charge(wallet, an_event(wallet, "100", occurred_at=LONG_AGO + timedelta(days=400)))
    charge(wallet, an_event(wallet, "100", occurred_at=now()))

    assert earned_by(reseller) == before + 50 + 50


def test_a_reseller_without_agreement_is_left_alone() -> None:
    parent = a_priced_reseller(offer=untaxed())
    a_wallet(0, reseller=parent)

    assert follow_the_volume() == 0
