"""Who runs the platform: invited, resent, removed."""

from flask import Flask

from app.identity import list_platform_users
from app.kernel import transaction
from app.tenancy import PlatformScope
from tests.apps import SECRET_KEY
from tests.factories import PASSWORD, a_reseller, unique
from tests.factories.links import delivered_path, links_to
from tests.web.portals import a_stranger, an_admin, is_turned_away, staff_of, text_of

TEAM = "/admin/team"


def ids_of(email: str) -> list[str]:
    with transaction(PlatformScope()) as session:
        everybody = list_platform_users(session, PlatformScope())
        return [str(each.id) for each in everybody if each.email == email]


def test_an_admin_invites_another_who_comes_and_goes(app: Flask) -> None:
    admin, email = an_admin(app), f"{unique('kim')}@example.com"

    invited = admin.post(TEAM, {"form": "invite", "name": "Kim Ko", "email": email})
    listed = text_of(admin.get(TEAM))
    (kim,) = ids_of(email)
    resent = admin.post(TEAM, {"form": "resend", "user": kim})
    colleague = a_stranger(app)
    link = delivered_path(SECRET_KEY, email)
    colleague.post(link, {"form": "invitation", "password": PASSWORD})
    entered = colleague.sign_in(email, at="/admin/login")
    removed = admin.post(TEAM, {"form": "remove", "user": kim})

    assert (invited.status_code, resent.status_code, removed.status_code) == (303, 303, 303)
    assert f"Kim Ko {email} Eingeladen" in listed
    assert (entered.status_code, len(links_to(email))) == (303, 2)
    assert ids_of(email) == []
    assert is_turned_away(colleague.get("/admin/"))


def test_only_admins_see_the_page(app: Flask) -> None:
    reseller = a_reseller()

    assert is_turned_away(a_stranger(app).get(TEAM))
    assert staff_of(app, reseller).get(TEAM).status_code == 404


def test_a_taken_address_is_refused(app: Flask) -> None:
    admin, email = an_admin(app), f"{unique('kim')}@example.com"
    form = {"form": "invite", "name": "Kim Ko", "email": email}
    admin.post(TEAM, form)

    page = admin.post(TEAM, form)

    assert page.status_code == 409
    assert len(ids_of(email)) == 1
