import re

import pytest

from app.identity import (
    ApiKeyHolder,
    ApiKeyNotFoundError,
    ApiScope,
    ApiScopeMissingError,
    UnknownApiScopeError,
    find_api_key,
    list_api_keys,
    revoke_api_key,
)
from app.kernel import now, transaction
from app.tenancy import TenantScope
from tests.factories import a_reseller, an_api_key, scope_of

pytestmark = pytest.mark.usefixtures("connected")


def holder_of(scope: TenantScope, secret: str) -> ApiKeyHolder | None:
    with transaction(scope) as session:
        return find_api_key(session, scope, secret=secret)


def test_a_secret_is_shown_once_and_never_stored() -> None:
    reseller = a_reseller()

    key, secret = an_api_key(reseller)

    assert re.fullmatch(r"kk_[A-Za-z0-9_-]{43}", secret)
    assert key.prefix == secret[:9]
    assert secret.encode() not in key.secret_hash
    with transaction(scope_of(reseller)) as session:
        assert [each.id for each in list_api_keys(session, scope_of(reseller))] == [key.id]


def test_a_key_opens_its_own_site_alone() -> None:
    first, second = a_reseller(), a_reseller()
    key, secret = an_api_key(first, scopes=["usage:write"])

    holder = holder_of(scope_of(first), secret)

    assert holder == ApiKeyHolder(key.id, first.id, frozenset({"usage:write"}))
    assert holder_of(scope_of(second), secret) is None
    assert holder_of(scope_of(first), secret[:-1]) is None


def test_a_key_may_do_what_its_scopes_say() -> None:
    reseller = a_reseller()
    _, secret = an_api_key(reseller, scopes=["balance:read"])

    holder = holder_of(scope_of(reseller), secret)

    assert holder is not None
    holder.require(ApiScope.BALANCE_READ)
    with pytest.raises(ApiScopeMissingError):
        holder.require(ApiScope.USAGE_WRITE)


@pytest.mark.parametrize("scopes", [[], ["usage:write", "everything"]])
def test_a_key_without_a_known_scope_is_refused(scopes: list[str]) -> None:
    reseller = a_reseller()

    with pytest.raises(UnknownApiScopeError):
        an_api_key(reseller, scopes=scopes)


def test_a_revoked_key_is_dead_and_only_its_own_reseller_can_revoke_it() -> None:
    first, second = a_reseller(), a_reseller()
    key, secret = an_api_key(first)

    with (
        pytest.raises(ApiKeyNotFoundError),
        transaction(scope_of(second)) as session,
    ):
        revoke_api_key(session, scope_of(second), key_id=key.id, now=now())
    still_alive = holder_of(scope_of(first), secret)
    for _ in range(2):
        with transaction(scope_of(first)) as session:
            revoke_api_key(session, scope_of(first), key_id=key.id, now=now())

    assert still_alive is not None
    assert holder_of(scope_of(first), secret) is None
