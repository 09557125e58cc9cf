"""The team page: invite, send again, change a role, remove; the last owner stays."""

import pytest
from flask import Flask

from app.identity import StaffUser, list_staff_users, set_registration
from app.kernel import transaction
from app.tenancy import Tenant
from tests.apps import SECRET_KEY, Browser
from tests.factories import PASSWORD, a_staff_user, scope_of, unique
from tests.factories.links import delivered_path, links_to
from tests.web.portals import a_stranger, cost_of, text_of

TEAM = "/reseller/team"


def team_of(reseller: Tenant) -> list[StaffUser]:
    with transaction(scope_of(reseller)) as session:
        return list(list_staff_users(session, scope_of(reseller)))


def test_a_colleague_is_invited_comes_changes_and_goes(
    app: Flask, staff: Browser, reseller: Tenant
) -> None:
    email = f"{unique('kim')}@example.com"

    invited = staff.post(
        TEAM, {"form": "invite", "name": "Kim Ko", "email": email, "role": "finance"}
    )
    listed = text_of(staff.get(TEAM))
    kim = str(team_of(reseller)[-1].id)
    resent = staff.post(TEAM, {"form": "resend", "user": kim})
    colleague = a_stranger(app, reseller)
    link = delivered_path(SECRET_KEY, email, reseller=reseller)
    colleague.post(link, {"form": "invitation", "password": PASSWORD})
    entered = colleague.sign_in(email, at="/reseller/login")
    too_late = staff.post(TEAM, {"form": "resend", "user": kim})
    changed = staff.post(TEAM, {"form": "role", "user": kim, "role": "developer"})
    inside = colleague.get("/reseller/")
    removed = staff.post(TEAM, {"form": "remove", "user": kim})

    assert (invited.status_code, resent.status_code, entered.status_code) == (303, 303, 303)
    assert f"Kim Ko {email} Finanzen Eingeladen" in listed
    assert len(links_to(email, reseller=reseller)) == 2
    assert too_late.status_code == 409
    assert (changed.status_code, inside.status_code, removed.status_code) == (303, 302, 303)
    assert kim not in {str(each.id) for each in team_of(reseller)}
    assert colleague.sign_in(email, at="/reseller/login").status_code == 401


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"form": "remove"}, 409),
        ({"form": "role", "role": "support"}, 409),
        ({"form": "role", "role": "king"}, 422),
        ({"form": "resend"}, 409),
    ],
)
def test_the_last_owner_stays_and_nothing_changes(
    staff: Browser, reseller: Tenant, form: dict[str, str], status: int
) -> None:
    (owner,) = team_of(reseller)

    page = staff.post(TEAM, {**form, "user": str(owner.id)})

    assert page.status_code == status
    assert [(each.id, each.role) for each in team_of(reseller)] == [(owner.id, "owner")]
    assert 'role="alert"' in page.get_data(as_text=True)


def test_a_taken_address_stays_in_the_form(staff: Browser, reseller: Tenant) -> None:
    email = team_of(reseller)[0].email

    page = staff.post(TEAM, {"form": "invite", "name": "Kim", "email": email, "role": "support"})

    assert page.status_code == 409
    assert f'value="{email}"' in page.get_data(as_text=True)
    assert len(team_of(reseller)) == 1


def test_the_page_takes_as_many_queries_for_many_people(staff: Browser, reseller: Tenant) -> None:
    few = cost_of(staff, TEAM)
    for _ in range(3):
        a_staff_user(reseller)

    assert cost_of(staff, TEAM) == few


def test_an_owner_opens_and_closes_registration(
    app: Flask, staff: Browser, reseller: Tenant
) -> None:
    page = "/reseller/customers"
    with transaction(scope_of(reseller)) as session:
        set_registration(session, scope_of(reseller), is_open=False)

    opened = staff.post(page, {"form": "registration", "is_open": "1"})
    offered = a_stranger(app, reseller).get("/login").get_data(as_text=True)
    shown = text_of(staff.get(page))
    closed = staff.post(page, {"form": "registration"})

    assert (opened.status_code, closed.status_code) == (303, 303)
    assert 'href="/register"' in offered
    assert "keine Bedingungen" in shown
    assert 'href="/register"' not in a_stranger(app, reseller).get("/login").get_data(as_text=True)
