"""What the platform decides, what it asks, and what becomes of a trial without either."""

from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app import onboarding, tenancy
from app.audit import Actor, AuditRecord
from app.billing import PageTerms, TopUp, TrialTopUpError, start_top_up
from app.identity import OwnerNeededError, Realm, StaffUser, add_staff_user
from app.kernel import AppError, Money, OutboxEvent, now, transaction
from app.onboarding import NoteMissingError, ResellerApplication, SignUpNotFoundError
from app.tenancy import (
    PlatformScope,
    StateCause,
    StateMoveRefusedError,
    Tenant,
    TenantNotFoundError,
    TrialCustomersError,
    TrialNeedsApprovalError,
)
from tests.factories import PASSWORD, a_customer, a_reseller, scope_of, unique
from tests.factories.races import all_at_once, answers
from tests.factories.sign_ups import a_trial, a_wish, sent, some_terms
from tests.fakes import FakeGateway

pytestmark = pytest.mark.usefixtures("connected")

_PLATFORM = PlatformScope()
ADMIN = Actor(Realm.PLATFORM.value, None)


def fresh(tenant: Tenant) -> Tenant:
    with transaction(_PLATFORM) as session:
        return tenancy.get_reseller(session, _PLATFORM, slug=tenant.slug)


def approved(tenant: Tenant) -> bool:
    with transaction(_PLATFORM) as session:
        return onboarding.approve(session, _PLATFORM, reseller_id=tenant.id, now=now(), actor=ADMIN)


def refused(tenant: Tenant, reason: str = "Keine solche Firma.") -> bool:
    with transaction(_PLATFORM) as session:
        return onboarding.refuse(
            session, _PLATFORM, reseller_id=tenant.id, reason=reason, now=now(), actor=ADMIN
        )


def moved(tenant: Tenant, cause: StateCause, **more: Any) -> bool:  # noqa: ANN401
    with transaction(_PLATFORM) as session:
        return tenancy.change_state(
            session, _PLATFORM, reseller_id=tenant.id, cause=cause, **{"now": now(), **more}
        )


def decisions(tenant: Tenant) -> list[str]:
    with transaction(_PLATFORM) as session:
        bodies = session.scalars(
            select(OutboxEvent.body).where(
                OutboxEvent.reseller_id == tenant.id, OutboxEvent.kind == "reseller_decided"
            )
        )
        return [body["cause"] for body in bodies]


def owner_of(tenant: Tenant) -> Actor:
    with transaction(scope_of(tenant)) as session:
        return Actor(Realm.STAFF.value, session.scalars(select(StaffUser.id)).one())


def topped_up(tenant: Tenant, euros: int, *, is_live: bool = False) -> TopUp:
    return start_top_up(
        FakeGateway(is_live=is_live),
        scope_of(tenant),
        customer_id=None,
        amount=Money(euros * 100, "EUR"),
        request_key=unique("key"),
        terms=PageTerms(
            "https://x.test/{top_up}", "https://x.test/", "", "x", "de", "x", "#000000"
        ),
        now=now(),
    )


def test_an_approval_ends_the_trial_once() -> None:
    tenant, application = a_trial()

    first, second = answers(all_at_once([lambda: approved(tenant), lambda: approved(tenant)]))

    assert sorted([first, second]) == [False, True]
    assert fresh(tenant).state == "active"
    assert decisions(tenant) == ["approved"]
    with transaction(scope_of(tenant)) as session:
        assert tenancy.trial_of(session, scope_of(tenant)) is None
        acts = session.scalars(
            select(AuditRecord.action).where(AuditRecord.action == "tenancy.approved")
        ).all()
    assert len(acts) == 1
    with transaction(_PLATFORM) as session:
        kept = session.get_one(ResellerApplication, application.id)
        assert (kept.state, kept.decided_at is not None) == ("approved", True)


def test_a_refusal_closes_the_site_and_its_staff_reads_the_reason() -> None:
    tenant, _ = a_trial()

    assert refused(tenant, "Die Angaben stimmen nicht.")

    with transaction(scope_of(tenant)) as session:
        latest = tenancy.state_changes(session, scope_of(tenant))[0]
    assert fresh(tenant).state == "refused"
    assert (latest.cause, latest.note) == ("refused", "Die Angaben stimmen nicht.")
    assert decisions(tenant) == ["refused"]


@pytest.mark.parametrize("reason", ["", "   ", "x" * 1_001])
def test_a_refusal_without_a_reason_changes_nothing(reason: str) -> None:
    tenant, _ = a_trial()

    with pytest.raises(NoteMissingError):
        refused(tenant, reason)

    assert fresh(tenant).state == "trial"
    assert decisions(tenant) == []


def test_whoever_was_refused_may_still_be_approved() -> None:
    tenant, _ = a_trial()
    refused(tenant)

    approved(tenant)

    assert fresh(tenant).state == "active"


def test_an_operators_own_reseller_waits_for_no_decision() -> None:
    tenant = a_reseller()

    for decide in (approved, refused):
        with pytest.raises(StateMoveRefusedError):
            decide(tenant)

    assert fresh(tenant).state == "active"


def test_one_who_has_been_approved_and_is_suspended_is_not_refused_away() -> None:
    tenant, _ = a_trial()
    approved(tenant)

    for state in ("active", "suspended"):
        with pytest.raises(StateMoveRefusedError):
            refused(tenant)
        assert fresh(tenant).state == state
        if state == "active":
            moved(tenant, StateCause.SUSPENDED, note="Rechnung offen.")

    with pytest.raises(StateMoveRefusedError):
        approved(tenant)
    moved(tenant, StateCause.RESUMED)
    assert fresh(tenant).state == "active"


def test_a_suspension_is_taken_back_to_where_it_came_from() -> None:
    (trial, _), active = a_trial(), a_reseller()

    for tenant, state in ((trial, "trial"), (active, "active")):
        moved(tenant, StateCause.SUSPENDED, note="Rechnung offen.")
        assert fresh(tenant).state == "suspended"
        moved(tenant, StateCause.RESUMED)
        assert fresh(tenant).state == state


@pytest.mark.parametrize("cause", [StateCause.RESUMED, StateCause.TRIAL_EXPIRED, StateCause.OPENED])
def test_what_does_not_follow_from_a_state_changes_nothing(cause: StateCause) -> None:
    tenant = a_reseller()

    with pytest.raises(StateMoveRefusedError):
        moved(tenant, cause)

    with transaction(scope_of(tenant)) as session:
        assert tenancy.state_changes(session, scope_of(tenant)) == []


def test_the_platform_itself_has_no_such_life() -> None:
    with pytest.raises(TenantNotFoundError), transaction(_PLATFORM) as session:
        tenancy.change_state(
            session,
            _PLATFORM,
            reseller_id=tenancy.PLATFORM_ID,
            cause=StateCause.SUSPENDED,
            now=now(),
        )


def test_a_trial_that_is_over_is_closed_and_one_that_ends_soon_is_announced_once() -> None:
    at = now()
    tenant, _ = a_trial(at=at)

    def reviewed(day: int) -> None:
        with transaction(_PLATFORM) as session:
            moment = at + timedelta(days=day)
            onboarding.remind_of_trials(session, _PLATFORM, now=moment)
            onboarding.close_trials(session, _PLATFORM, now=moment)

    states = []
    for day in (22, 24, 25, 29, 31, 32):
        reviewed(day)
        states.append(fresh(tenant).state)

    assert states == ["trial"] * 4 + ["suspended"] * 2
    with transaction(_PLATFORM) as session:
        told = session.scalars(
            select(OutboxEvent.kind).where(
                OutboxEvent.reseller_id == tenant.id, OutboxEvent.kind == "trial_ending"
            )
        ).all()
    assert len(told) == 1
    with pytest.raises(StateMoveRefusedError):
        moved(tenant, StateCause.RESUMED, now=at + timedelta(days=32))
    approved(tenant)
    assert fresh(tenant).state == "active"


def test_who_is_approved_while_trials_are_closed_stays_open_and_the_others_are_closed() -> None:
    at = now()
    (lucky, _), (late, _) = a_trial(at=at), a_trial(at=at + timedelta(minutes=1))

    def close() -> None:
        with transaction(_PLATFORM) as session:
            onboarding.close_trials(session, _PLATFORM, now=at + timedelta(days=31))

    with ThreadPoolExecutor(1) as pool:
        with transaction(_PLATFORM) as session:
            onboarding.approve(session, _PLATFORM, reseller_id=lucky.id, now=now(), actor=ADMIN)
            closing = pool.submit(close)
            # It has read its list and waits for the row that is being approved.
            wait([closing], timeout=0.5)
        closing.result()

    assert (fresh(lucky).state, fresh(late).state) == ("active", "suspended")


def test_a_sign_up_that_nobody_confirmed_is_forgotten() -> None:
    at = now() - timedelta(days=15)
    wish, terms = a_wish(), some_terms()
    replaced = sent(replace(wish, email=f"typo@{unique('typo')}.example"), terms, at=at)
    old, young = sent(wish, terms, at=at), sent(a_wish())

    with transaction(_PLATFORM) as session:
        onboarding.forget_sign_ups(session, _PLATFORM, now=now())

    with transaction(_PLATFORM) as session:
        left = session.scalars(
            select(ResellerApplication.id).where(ResellerApplication.id.in_([replaced, old, young]))
        ).all()
    assert left == [young]


def test_a_trial_has_room_for_a_few_customers_and_an_approved_one_for_all() -> None:
    tenant, _ = a_trial(some_terms(trial_customers=2))
    a_customer(tenant)

    made = answers(all_at_once([lambda: _tried(tenant)] * 3))
    approved(tenant)

    assert sorted(made) == [False, False, True]
    assert _tried(tenant)


def _tried(tenant: Tenant) -> bool:
    try:
        a_customer(tenant)
    except TrialCustomersError:
        return False
    return True


def test_a_trial_takes_small_test_payments_and_no_real_money() -> None:
    tenant, _ = a_trial(some_terms(top_up_minor=5_000))

    top_up = topped_up(tenant, 50)
    for euros, is_live in ((51, False), (10, True)):
        with pytest.raises(TrialTopUpError):
            topped_up(tenant, euros, is_live=is_live)

    with transaction(scope_of(tenant)) as session:
        rows = session.scalars(select(TopUp.id)).all()
    assert rows == [top_up.id]
    approved(tenant)
    assert topped_up(tenant, 51, is_live=True).state == "pending"


def test_nobody_opens_a_partner_below_a_trial() -> None:
    tenant, _ = a_trial()

    with pytest.raises(TrialNeedsApprovalError), transaction(_PLATFORM) as session:
        tenancy.get_active_reseller(session, _PLATFORM, reseller_id=tenant.id)


def test_a_question_is_answered_once_by_an_owner() -> None:
    tenant, _ = a_trial()
    owner = owner_of(tenant)
    with transaction(_PLATFORM) as session:
        for _ in range(2):
            asked = onboarding.ask_back(
                session, _PLATFORM, reseller_id=tenant.id, question="Wer sind Sie?", now=now()
            )

    scope = scope_of(tenant)
    for answer in ("Ein Telefonladen.", "Doch ein Kiosk."):
        with transaction(scope) as session:
            onboarding.answer_question(
                session, scope, question_id=asked.id, answer=answer, now=now(), actor=owner
            )

    with transaction(scope) as session:
        (kept,) = onboarding.list_questions(session, scope)
    assert (kept.question, kept.answer) == ("Wer sind Sie?", "Ein Telefonladen.")


def test_only_an_owner_of_that_very_reseller_answers() -> None:
    (mine, _), (theirs, _) = a_trial(), a_trial()
    with transaction(_PLATFORM) as session:
        asked = onboarding.ask_back(
            session, _PLATFORM, reseller_id=theirs.id, question="Wer sind Sie?", now=now()
        )
    with transaction(scope_of(theirs)) as session:
        helper = add_staff_user(
            session,
            scope_of(theirs),
            email=f"{unique('h')}@example.com",
            name="Hilfe",
            password=PASSWORD,
            role="support",
        )
    attempts: list[tuple[Tenant, Actor, type[AppError]]] = [
        (mine, owner_of(mine), SignUpNotFoundError),
        (theirs, owner_of(mine), OwnerNeededError),
        (theirs, Actor(Realm.STAFF.value, helper.id), OwnerNeededError),
        (theirs, Actor(Realm.CUSTOMER.value, helper.id), OwnerNeededError),
    ]

    for tenant, actor, refusal in attempts:
        with pytest.raises(refusal), transaction(scope_of(tenant)) as session:
            onboarding.answer_question(
                session,
                scope_of(tenant),
                question_id=asked.id,
                answer="Ich.",
                now=now(),
                actor=actor,
            )

    with transaction(scope_of(theirs)) as session:
        assert onboarding.list_questions(session, scope_of(theirs))[0].answered_at is None


def test_the_queue_holds_who_waits_the_longest_first_and_nobody_else() -> None:
    at = now() - timedelta(days=2)
    (older, _), (younger, _) = a_trial(at=at), a_trial(at=at + timedelta(hours=1))
    (done, _) = a_trial(at=at)
    approved(done)
    sent(a_wish())

    with transaction(_PLATFORM) as session:
        waiting = [each.tenant.id for each in onboarding.list_waiting(session, _PLATFORM)]
        count = onboarding.count_waiting(session, _PLATFORM)

    mine = [each for each in waiting if each in {older.id, younger.id, done.id}]
    assert mine == [older.id, younger.id]
    assert count == len(waiting)
