"""A report that comes back marks the delivery that it is about, and no other."""

from __future__ import annotations

from uuid import UUID

import pytest

from app.kernel import new_id, now, transaction
from app.notifications import (
    DeliveryState,
    ReportUnreadableError,
    list_deliveries,
    mark_bounced,
    read_bounce_report,
    retry_delivery,
)
from app.notifications.rules import bounce_token, read_bounce_token
from app.tenancy import PlatformScope, Tenant, TenantScope
from tests.conftest import Database
from tests.factories import a_reseller
from tests.fakes import FakeTransport, fake_post
from tests.notifications.posted import deliver, lines_of, queue

REPORT = """\
From: MAILER-DAEMON@mail.example
To: {to}
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

I'm sorry.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.example

Final-Recipient: rfc822; anna@example.com
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 5.1.1 <anna@example.com>: unknown

--b
Content-Type: text/rfc822-headers

Subject: hello
--b--
"""


def a_report(to: str, *, action: str = "failed", status: str = "5.1.1") -> bytes:
    return REPORT.format(to=to, action=action, status=status).encode()


def a_sent_message(reseller: Tenant) -> str:
    """Send one; return the address that a report about it goes to."""
    transport = FakeTransport()
    deliver(fake_post(transport), reseller, queue(reseller))
    return transport.mails[0].envelope_from


def take(raw: bytes) -> bool:
    report = read_bounce_report(raw, secret=fake_post().secret)
    with transaction(PlatformScope()) as session:
        return mark_bounced(session, PlatformScope(), report=report)


def state_of(reseller: Tenant) -> tuple[DeliveryState, str]:
    line = lines_of(reseller)[0]
    return line.state, line.answer


def test_a_failed_delivery_is_marked_once(connected: Database) -> None:
    reseller, other = a_reseller(), a_reseller()
    a_sent_message(other)
    address = a_sent_message(reseller)

    first, second = take(a_report(address)), take(a_report(address))

    assert (first, second) == (True, False)
    assert state_of(reseller) == (DeliveryState.BOUNCED, "5.1.1")
    assert state_of(other)[0] is DeliveryState.SENT


def test_the_address_survives_servers_that_change_its_case(connected: Database) -> None:
    reseller = a_reseller()

    assert take(a_report(a_sent_message(reseller).upper()))
    assert state_of(reseller)[0] is DeliveryState.BOUNCED


def test_a_mail_that_is_merely_late_stays_sent(connected: Database) -> None:
    reseller = a_reseller()

    assert not take(a_report(a_sent_message(reseller), action="delayed", status="4.4.1"))
    assert state_of(reseller)[0] is DeliveryState.SENT


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"To: someone@example.com\r\n\r\nhello",
        a_report("bounces@kontor.test"),
        a_report(f"bounces+{bounce_token('another secret', new_id())}@kontor.test"),
    ],
)
def test_what_is_no_report_of_ours_is_refused(connected: Database, raw: bytes) -> None:
    with pytest.raises(ReportUnreadableError):
        take(raw)


def test_a_report_about_a_forgotten_message_changes_nothing(connected: Database) -> None:
    token = bounce_token(fake_post().secret, new_id())

    assert not take(a_report(f"bounces+{token}@kontor.test"))


def test_a_token_names_its_delivery_and_cannot_be_made_up() -> None:
    delivery_id = UUID(int=7)

    token = bounce_token("secret", delivery_id)

    assert len(f"bounces+{token}") <= 64
    assert read_bounce_token("secret", token) == delivery_id
    assert read_bounce_token("other", token) is None
    assert read_bounce_token("secret", "a" * len(token)) is None
    assert read_bounce_token("secret", "not-base-32!") is None


def test_a_message_that_came_back_can_be_sent_again(connected: Database) -> None:
    reseller = a_reseller()
    scope = TenantScope(reseller.id)
    take(a_report(a_sent_message(reseller)))

    with transaction(scope) as session:
        (line,) = list_deliveries(session, scope)
        retry_delivery(session, scope, delivery_id=line.id, now=now())

    assert state_of(reseller)[0] is DeliveryState.QUEUED
