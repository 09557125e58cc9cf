"""E-mails at the command line."""

from __future__ import annotations

from app.notifications import ChannelError, DeliveryState, SendingDomainState
from app.notifications.rules import bounce_token
from app.tenancy import TenantScope
from tests.cli.conftest import Operator
from tests.factories import a_reseller, unique
from tests.fakes import FakeTransport, fake_post
from tests.notifications.posted import deliver, domains_of, lines_of, queue
from tests.notifications.test_bounces import a_report

SECRET = {"SECRET_KEY": fake_post().secret}


def test_failed_mails_are_listed_and_sent_again(operator: Operator) -> None:
    reseller = a_reseller()
    refused = FakeTransport(refusal=ChannelError("550 5.1.1", retryable=False))
    deliver(fake_post(refused), reseller, queue(reseller))
    line = lines_of(reseller)[0]

    listed = operator.runs("mail", "list", "--state", "failed", "--limit", "500")
    again = operator.runs("mail", "retry", reseller.slug, str(line.id))

    assert str(line.id) in listed.output
    assert "a•••@example.com" in listed.output
    assert again.exit_code == 0, again.output
    assert lines_of(reseller)[0].state is DeliveryState.QUEUED


def test_a_sent_mail_is_not_sent_again(operator: Operator) -> None:
    reseller = a_reseller()
    deliver(fake_post(), reseller, queue(reseller))

    result = operator.runs("mail", "retry", reseller.slug, str(lines_of(reseller)[0].id))

    assert result.exit_code == 2
    assert "notifications.delivery_finished" in result.output
    assert lines_of(reseller)[0].state is DeliveryState.SENT


def test_a_report_marks_the_mail_that_came_back(operator: Operator) -> None:
    reseller = a_reseller()
    deliver(fake_post(), reseller, queue(reseller))
    token = bounce_token(fake_post().secret, lines_of(reseller)[0].id)
    report = a_report(f"bounces+{token}@kontor.test").decode()

    first = operator.runs("mail", "bounced", types=report, **SECRET)
    second = operator.runs("mail", "bounced", types=report, **SECRET)

    assert first.exit_code == 0, first.output
    assert "is marked" in first.output
    assert "Nothing to mark" in second.output
    assert lines_of(reseller)[0].state is DeliveryState.BOUNCED


def test_what_is_no_report_is_refused(operator: Operator) -> None:
    result = operator.runs("mail", "bounced", types="hello", **SECRET)

    assert result.exit_code == 2
    assert "notifications.report_unreadable" in result.output


def test_a_domain_is_added_verified_listed_and_removed(operator: Operator) -> None:
    reseller, domain = a_reseller(), f"{unique('mail')}.example"
    scope = TenantScope(reseller.id)

    added = operator.runs("mail", "domain", "add", reseller.slug, domain, **SECRET)
    verified = operator.runs("mail", "domain", "verify", reseller.slug, domain)
    states = domains_of(scope)
    listed = operator.runs("mail", "domain", "list", **SECRET)
    removed = operator.runs("mail", "domain", "remove", reseller.slug, domain)

    assert f"._domainkey.{domain} TXT v=DKIM1; k=rsa; p=" in added.output
    assert verified.exit_code == 0, verified.output
    assert states == [(domain, SendingDomainState.VERIFIED.value)]
    assert f"{domain} ({reseller.slug}): verified" in listed.output
    assert removed.exit_code == 0, removed.output
    assert domains_of(scope) == []
