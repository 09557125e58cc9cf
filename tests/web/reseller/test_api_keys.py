"""The reseller's API keys: made, shown once, used, ended."""

from flask import Flask

from app.edge import edge_of
from app.identity import list_api_keys
from app.kernel import transaction
from app.tenancy import Tenant
from tests.apps import Browser
from tests.factories import a_reseller, an_api_key, scope_of
from tests.factories.money import a_wallet
from tests.web.portals import cost_of, staff_of, text_of

KEYS = "/reseller/api-keys"


def test_a_key_is_shown_once_used_and_ended(app: Flask, staff: Browser, reseller: Tenant) -> None:
    wallet = a_wallet(0, reseller=reseller)
    balance = f"/api/v2/customers/{wallet.customer_id}/balance"

    made = staff.post(KEYS, {"form": "make", "name": "Telefonanlage", "scope": ["balance:read"]})
    secret = made.get_data(as_text=True).partition("data-copy-value>")[2].partition("<")[0]
    unused = text_of(staff.get(KEYS))
    caller = app.test_client()
    asked = caller.get(
        balance, base_url=staff.base_url, headers={"Authorization": f"Bearer {secret}"}
    )
    edge_of(app).key_uses.flush()
    used = text_of(staff.get(KEYS))
    with transaction(scope_of(reseller)) as session:
        (key,) = list_api_keys(session, scope_of(reseller))
    revoked = staff.post(KEYS, {"form": "revoke", "key": str(key.id)})
    refused = caller.get(
        balance, base_url=staff.base_url, headers={"Authorization": f"Bearer {secret}"}
    )

    assert (made.status_code, secret[:3]) == (200, "kk_")
    assert secret not in unused
    assert "Telefonanlage" in unused
    assert "nie Gültig" in unused
    assert (asked.status_code, key.last_used_at is not None) == (200, True)
    assert "nie Gültig" not in used
    assert (revoked.status_code, refused.status_code) == (303, 401)


def test_a_key_without_a_scope_is_refused_and_none_is_made(
    staff: Browser, reseller: Tenant
) -> None:
    page = staff.post(KEYS, {"form": "make", "name": "Telefonanlage"})

    with transaction(scope_of(reseller)) as session:
        assert list_api_keys(session, scope_of(reseller)) == []
    assert page.status_code == 422
    assert 'value="Telefonanlage"' in page.get_data(as_text=True)


def test_another_resellers_key_is_none(app: Flask, reseller: Tenant) -> None:
    theirs, _ = an_api_key(reseller)
    other = staff_of(app, a_reseller())

    page = other.post(KEYS, {"form": "revoke", "key": str(theirs.id)})

    with transaction(scope_of(reseller)) as session:
        (kept,) = list_api_keys(session, scope_of(reseller))
    assert page.status_code == 404
    assert kept.revoked_at is None


def test_the_page_takes_as_many_queries_for_many_keys(staff: Browser, reseller: Tenant) -> None:
    an_api_key(reseller)
    few = cost_of(staff, KEYS)
    for _ in range(3):
        an_api_key(reseller)

    assert cost_of(staff, KEYS) == few
