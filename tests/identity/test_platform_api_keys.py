import re

import pytest

from app.identity import (
    ApiKeyNotFoundError,
    ApiScope,
    ApiScopeMissingError,
    PlatformApiKeyHolder,
    UnknownApiScopeError,
    find_api_key,
    find_platform_api_key,
    list_platform_api_keys,
    make_platform_api_key,
    revoke_platform_api_key,
)
from app.kernel import new_id, now, transaction
from app.tenancy import PlatformScope
from tests.factories import a_platform_key, a_reseller, an_api_key, scope_of

pytestmark = pytest.mark.usefixtures("connected")
SCOPE = PlatformScope()


def holder_of(secret: str) -> PlatformApiKeyHolder | None:
    with transaction(SCOPE) as session:
        return find_platform_api_key(session, SCOPE, secret=secret)


def test_a_secret_is_shown_once_and_never_stored() -> None:
    key, secret = a_platform_key()

    assert re.fullmatch(r"kp_[A-Za-z0-9_-]{43}", secret)
    assert key.prefix == secret[:9]
    assert secret.encode() not in key.secret_hash
    with transaction(SCOPE) as session:
        assert next(iter(list_platform_api_keys(session, SCOPE))).id == key.id


def test_a4_a_key_of_the_platform_and_one_of_a_reseller_are_worthless_to_each_other() -> None:
    reseller = a_reseller()
    key, platforms = a_platform_key(scopes=["usage:write"])
    _, resellers = an_api_key(reseller, scopes=["usage:write"])

    with transaction(scope_of(reseller)) as session:
        at_the_reseller = find_api_key(session, scope_of(reseller), secret=platforms)

    assert holder_of(platforms) == PlatformApiKeyHolder(key.id, frozenset({"usage:write"}))
    assert holder_of(resellers) is None
    assert at_the_reseller is None


def test_a_key_may_do_what_its_scopes_say() -> None:
    _, secret = a_platform_key(scopes=["usage:read"])

    holder = holder_of(secret)

    assert holder is not None
    holder.require(ApiScope.USAGE_READ)
    with pytest.raises(ApiScopeMissingError):
        holder.require(ApiScope.USAGE_WRITE)


@pytest.mark.parametrize("scopes", [[], ["usage:write", "everything"]])
def test_a_key_without_a_known_scope_is_refused(scopes: list[str]) -> None:
    with transaction(SCOPE) as session:
        before = len(list_platform_api_keys(session, SCOPE))

        with pytest.raises(UnknownApiScopeError):
            make_platform_api_key(session, SCOPE, name="Meter", scopes=scopes)

        assert len(list_platform_api_keys(session, SCOPE)) == before


def test_a_revoked_key_is_dead_and_stays_so() -> None:
    key, secret = a_platform_key()
    _, other = a_platform_key()

    for _ in range(2):
        with transaction(SCOPE) as session:
            revoke_platform_api_key(session, SCOPE, key_id=key.id, now=now())

    assert holder_of(secret) is None
    assert holder_of(other) is not None


def test_an_unknown_key_cannot_be_revoked() -> None:
    with transaction(SCOPE) as session, pytest.raises(ApiKeyNotFoundError):
        revoke_platform_api_key(session, SCOPE, key_id=new_id(), now=now())
