"""The queue of the platform, the decision, and a closed site as visitors and staff meet it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from app import billing
from app.edge import edge_of
from app.kernel import now, transaction
from app.tenancy import PlatformScope, StateCause, Tenant, change_state, get_reseller
from tests.apps import PLATFORM_DOMAIN, Browser
from tests.edge.test_site_directory import eventually
from tests.factories import (
    a_custom_host,
    a_customer,
    a_customer_user,
    a_reseller,
    an_api_key,
    scope_of,
)
from tests.factories.sign_ups import a_trial
from tests.web.portals import a_stranger, an_admin, is_turned_away, staff_of, text_of

_PLATFORM = PlatformScope()


def state_of(tenant: Tenant) -> str:
    with transaction(_PLATFORM) as session:
        return get_reseller(session, _PLATFORM, slug=tenant.slug).state


def founder(app: Flask, tenant: Tenant, email: str) -> Browser:
    browser = a_stranger(app, tenant)
    browser.sign_in(email, at="/reseller/login")
    return browser


def closed(tenant: Tenant, note: str = "Rechnung offen.") -> Tenant:
    with transaction(_PLATFORM) as session:
        change_state(
            session,
            _PLATFORM,
            reseller_id=tenant.id,
            cause=StateCause.SUSPENDED,
            note=note,
            now=now(),
        )
    return tenant


def test_an_admin_approves_and_the_banner_is_gone(app: Flask) -> None:
    admin = an_admin(app)
    tenant, application = a_trial()
    hers = founder(app, tenant, application.email)
    page = f"/admin/applications/{tenant.slug}"

    listed = text_of(admin.get("/admin/applications"))
    shown = text_of(admin.get(page))
    before = hers.get("/reseller/").get_data(as_text=True)
    approved = admin.post(page, {"form": "approve"})
    after = hers.get("/reseller/").get_data(as_text=True)

    assert tenant.slug in listed
    assert application.email in shown
    assert "Deutschland" in shown
    assert (approved.status_code, state_of(tenant)) == (303, "active")
    assert ("/reseller/standing" in before, "/reseller/standing" in after) == (True, False)
    assert admin.post(page, {"form": "approve"}, form_on="/admin/plans").status_code == 303


def test_an_admin_asks_the_founder_answers_and_the_admin_reads_it(app: Flask) -> None:
    admin = an_admin(app)
    tenant, application = a_trial()
    hers, page = founder(app, tenant, application.email), f"/admin/applications/{tenant.slug}"

    admin.post(page, {"form": "ask", "note": "Was verkaufen Sie?"})
    asked = hers.get("/reseller/standing").get_data(as_text=True)
    question = asked.partition('name="question" value="')[2].partition('"')[0]
    hers.post("/reseller/standing", {"form": "answer", "question": question, "note": "Telefone."})

    assert "Was verkaufen Sie?" in asked
    assert "Telefone." in text_of(admin.get(page))
    assert 'name="question"' not in hers.get("/reseller/standing").get_data(as_text=True)


def test_a_refusal_without_words_says_so_and_changes_nothing(app: Flask) -> None:
    admin = an_admin(app)
    tenant, _ = a_trial()

    page = admin.post(f"/admin/applications/{tenant.slug}", {"form": "refuse", "note": " "})

    assert page.status_code == 422
    assert "Bitte schreiben Sie" in text_of(page)
    assert state_of(tenant) == "trial"


@pytest.mark.parametrize("path", ["", "/x"])
def test_only_an_admin_sees_who_applied(app: Flask, path: str) -> None:
    tenant, _ = a_trial()
    address = f"/admin/applications{path and '/' + tenant.slug}"

    assert is_turned_away(a_stranger(app).get(address))
    assert staff_of(app, tenant).get(address).status_code == 404
    assert an_admin(app).get(address).status_code == 200


def test_an_unknown_reseller_and_one_of_the_operator_have_no_application(app: Flask) -> None:
    admin, own = an_admin(app), a_reseller()

    for slug in ("nobody-of-this-name", own.slug):
        assert admin.get(f"/admin/applications/{slug}").status_code == 404


def test_a_closed_site_tells_visitors_so_in_its_brand_and_no_more(app: Flask) -> None:
    tenant = a_reseller(name="Nordlicht Telefonie")
    user = a_customer_user(a_customer(tenant))
    customer = a_stranger(app, tenant)
    customer.sign_in(user.email)
    admin = an_admin(app)
    page = f"/admin/resellers/{tenant.slug}"

    admin.post(page, {"form": "suspend", "note": "Rechnung offen."})

    for path in ("/", "/login", "/portal/", "/nowhere", "/portal/billing/topup"):
        answer = customer.get(path)
        shown = answer.get_data(as_text=True)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "3600"), path
        assert "Nordlicht Telefonie ist zurzeit geschlossen" in shown
        assert "Rechnung" not in shown
        assert "Kontor" not in shown
    assert customer.get("/brand.css").status_code == 200
    # Whose site it is stays to be read; this one says nothing.
    assert customer.get("/imprint").status_code == 404
    admin.post(page, {"form": "resume"})
    assert a_stranger(app, tenant).get("/login").status_code == 200


def test_staff_of_a_closed_site_signs_in_and_reads_why(app: Flask) -> None:
    tenant = closed(a_reseller(), "Bitte rufen Sie uns an.")
    edge_of(app).sites.forget(f"{tenant.slug}.{PLATFORM_DOMAIN}")
    stranger = a_stranger(app, tenant).get("/reseller/customers")
    staff = staff_of(app, tenant)

    answers = [staff.get(path) for path in ("/reseller/", "/reseller/customers")]
    shown = staff.get("/reseller/standing").get_data(as_text=True)

    assert (stranger.status_code, stranger.location) == (303, "/reseller/login")
    assert [(each.status_code, each.location) for each in answers] == [
        (303, "/reseller/standing")
    ] * 2
    assert "Bitte rufen Sie uns an." in shown
    assert 'class="nav"' not in shown


def test_the_api_of_a_closed_site_takes_nothing_and_the_processor_is_heard(app: Flask) -> None:
    tenant = a_reseller()
    _, secret = an_api_key(tenant)
    closed(tenant)
    edge_of(app).sites.forget(f"{tenant.slug}.{PLATFORM_DOMAIN}")
    browser = a_stranger(app, tenant)
    key = {"Authorization": f"Bearer {secret}"}

    usage = browser.client.post(
        "/api/v2/usage", base_url=browser.base_url, json={"id": "1"}, headers=key
    )
    webhook = browser.client.post("/billing/webhook", base_url=browser.base_url, data=b"{}")

    assert (usage.status_code, usage.get_json()["code"]) == (503, "edge.site_closed")
    assert webhook.status_code != 503


def test_r7_every_process_knows_a_new_a_closed_and_a_reopened_site_at_once(
    app: Flask, make_app: Callable[..., Flask]
) -> None:
    here, there = edge_of(app), edge_of(make_app())
    admin = an_admin(app)
    tenant = a_reseller()
    own, below = a_custom_host(tenant).host, f"{tenant.slug}.{PLATFORM_DOMAIN}"
    for edge in (here, there):
        edge.news.start()
        assert eventually(lambda edge=edge: edge.news.is_listening)  # type: ignore[misc]
        assert not any(site.is_closed for host in (own, below) if (site := edge.sites.find(host)))

    def is_closed_everywhere(state: bool) -> bool:  # noqa: FBT001 - the state to wait for
        found = [edge.sites.find(host) for edge in (here, there) for host in (own, below)]
        return [site is not None and site.is_closed for site in found] == [state] * 4

    admin.post(f"/admin/resellers/{tenant.slug}", {"form": "suspend", "note": "Pause."})
    assert eventually(lambda: is_closed_everywhere(True), seconds=1)
    admin.post(f"/admin/resellers/{tenant.slug}", {"form": "resume"})
    assert eventually(lambda: is_closed_everywhere(False), seconds=1)


def test_a_customer_of_a_trial_reads_of_no_trial(app: Flask) -> None:
    tenant, application = a_trial()
    customer = a_customer(tenant)
    with transaction(scope_of(tenant)) as session:
        billing.open_wallet(session, scope_of(tenant), customer_id=customer.id, currency="EUR")
    user, hers = a_customer_user(customer), a_stranger(app, tenant)
    hers.sign_in(user.email)

    pages = [hers.get(path) for path in ("/portal/", "/portal/settings", "/portal/billing/topup")]
    refused = hers.post("/portal/billing/topup", {"request_key": "x", "amount": "10000"})

    assert [page.status_code for page in pages] == [200] * 3
    assert refused.status_code == 422
    assert "noch nicht möglich" in refused.get_data(as_text=True)
    for page in (*pages, refused):
        assert "Testphase" not in page.get_data(as_text=True)
    staff = founder(app, tenant, application.email).get("/reseller/")
    assert "Testphase" in staff.get_data(as_text=True)
