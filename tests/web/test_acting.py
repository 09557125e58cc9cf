"""Acting on behalf (requirement F2): in and out, what is open, and what never is."""

from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from app import identity
from app.audit import AuditRecord
from app.edge.acting import _EXTENSION
from app.identity import CustomerUser, StaffUser
from app.kernel import transaction
from app.tenancy import Tenant
from tests.apps import PLATFORM_DOMAIN, Browser
from tests.factories import PASSWORD, a_customer_user, a_staff_user, scope_of
from tests.factories.money import a_priced_reseller, a_wallet
from tests.web.portals import is_turned_away, text_of

WHY = "fragt am Telefon nach der Rechnung"
BANNER = "Sie handeln im Auftrag von"
# Pages of the portal that somebody who acts for a customer may look at.
OPEN_PAGES = ["/portal/", "/portal/transactions", "/portal/billing", "/portal/settings"]
ROOT = Path(__file__).parents[2]
LAYOUTS = [ROOT / "app/web/templates/layout.html", *ROOT.glob("themes/*/templates/layout.html")]


class Scene:
    """A colleague in a browser, and a customer's person with a wallet."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.reseller: Tenant = a_priced_reseller()
        wallet = a_wallet(5_000, reseller=self.reseller)
        scope = scope_of(self.reseller)
        with transaction(scope) as session:
            customer = identity.get_customer(session, scope, customer_id=wallet.customer_id)
        self.customer = customer
        self.person: CustomerUser = a_customer_user(customer, name="Berta Bach")
        self.staff: StaffUser = a_staff_user(self.reseller)
        self.page = f"/reseller/customers/{customer.id}"
        self.browser = Browser(app, f"{self.reseller.slug}.{PLATFORM_DOMAIN}")
        self.browser.sign_in(self.staff.email, at="/reseller/login")

    def act(self, **changes: str) -> TestResponse:
        form = {"form": "visit", "user": str(self.person.id), "reason": WHY, **changes}
        return self.browser.post(f"{self.page}/act", form)

    def records(self, action: str) -> list[AuditRecord]:
        scope = scope_of(self.reseller)
        with transaction(scope) as session:
            return list(
                session.scalars(
                    select(AuditRecord)
                    .where(
                        AuditRecord.reseller_id == self.reseller.id, AuditRecord.action == action
                    )
                    .order_by(AuditRecord.id)
                )
            )


@pytest.fixture
def scene(app: Flask) -> Scene:
    return Scene(app)


def test_a_colleague_opens_the_portal_sees_the_banner_and_leaves(scene: Scene) -> None:
    asked = text_of(scene.browser.get(f"{scene.page}/act"))
    begun = scene.act()
    inside = text_of(scene.browser.get("/portal/"))
    left = scene.browser.post("/portal/act/end", form_on="/portal/")
    outside = scene.browser.get("/portal/")

    assert "Berta Bach" in asked
    assert "30 Minuten" in asked
    assert (begun.status_code, begun.location) == (303, "/portal/")
    assert f"{BANNER} Berta Bach" in inside
    assert "50,00 €" in inside
    assert (left.status_code, left.location) == (303, scene.page)
    assert is_turned_away(outside)
    assert scene.browser.get("/reseller/").status_code == 200


@pytest.mark.parametrize("path", OPEN_PAGES)
def test_the_banner_with_its_way_out_stands_on_every_page(scene: Scene, path: str) -> None:
    scene.act()

    page = scene.browser.get(path)

    assert page.status_code == 200
    assert BANNER in text_of(page)
    assert 'action="/portal/act/end"' in page.get_data(as_text=True)


def test_the_customer_herself_sees_no_banner_and_reads_of_the_visit(scene: Scene) -> None:
    scene.act()
    customer = Browser(scene.app, scene.browser.host)
    customer.sign_in(scene.person.email)

    portal = text_of(customer.get("/portal/"))
    account = customer.get("/portal/settings/account")
    visit = account.get_data(as_text=True).partition('name="visit" value="')[2][:36]
    ended = customer.post("/portal/settings/account", {"form": "visit_end", "visit": visit})

    assert BANNER not in portal
    assert WHY in text_of(account)
    assert scene.staff.name in text_of(account)
    assert ended.status_code == 303
    assert is_turned_away(scene.browser.get("/portal/"))


def test_a_reason_is_needed_and_what_was_typed_stays(scene: Scene) -> None:
    refused = scene.act(reason="")
    long = scene.act(reason="w" * 201)

    assert (refused.status_code, long.status_code) == (422, 422)
    assert "w" * 201 in long.get_data(as_text=True)
    assert is_turned_away(scene.browser.get("/portal/"))
    assert scene.records("identity.acting_began") == []


@pytest.mark.parametrize("role", ["finance", "developer"])
def test_others_than_owners_and_support_neither_see_the_page_nor_act(
    scene: Scene, role: str
) -> None:
    with transaction(scope_of(scene.reseller)) as session:
        row = session.scalar(select(StaffUser).where(StaffUser.id == scene.staff.id))
        assert row is not None
        row.role = role

    asked = scene.browser.get(f"{scene.page}/act")
    sent = scene.browser.post(
        f"{scene.page}/act",
        {"form": "visit", "user": str(scene.person.id), "reason": WHY},
        form_on=scene.page,
    )

    assert (asked.status_code, sent.status_code) == (403, 403)
    assert f"{scene.page}/act" not in scene.browser.get(scene.page).get_data(as_text=True)
    assert is_turned_away(scene.browser.get("/portal/"))


def test_another_resellers_customer_does_not_exist(scene: Scene) -> None:
    other = Scene(scene.app)

    asked = scene.browser.get(f"{other.page}/act")
    sent = scene.act(user=str(other.person.id))

    assert (asked.status_code, sent.status_code) == (404, 404)
    assert other.records("identity.acting_began") == []


def test_every_form_is_closed_to_who_acts_unless_it_was_opened(scene: Scene) -> None:
    """Default deny: a page that somebody adds tomorrow is closed until it says otherwise."""
    scene.act()
    token = scene.browser.token("/portal/settings")
    opened = scene.app.extensions[_EXTENSION]
    paths = {
        rule.endpoint: rule.rule
        for rule in scene.app.url_map.iter_rules()
        if rule.methods
        and "POST" in rule.methods
        and rule.rule.startswith("/portal")
        and "<" not in rule.rule
    }
    closed = {endpoint: path for endpoint, path in paths.items() if endpoint not in opened}

    answers = {
        path: scene.browser.client.post(
            path, base_url=scene.browser.base_url, data={"csrf_token": token}
        ).status_code
        for path in closed.values()
    }

    assert "customer_account.change" in closed
    assert set(answers.values()) == {403}
    assert {each.facts["is_refused"] for each in scene.records("identity.acted")} == {True}


def test_the_account_page_of_the_customer_is_her_own(scene: Scene) -> None:
    scene.act()

    page = scene.browser.get("/portal/settings/account")
    portal = scene.browser.get("/portal/").get_data(as_text=True)

    assert page.status_code == 403
    assert "/portal/settings/account" not in portal


@pytest.mark.parametrize("form", ["user", "user_role", "user_remove", "made_up"])
def test_people_of_the_customer_stay_as_they_are(scene: Scene, form: str) -> None:
    scene.act()

    refused = scene.browser.post(
        "/portal/settings",
        {
            "form": form,
            "user": str(scene.person.id),
            "role": "member",
            "name": "X",
            "email": "x@y.de",
        },
    )

    assert refused.status_code == 403
    scope = scope_of(scene.reseller)
    with transaction(scope) as session:
        users = identity.list_customer_users(session, scope, customer_id=scene.customer.id)
    assert [(user.id, user.role) for user in users] == [(scene.person.id, "owner")]


def test_what_is_done_is_put_on_the_colleague_with_both_ids(scene: Scene) -> None:
    scene.act()

    done = scene.browser.post("/portal/settings", {"form": "cap", "limit": "20", "subject": ""})

    (acted,) = scene.records("identity.acted")
    (capped,) = scene.records("billing.cap_set")
    assert done.status_code == 303
    assert (acted.realm, acted.actor_id) == ("staff", scene.staff.id)
    assert acted.subject_id == scene.person.id
    assert acted.facts["endpoint"] == "customer_settings.change"
    assert (capped.realm, capped.actor_id) == ("staff", scene.staff.id)


def test_signing_out_in_the_portal_ends_the_visit(scene: Scene) -> None:
    scene.act()

    scene.browser.post("/logout", form_on="/portal/")

    assert is_turned_away(scene.browser.get("/portal/"))
    assert len(scene.records("identity.acting_ended")) == 1
    assert scene.browser.get("/reseller/").status_code == 200


def test_a_copied_cookie_is_worthless_once_the_visit_has_ended(scene: Scene) -> None:
    scene.act()
    copied = scene.browser.cookies()["__Host-session"]

    scene.browser.post("/portal/act/end", form_on="/portal/")
    scene.browser.client.set_cookie(
        "__Host-session", copied, domain=scene.browser.host, secure=True
    )

    assert is_turned_away(scene.browser.get("/portal/"))


def test_whoever_is_herself_ends_nothing(scene: Scene) -> None:
    customer = Browser(scene.app, scene.browser.host)
    customer.sign_in(scene.person.email)

    answer = customer.post("/portal/act/end", form_on="/portal/settings")

    assert (answer.status_code, answer.location) == (303, "/portal/")
    assert customer.get("/portal/").status_code == 200


def test_who_was_a_customer_in_that_browser_before_is_not_any_more(scene: Scene) -> None:
    own = a_customer_user(scene.customer, name="Carla Cohn")
    scene.browser.sign_in(own.email, password=PASSWORD)

    scene.act()

    assert f"{BANNER} Berta Bach" in text_of(scene.browser.get("/portal/"))


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_layout_of_any_theme_leaves_the_banner_out(layout: Path) -> None:
    assert "{{ shell.flashes() }}" in layout.read_text(encoding="utf-8")


def test_a_balance_is_not_streamed_to_who_may_be_sent_away_at_any_moment(scene: Scene) -> None:
    scene.act()

    streamed = scene.browser.get("/portal/balance/stream", buffered=False)
    polled = scene.browser.get("/portal/balance")
    streamed.close()
    scene.browser.post("/portal/act/end", form_on="/portal/")

    assert (streamed.status_code, polled.status_code) == (503, 200)
    assert scene.browser.get("/portal/balance").status_code != 200
    own = Browser(scene.app, scene.browser.host)
    own.sign_in(scene.person.email)
    stream = own.get("/portal/balance/stream", buffered=False)
    stream.close()
    assert stream.status_code == 200
