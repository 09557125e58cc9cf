"""Queued once, sent once, whatever is repeated."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import cast
from uuid import UUID

import pytest

from app.identity import Realm, link_token
from app.kernel import new_id, now, transaction
from app.notifications import (
    ChannelError,
    DeliveryState,
    FactsError,
    Mail,
    MessageKind,
    choose_messages,
    deliver_message,
    retry_delivery,
)
from app.tenancy import TenantScope
from tests.conftest import Database
from tests.factories import a_custom_host, a_reseller
from tests.fakes import FakeTransport, fake_post
from tests.notifications.posted import ANNA, deliver, lines_of, queue, read, text_of


@dataclass
class BrokenTransport:
    """A mail server whose answer nobody here expects."""

    calls: int = 0

    def send(self, _mail: Mail) -> str:
        self.calls += 1
        raise ZeroDivisionError


def test_a_key_queues_one_message_however_often(connected: Database) -> None:
    reseller = a_reseller()

    first, second = queue(reseller), queue(reseller)

    assert first == second
    assert len(lines_of(reseller)) == 1


def test_the_same_key_of_two_tenants_is_two_messages(connected: Database) -> None:
    first, second = a_reseller(), a_reseller()

    assert queue(first) != queue(second)


def test_r18_links_name_the_host_of_the_database_and_no_other(connected: Database) -> None:
    reseller, transport, link = a_reseller(), FakeTransport(), new_id()
    host = a_custom_host(reseller).host
    post = fake_post(transport)

    deliver(post, reseller, queue(reseller, facts={"link_id": str(link)}))

    mail = read(transport.mails[0])
    address = f"https://{host}/password/reset/{link_token(post.secret, link)}"
    assert address in text_of(mail)
    assert f'href="{address}"' in text_of(mail, "html")


def test_a_message_is_sent_once_however_often_it_is_delivered(connected: Database) -> None:
    reseller, transport = a_reseller(), FakeTransport()
    post, message_id = fake_post(transport), queue(reseller)

    for _ in range(2):
        deliver(post, reseller, message_id)

    assert len(transport.mails) == 1
    assert [line.state for line in lines_of(reseller)] == [DeliveryState.SENT]


def test_a_repeat_after_a_crash_carries_the_same_message_id(connected: Database) -> None:
    reseller, transport = a_reseller(), FakeTransport()
    post, message_id = fake_post(transport), queue(reseller)
    transport.refusal = ChannelError("unreachable", retryable=True)
    deliver(post, reseller, message_id)
    ids = set()
    transport.refusal = None
    later = lines_of(reseller)[0].next_attempt_at
    assert later is not None

    deliver_message(
        post, TenantScope(reseller.id), message_id=cast("UUID", message_id), clock=lambda: later
    )

    ids = {read(mail)["Message-ID"] for mail in transport.mails}
    delivery = lines_of(reseller)[0]
    assert ids == {f"<{delivery.id.hex}@kontor.test>"}
    assert (delivery.state, delivery.attempts) == (DeliveryState.SENT, 2)


def test_what_is_refused_for_good_is_not_tried_again(connected: Database) -> None:
    reseller = a_reseller()
    transport = FakeTransport(refusal=ChannelError("550 5.1.1", retryable=False))

    deliver(fake_post(transport), reseller, queue(reseller))

    line = lines_of(reseller)[0]
    assert (line.state, line.answer, line.next_attempt_at) == (
        DeliveryState.FAILED,
        "550 5.1.1",
        None,
    )


def test_attempts_spread_over_hours_and_then_end_visibly(connected: Database) -> None:
    reseller, message_at = a_reseller(), now()
    transport = FakeTransport(refusal=ChannelError("unreachable", retryable=True))
    post, message_id = fake_post(transport), queue(reseller)
    at: datetime | None = message_at
    seen: list[datetime] = []

    while at is not None:
        seen.append(at)
        deliver_message(
            post,
            TenantScope(reseller.id),
            message_id=cast("UUID", message_id),
            clock=partial(seen.__getitem__, -1),
        )
        at = lines_of(reseller)[0].next_attempt_at

    assert len(seen) == 8
    assert (seen[-1] - seen[0]).total_seconds() / 3600 > 20
    assert lines_of(reseller)[0].state is DeliveryState.FAILED


def test_a_message_that_ends_every_attempt_is_given_up_visibly(connected: Database) -> None:
    reseller, transport = a_reseller(), BrokenTransport()
    post, message_id = fake_post(transport), queue(reseller)
    at = now()

    for _ in range(8):
        with pytest.raises(ZeroDivisionError):
            deliver_message(
                post,
                TenantScope(reseller.id),
                message_id=cast("UUID", message_id),
                clock=partial(max, at, at),
            )
        at = lines_of(reseller)[0].next_attempt_at or at
    deliver_message(
        post, TenantScope(reseller.id), message_id=cast("UUID", message_id), clock=lambda: at
    )

    line = lines_of(reseller)[0]
    assert (line.state, line.answer, transport.calls) == (DeliveryState.FAILED, "given_up", 8)


def test_an_attempt_under_way_is_left_alone(connected: Database) -> None:
    reseller, transport = a_reseller(), BrokenTransport()
    post, message_id = fake_post(transport), queue(reseller)
    with pytest.raises(ZeroDivisionError):
        deliver(post, reseller, message_id)
    scope = TenantScope(reseller.id)

    deliver(post, reseller, message_id)
    with transaction(scope) as session:
        retry_delivery(session, scope, delivery_id=lines_of(reseller)[0].id, now=now())
    deliver(post, reseller, message_id)

    assert transport.calls == 1
    assert lines_of(reseller)[0].attempts == 1


def test_a_kind_that_was_turned_off_is_not_queued(connected: Database) -> None:
    reseller, user = a_reseller(), new_id()
    scope, to = TenantScope(reseller.id), replace(ANNA, user_id=user)
    with transaction(scope) as session:
        choose_messages(
            session, scope, realm=Realm.CUSTOMER, user_id=user, wanted={MessageKind.TOP_UP_RECEIPT}
        )

    low = queue(
        reseller,
        MessageKind.LOW_BALANCE,
        to=to,
        facts={"balance_minor": 1, "threshold_minor": 2, "currency": "EUR"},
    )
    reset = queue(reseller, to=to)

    assert low is None
    assert reset is not None
    assert [line.kind for line in lines_of(reseller)] == [MessageKind.PASSWORD_RESET]


@pytest.mark.parametrize(
    "facts",
    [
        {"link": "x"},
        {"link_id": "none", "extra": 1},
        {"link_id": 7},
        {"link_id": "no-uuid"},
    ],
)
def test_facts_that_are_not_what_a_kind_says_are_refused(
    connected: Database, facts: dict[str, str | int]
) -> None:
    reseller = a_reseller()

    with pytest.raises((FactsError, ValueError)):
        queue(reseller, facts=facts)

    assert lines_of(reseller) == []


def test_the_log_masks_addresses(connected: Database) -> None:
    reseller = a_reseller()

    queue(reseller)

    assert lines_of(reseller)[0].address == "a•••@example.com"


def test_a_tenant_sees_its_own_messages_alone(connected: Database) -> None:
    reseller, stranger = a_reseller(), a_reseller()

    queue(reseller)

    assert lines_of(stranger) == []
