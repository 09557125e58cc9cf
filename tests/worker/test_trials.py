"""What the worker does about trials and sign-ups that nobody decides about."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.kernel import now, transaction
from app.onboarding import ResellerApplication
from app.tenancy import PlatformScope, get_reseller
from app.worker.configuration import WorkerConfiguration
from app.worker.schedule import schedule
from app.worker.tasks import review_trials
from tests.factories.sign_ups import a_trial, a_wish, sent, some_terms
from tests.worker.test_jobs import PORTS

pytestmark = pytest.mark.usefixtures("connected")

_PLATFORM = PlatformScope()


def test_an_hour_of_review_closes_reminds_and_forgets() -> None:
    at = now()
    over, soon = some_terms(trial_days=1), some_terms(trial_days=8)
    (ended, _), (ending, _) = a_trial(over, at=at), a_trial(soon, at=at)
    forgotten, young = sent(a_wish(), at=at - timedelta(days=13)), sent(a_wish(), at=at)

    for _ in range(2):
        review_trials(replace(PORTS, clock=lambda: at + timedelta(days=2)))

    with transaction(_PLATFORM) as session:
        states = [
            get_reseller(session, _PLATFORM, slug=each.slug).state for each in (ended, ending)
        ]
        reminded = session.scalars(
            select(ResellerApplication.reseller_id).where(
                ResellerApplication.reminded_at.is_not(None),
                ResellerApplication.reseller_id.in_([ended.id, ending.id]),
            )
        ).all()
        left = session.scalars(
            select(ResellerApplication.id).where(ResellerApplication.id.in_([forgotten, young]))
        ).all()
    assert states == ["suspended", "trial"]
    assert ending.id in reminded
    assert left == [young]


def test_trials_are_reviewed_every_hour() -> None:
    occasions = schedule(WorkerConfiguration(database_url="", database_platform_url=""))

    assert "29 * * * *" in {each.cron for each in occasions if each.task == "review_trials"}
