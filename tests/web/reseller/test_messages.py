"""What became of a reseller's e-mails; sending domains; previews."""

from __future__ import annotations

import pytest
from flask import Flask

from app.notifications import PREVIEWED_KINDS, ChannelError, DeliveryState, SendingDomainState
from app.tenancy import TenantScope
from tests.factories import a_reseller, unique
from tests.fakes import FakeTransport, fake_post
from tests.notifications.posted import a_domain, deliver, domains_of, lines_of, queue, verify
from tests.web.portals import a_stranger, cost_of, is_turned_away, staff_of, text_of

MESSAGES, MAIL = "/reseller/messages", "/reseller/mail"
REFUSED = FakeTransport(refusal=ChannelError("550 5.1.1", retryable=False))


def test_the_list_says_what_was_sent_to_whom_and_what_became_of_it(app: Flask) -> None:
    reseller = a_reseller()
    deliver(fake_post(REFUSED), reseller, queue(reseller))
    queue(reseller, key="second")

    page = text_of(staff_of(app, reseller).get(MESSAGES))

    assert "Neues Passwort a•••@example.com" in page
    assert "Fehlgeschlagen 550 5.1.1" in page
    assert "Unterwegs" in page
    assert "anna@example.com" not in page


def test_an_empty_list_says_what_will_stand_there(app: Flask) -> None:
    page = text_of(staff_of(app, a_reseller()).get(MESSAGES))

    assert "Noch keine E-Mails" in page


def test_a_state_filters_the_list(app: Flask) -> None:
    reseller = a_reseller()
    queue(reseller)
    staff = staff_of(app, reseller)

    waiting, failed = staff.get(f"{MESSAGES}?state=queued"), staff.get(f"{MESSAGES}?state=failed")

    assert "Neues Passwort" in text_of(waiting)
    assert "Nichts in diesem Zustand" in text_of(failed)


def test_a_long_list_has_pages(app: Flask) -> None:
    reseller = a_reseller()
    for number in range(27):
        queue(reseller, key=str(number))
    staff = staff_of(app, reseller)

    first = staff.get(MESSAGES).get_data(as_text=True)
    _, _, rest = first.partition('rel="next"')
    older = first.split('rel="next"')[0].rpartition('href="')[2].partition('"')[0]
    second = staff.get(older.replace("&amp;", "&"))

    assert rest
    assert first.count("a•••@example.com") == 25
    assert second.get_data(as_text=True).count("a•••@example.com") == 2
    assert staff.get(f"{MESSAGES}?before=x").status_code == 422


def test_a_page_costs_the_same_however_much_was_sent(app: Flask) -> None:
    few, many = a_reseller(), a_reseller()
    queue(few)
    for number in range(20):
        queue(many, key=str(number))

    assert cost_of(staff_of(app, few), MESSAGES) == cost_of(staff_of(app, many), MESSAGES)


def test_a_failed_mail_is_sent_again_and_a_sent_one_is_not(app: Flask) -> None:
    reseller = a_reseller()
    deliver(fake_post(REFUSED), reseller, queue(reseller))
    deliver(fake_post(), reseller, queue(reseller, key="second"))
    staff = staff_of(app, reseller)
    sent, failed = lines_of(reseller)

    again = staff.post(MESSAGES, {"form": "retry", "delivery": str(failed.id)})
    refused = staff.post(MESSAGES, {"form": "retry", "delivery": str(sent.id)})

    assert (again.status_code, refused.status_code) == (303, 409)
    assert [line.state for line in lines_of(reseller)] == [
        DeliveryState.SENT,
        DeliveryState.QUEUED,
    ]


def test_another_resellers_mail_can_neither_be_seen_nor_sent_again(app: Flask) -> None:
    stranger, reseller = a_reseller(), a_reseller()
    deliver(fake_post(REFUSED), stranger, queue(stranger))
    staff = staff_of(app, reseller)

    answer = staff.post(MESSAGES, {"form": "retry", "delivery": str(lines_of(stranger)[0].id)})

    assert answer.status_code == 404
    assert lines_of(stranger)[0].state is DeliveryState.FAILED
    assert "a•••" not in text_of(staff.get(MESSAGES))


def test_a_domain_is_added_shown_with_its_records_and_removed(app: Flask) -> None:
    reseller, domain = a_reseller(), f"{unique('mail')}.example"
    staff = staff_of(app, reseller)

    staff.post(MAIL, {"form": "add", "domain": domain})
    page = text_of(staff.get(MAIL))
    staff.post(MAIL, {"form": "remove", "domain": domain})

    assert f"._domainkey.{domain}" in page
    assert "v=DKIM1; k=rsa; p=" in page
    assert "Wartet auf Prüfung" in page
    assert domains_of(TenantScope(reseller.id)) == []


def test_a_verified_domain_says_so(app: Flask) -> None:
    reseller = a_reseller()
    scope = TenantScope(reseller.id)
    verify(scope, a_domain(scope).domain)

    assert "Ihre E-Mails kommen von dieser Domain" in text_of(staff_of(app, reseller).get(MAIL))


def test_what_is_no_domain_stays_in_the_field_with_the_reason(app: Flask) -> None:
    reseller = a_reseller()

    page = staff_of(app, reseller).post(MAIL, {"form": "add", "domain": "not a domain"})

    assert page.status_code == 422
    assert 'value="not a domain"' in page.get_data(as_text=True)
    assert "Das ist kein Domainname" in text_of(page)
    assert domains_of(TenantScope(reseller.id)) == []


def test_staff_cannot_verify_a_domain(app: Flask) -> None:
    reseller = a_reseller()
    scope = TenantScope(reseller.id)
    domain = a_domain(scope).domain

    answer = staff_of(app, reseller).post(
        MAIL, {"form": "verify", "domain": domain, "reseller": str(reseller.id)}
    )

    assert answer.status_code == 400
    assert domains_of(scope) == [(domain, SendingDomainState.PENDING.value)]


@pytest.mark.parametrize("kind", [each.value for each in PREVIEWED_KINDS])
def test_every_mail_can_be_looked_at_where_it_can_do_nothing(app: Flask, kind: str) -> None:
    reseller = a_reseller(name="Nordlicht Telefonie")

    page = staff_of(app, reseller).get(f"/reseller/brand/preview/email?kind={kind}")

    assert page.status_code == 200
    assert "Nordlicht Telefonie" in page.get_data(as_text=True)
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none';")
    assert page.headers["Content-Security-Policy"].endswith("sandbox")
    assert page.headers["X-Frame-Options"] == "SAMEORIGIN"


@pytest.mark.parametrize("kind", ["reseller_refused", "nothing"])
def test_a_kind_that_the_site_never_sends_is_not_found(app: Flask, kind: str) -> None:
    page = staff_of(app, a_reseller()).get(f"/reseller/brand/preview/email?kind={kind}")

    assert page.status_code == 404


def test_staff_turn_their_receipts_off_and_on(app: Flask) -> None:
    staff = staff_of(app, a_reseller())
    path = "/reseller/notifications"

    staff.post(path, {"form": "emails"})
    off = staff.get(path).get_data(as_text=True)
    staff.post(path, {"form": "emails", "kind": "top_up_receipt"})
    on = staff.get(path).get_data(as_text=True)

    assert "checked" not in off
    assert "checked" in on


@pytest.mark.parametrize(
    "path", [MESSAGES, MAIL, "/reseller/notifications", "/reseller/brand/preview/email"]
)
def test_strangers_are_turned_away(app: Flask, path: str) -> None:
    assert is_turned_away(a_stranger(app, a_reseller()).get(path))
