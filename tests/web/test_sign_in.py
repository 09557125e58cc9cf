import time

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.audit import AuditRecord
from app.kernel import transaction
from app.tenancy import Tenant
from tests.apps import PLATFORM_DOMAIN, Browser
from tests.factories import (
    PASSWORD,
    a_customer,
    a_customer_user,
    a_platform_user,
    a_reseller,
    a_staff_user,
    scope_of,
    unique,
)

REALMS = {"/login": "/portal/", "/reseller/login": "/reseller/", "/admin/login": "/admin/"}


def site_of(app: Flask, reseller: Tenant) -> Browser:
    return Browser(app, f"{reseller.slug}.{PLATFORM_DOMAIN}")


def an_account(app: Flask, login: str) -> tuple[Browser, str]:
    """Somebody's browser at the right site, and their address."""
    reseller = a_reseller()
    if login == "/admin/login":
        return Browser(app, PLATFORM_DOMAIN), a_platform_user().email
    if login == "/reseller/login":
        return site_of(app, reseller), a_staff_user(reseller).email
    return site_of(app, reseller), a_customer_user(a_customer(reseller)).email


@pytest.mark.parametrize(("login", "home"), REALMS.items())
def test_each_realm_signs_in_and_out_at_its_own_door(app: Flask, login: str, home: str) -> None:
    browser, email = an_account(app, login)

    entered = browser.sign_in(email, at=login)
    inside = browser.get(login)
    left = browser.post(login.replace("login", "logout"), form_on=_any_page_of(login))
    outside = browser.get(login)

    assert (entered.status_code, entered.headers["Location"]) == (303, home)
    assert (inside.status_code, inside.headers["Location"]) == (302, home)
    assert (left.status_code, left.headers["Location"]) == (303, login)
    assert outside.status_code == 200


def _any_page_of(login: str) -> str:
    return login.replace("login", "nowhere")


@pytest.mark.parametrize("login", REALMS)
def test_a_wrong_password_and_an_unknown_address_look_the_same(app: Flask, login: str) -> None:
    browser, email = an_account(app, login)

    wrong = browser.sign_in(email, at=login, password="a wrong password")
    unknown = browser.sign_in("nobody@example.com", at=login)

    assert wrong.status_code == unknown.status_code == 401
    assert _shown(wrong, email) == _shown(unknown, "nobody@example.com")
    assert 'role="alert"' in wrong.get_data(as_text=True)


def _shown(answer: TestResponse, email: str) -> list[str]:
    """The page without what differs for everybody: address, token, nonce, request."""
    lines = answer.get_data(as_text=True).replace(email, "").splitlines()
    return [line for line in lines if "csrf_token" not in line and "nonce" not in line]


def test_a_wrong_password_and_an_unknown_address_take_the_same_time(app: Flask) -> None:
    browser, email = an_account(app, "/login")

    # The processor's time, not the clock's: others may be at work on this machine.
    def seconds(address: str) -> float:
        token = browser.token("/login")
        start = time.process_time()
        browser.client.post(
            "/login",
            base_url=browser.base_url,
            data={"email": address, "password": "a wrong password", "csrf_token": token},
        )
        return time.process_time() - start

    wrong = min(seconds(email) for _ in range(7))
    unknown = min(seconds("nobody@example.com") for _ in range(7))

    assert 0.6 < unknown / wrong < 1.6


def test_the_same_address_at_two_resellers_opens_each_with_its_own_password(app: Flask) -> None:
    first, second = a_reseller(), a_reseller()
    email = f"{unique('both')}@example.com"
    a_customer_user(a_customer(first), email=email, password="password of the first")
    a_customer_user(a_customer(second), email=email, password="password of the second")

    tries = [
        site_of(app, reseller).sign_in(email, password=password).status_code
        for reseller in (first, second)
        for password in ("password of the first", "password of the second")
    ]

    assert tries == [303, 401, 401, 303]


def test_an_account_of_one_reseller_opens_no_other(app: Flask) -> None:
    user = a_customer_user(a_customer(a_reseller()))

    answer = site_of(app, a_reseller()).sign_in(user.email)

    assert answer.status_code == 401


def test_the_doors_keep_realms_apart(app: Flask) -> None:
    reseller = a_reseller()
    customer = a_customer_user(a_customer(reseller)).email
    staff = a_staff_user(reseller).email
    browser = site_of(app, reseller)

    assert browser.sign_in(customer, at="/reseller/login").status_code == 401
    assert browser.sign_in(staff, at="/login").status_code == 401


def test_sign_ins_are_audited_by_id(app: Flask) -> None:
    reseller = a_reseller()
    user = a_staff_user(reseller)
    browser = site_of(app, reseller)

    browser.sign_in(user.email, at="/reseller/login")
    browser.post("/reseller/logout", form_on="/reseller/nowhere")

    with transaction(scope_of(reseller)) as session:
        query = select(AuditRecord).where(AuditRecord.actor_id == user.id)
        records = session.scalars(query.order_by(AuditRecord.id)).all()
    assert [each.action for each in records] == ["identity.signed_in", "identity.signed_out"]
    assert {each.realm for each in records} == {"staff"}
    assert user.email not in repr([each.facts for each in records])


def test_a_form_comes_back_with_the_address_and_without_the_password(app: Flask) -> None:
    browser, email = an_account(app, "/login")

    page = browser.sign_in(email, password=f"not {PASSWORD}", next="/portal/usage")

    text = page.get_data(as_text=True)
    assert f'value="{email}"' in text
    assert 'value="/portal/usage"' in text
    assert PASSWORD not in text
