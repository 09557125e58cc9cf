from datetime import timedelta

import pytest
from sqlalchemy.exc import ProgrammingError

from app.kernel import new_id, now, transaction
from app.payments import (
    PaymentClaim,
    PaymentClaimedError,
    ProcessorEvent,
    SignedEvent,
    StoredEvent,
    claim_payment,
    mark_handled,
    read_event,
    store_event,
    unhandled_events,
)
from app.tenancy import PlatformScope, PublicScope, TenantScope
from tests.conftest import Database
from tests.factories import unique
from tests.factories.databases import connected_to
from tests.factories.races import all_at_once, answers, refusals

pytestmark = pytest.mark.usefixtures("connected")
SCOPE = PlatformScope()


def an_event(event_id: str | None = None, *, amount: int = 1) -> SignedEvent:
    payload: dict[str, object] = {"data": {"object": {"amount": amount}}}
    return SignedEvent(event_id or unique("evt"), "checkout.session.completed", payload)


def store(event: SignedEvent) -> None:
    with transaction(PublicScope()) as session:
        store_event(session, PublicScope(), event=event)


def read(event: SignedEvent) -> StoredEvent | None:
    with transaction(SCOPE) as session:
        return read_event(session, SCOPE, event_id=event.event_id)


def claim(payment_id: str) -> None:
    scope = TenantScope(new_id())
    with transaction(scope) as session:
        claim_payment(session, scope, payment_id=payment_id, top_up_id=new_id())


def test_r44_an_event_is_stored_once_as_it_came_first() -> None:
    event = an_event(amount=1)

    for amount in (1, 2, 3):
        store(an_event(event.event_id, amount=amount))

    assert read(event) == StoredEvent(event.event_id, event.kind, event.payload, handled=False)


def test_a_site_stores_events_and_reads_none() -> None:
    event = an_event()
    store(event)

    def peek() -> None:
        with transaction(PublicScope()) as session:
            session.get(ProcessorEvent, ("stripe", event.event_id))

    with pytest.raises(ProgrammingError, match="permission denied"):
        peek()


def test_a_handled_event_is_not_handled_again() -> None:
    event = an_event()
    store(event)
    with transaction(SCOPE) as session:
        waiting = unhandled_events(
            session, SCOPE, received_before=now() + timedelta(minutes=1), limit=10_000
        )
        mark_handled(session, SCOPE, event_id=event.event_id, outcome="settled", now=now())

    with transaction(SCOPE) as session:
        left = unhandled_events(
            session, SCOPE, received_before=now() + timedelta(minutes=1), limit=10_000
        )

    found = read(event)
    assert found is not None
    assert found.handled
    assert event.event_id in waiting
    assert event.event_id not in left


def test_a_fresh_event_is_left_to_its_own_handler() -> None:
    event = an_event()
    store(event)

    with transaction(SCOPE) as session:
        waiting = unhandled_events(
            session, SCOPE, received_before=now() - timedelta(minutes=1), limit=10_000
        )

    assert event.event_id not in waiting


def test_r14_a_payment_pays_once_over_all_resellers() -> None:
    payment = unique("pi")
    claim(payment)

    with pytest.raises(PaymentClaimedError):
        claim(payment)


def test_r14_twenty_claims_at_once_have_one_winner(connected: Database) -> None:
    payment = unique("pi")

    with connected_to(connected, crowd=20):
        results = all_at_once([lambda: claim(payment)] * 20)

    with transaction(SCOPE) as session:
        found = session.get(PaymentClaim, payment)
    assert found is not None
    assert len(answers(results)) == 1
    assert refusals(results) == [PaymentClaimedError] * 19
