from flask import request
from sqlalchemy.orm import Session

from app.edge import count_by_own_key
from app.identity import ApiKeyHolder, ApiScope, find_api_key
from app.kernel import AppError, Kind, translatable
from app.tenancy import TenantScope

_SCHEME = "Bearer "


class ApiKeyRefusedError(AppError):
    """No key, a malformed, unknown or revoked one, or one of another site."""

    kind = Kind.UNAUTHENTICATED
    code = "api.key_refused"
    text = translatable("Send a valid API key of this site: “Authorization: Bearer kk_…”.")


def require_key(session: Session, scope: TenantScope, needed: ApiScope) -> ApiKeyHolder:
    """Return the holder of the request's key.

    Refuses a key that this reseller does not know: another site's key looks like no key. Refuses
    one that lacks the needed scope.
    """
    header = request.headers.get("Authorization", "")
    if not header.startswith(_SCHEME):
        raise ApiKeyRefusedError
    holder = find_api_key(session, scope, secret=header.removeprefix(_SCHEME))
    if holder is None:
        raise ApiKeyRefusedError
    count_by_own_key()
    holder.require(needed)
    return holder
