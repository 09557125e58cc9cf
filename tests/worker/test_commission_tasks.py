"""What the worker does about commission, by the clock and after a top-up."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.commissions import BonusKind
from app.commissions.models import CommissionBonus, CommissionStatement
from app.kernel import now, transaction
from app.tenancy import PlatformScope, Tenant
from app.worker.handlers import HANDLERS
from app.worker.tasks import close_months, grant_bonuses, retier
from tests.conftest import Database
from tests.factories.money import (
    a_priced_reseller,
    a_settled_top_up,
    a_wallet,
    an_offer,
    charge,
    owned_by,
)
from tests.factories.months import after_this_month, agree_bonus
from tests.worker.relays import FakeLive, Relays
from tests.worker.test_jobs import PORTS, run_jobs

pytestmark = pytest.mark.usefixtures("connected")


def bonuses_of(reseller: Tenant) -> list[str]:
    with transaction(PlatformScope()) as session:
        query = select(CommissionBonus.kind).where(CommissionBonus.reseller_id == reseller.id)
        return list(session.scalars(query))


def test_a_settled_top_up_has_its_bonus_granted_by_a_job_once(
    connected: Database, relays: Relays
) -> None:
    reseller = a_priced_reseller()
    agree_bonus(BonusKind.NEW_CUSTOMER, 500, reseller_id=reseller.id)
    wallet = a_wallet(1_000, reseller=reseller)
    a_settled_top_up(wallet, 1_000)

    relay = relays.make(FakeLive(), dict(HANDLERS))
    while relay.turn():
        pass
    run_jobs(connected)

    assert bonuses_of(reseller) == ["new_customer"]
    assert owned_by(reseller.id)["commission"] == 500


def test_shares_bonuses_and_months_follow_the_clock() -> None:
    reseller = a_priced_reseller(offer=an_offer(tax_rate="0"), steps=[(1_000, "0.50")])
    agree_bonus(BonusKind.HIGH_USAGE, 200, reseller_id=reseller.id, threshold=1_000)
    wallet = a_wallet(10_000, reseller=reseller)
    charge(wallet, "3000")

    retier(replace(PORTS, clock=now))
    charge(wallet, "100")
    grant_bonuses(replace(PORTS, clock=lambda: now() + timedelta(seconds=1)))
    before = owned_by(reseller.id)["commission"]
    for _ in range(2):
        close_months(replace(PORTS, clock=after_this_month))

    with transaction(PlatformScope()) as session:
        statement = session.scalars(
            select(CommissionStatement).where(CommissionStatement.reseller_id == reseller.id)
        ).one()
    assert before == 750 + 50 + 200
    assert statement.final_minor == 250 + 1_050
    assert owned_by(reseller.id)["commission"] == 250 + 1_050 + 200
