"""Who may call an address of the platform's API: the matrix of requirement A4."""

from collections.abc import Callable

import pytest
from flask import Blueprint, Flask
from flask_openapi3.blueprint import APIBlueprint

from app.api.rest.keys import platform_key_required
from app.edge import Allowance, NoSiteError, Where, declare
from app.identity import ApiScope, revoke_platform_api_key
from app.kernel import now, transaction
from app.tenancy import PlatformScope
from tests.api.caller import Caller, a_body
from tests.apps import PLATFORM_DOMAIN
from tests.factories import a_platform, a_platform_key, a_reseller, an_api_key
from tests.factories.money import a_priced_reseller, a_wallet, funds_of

ADDRESS = "/api/v2/meters/reading"


def with_address(app: Flask, where: Where, address: str = ADDRESS) -> Flask:
    """The app with an address for the platform's meter; a test may add one before any request."""
    bp: Blueprint = APIBlueprint(f"meter_{where.value}", __name__)
    declare(bp, where=where, allowance=Allowance.API, is_for_machines=True)
    platform_key_required(bp, ApiScope.USAGE_WRITE)
    bp.add_url_rule(address, view_func=lambda: {"is": "read"}, methods=["POST"], endpoint="read")
    app.register_blueprint(bp)
    for cached in ("_url_maps", "_siteless_paths"):
        app.__dict__.pop(cached, None)
    return app


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    a_platform()
    return with_address(make_app(), Where.PLATFORM_SITE)


def told(app: Flask, key: str, host: str = PLATFORM_DOMAIN) -> tuple[int, str]:
    """Status and code of an answer."""
    answer = Caller(app, host, key).post(ADDRESS, {})
    return answer.status_code, answer.get_json().get("code", "")


def test_a_key_of_the_platform_with_the_scope_is_let_in_on_its_host(app: Flask) -> None:
    _, secret = a_platform_key(scopes=["usage:write"])

    assert told(app, secret) == (200, "")


@pytest.mark.parametrize("key", ["", "kp_unknown", "x" * 5_000])
def test_nobody_and_an_invented_key_are_refused(app: Flask, key: str) -> None:
    assert told(app, key) == (401, "api.platform_key_refused")


def test_another_scheme_than_bearer_is_refused(app: Flask) -> None:
    _, secret = a_platform_key(scopes=["usage:write"])

    refused = app.test_client().post(
        ADDRESS, base_url=f"https://{PLATFORM_DOMAIN}", headers={"Authorization": f"Basic {secret}"}
    )

    assert refused.status_code == 401


def test_a_key_of_a_reseller_is_worthless_on_the_platforms_host(app: Flask) -> None:
    _, secret = an_api_key(a_reseller(), scopes=["usage:write"])

    assert told(app, secret) == (401, "api.platform_key_refused")


def test_a_key_of_the_platform_is_worthless_at_a_reseller(app: Flask) -> None:
    reseller = a_priced_reseller()
    wallet = a_wallet(5_000, reseller=reseller)
    _, secret = a_platform_key(scopes=["usage:write"])
    host = f"{reseller.slug}.{PLATFORM_DOMAIN}"

    refused = Caller(app, host, secret).post("/api/v2/usage", a_body(wallet.customer_id))

    assert (refused.status_code, refused.get_json()["code"]) == (401, "api.key_refused")
    assert funds_of(wallet) == 5_000
    assert told(app, secret, host) == (404, "http.not_found")


def test_a_key_without_the_scope_may_not(app: Flask) -> None:
    _, secret = a_platform_key(scopes=["balance:read"])

    assert told(app, secret) == (403, "identity.api_scope_missing")


def test_a_revoked_key_is_refused(app: Flask) -> None:
    key, secret = a_platform_key(scopes=["usage:write"])
    with transaction(PlatformScope()) as session:
        revoke_platform_api_key(session, PlatformScope(), key_id=key.id, now=now())

    assert told(app, secret) == (401, "api.platform_key_refused")


def test_an_address_that_was_declared_for_resellers_lets_nobody_in(
    make_app: Callable[..., Flask],
) -> None:
    app = with_address(make_app(), Where.RESELLER_SITES)
    app.config["PROPAGATE_EXCEPTIONS"] = True
    _, secret = a_platform_key(scopes=["usage:write"])

    with pytest.raises(NoSiteError):
        told(app, secret, f"{a_reseller().slug}.{PLATFORM_DOMAIN}")
