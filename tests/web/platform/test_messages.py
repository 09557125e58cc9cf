"""The platform's view of e-mails: all sites, and who may send from which domain."""

from __future__ import annotations

from flask import Flask

from app.notifications import ChannelError, DeliveryState, SendingDomainState
from app.tenancy import PLATFORM_ID, TenantScope
from tests.factories import a_reseller, unique
from tests.fakes import FakeTransport, fake_post
from tests.notifications.posted import a_domain, deliver, domains_of, lines_of, queue
from tests.web.portals import a_stranger, an_admin, is_turned_away, staff_of, text_of

PAGE = "/admin/messages"
REFUSED = FakeTransport(refusal=ChannelError("unreachable", retryable=True))


def test_the_list_names_site_kind_and_reason_without_addresses(app: Flask) -> None:
    reseller = a_reseller(name=unique("Nordlicht"))
    deliver(fake_post(REFUSED), reseller, queue(reseller))

    page = text_of(an_admin(app).get(f"{PAGE}?state=queued"))

    assert f"{reseller.name} Neues Passwort a•••@example.com" in page
    assert "Der Mailserver antwortet nicht." in page
    assert "anna@example.com" not in page


def test_an_admin_sends_any_sites_mail_again(app: Flask) -> None:
    reseller = a_reseller()
    refused = FakeTransport(refusal=ChannelError("550 5.1.1", retryable=False))
    deliver(fake_post(refused), reseller, queue(reseller))
    line = lines_of(reseller)[0]

    an_admin(app).post(
        PAGE, {"form": "retry", "reseller": str(reseller.id), "delivery": str(line.id)}
    )

    assert lines_of(reseller)[0].state is DeliveryState.QUEUED


def test_an_admin_verifies_and_removes_a_domain(app: Flask) -> None:
    reseller = a_reseller()
    scope = TenantScope(reseller.id)
    domain = a_domain(scope).domain
    admin = an_admin(app)
    form = {"reseller": str(reseller.id), "domain": domain}

    admin.post(PAGE, {"form": "verify", **form})
    verified = domains_of(scope)
    admin.post(PAGE, {"form": "remove", **form})

    assert verified == [(domain, SendingDomainState.VERIFIED.value)]
    assert domains_of(scope) == []


def test_a_domain_that_is_not_there_cannot_be_verified(app: Flask) -> None:
    reseller = a_reseller()

    answer = an_admin(app).post(
        PAGE, {"form": "verify", "reseller": str(reseller.id), "domain": "nobody.example"}
    )

    assert answer.status_code == 404
    assert domains_of(TenantScope(reseller.id)) == []


def test_the_platform_adds_a_domain_of_its_own(app: Flask) -> None:
    domain = f"{unique('mail')}.example"

    an_admin(app).post(PAGE, {"form": "add", "domain": domain})

    assert domain in dict(domains_of(TenantScope(PLATFORM_ID)))


def test_strangers_and_staff_are_turned_away(app: Flask) -> None:
    assert is_turned_away(a_stranger(app).get(PAGE))
    assert staff_of(app, a_reseller()).get(PAGE).status_code == 404
