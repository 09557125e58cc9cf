from functools import partial

from flask import Blueprint, request

from app.edge import count_by_own_key, current_scope
from app.identity import ApiScope, find_api_key
from app.kernel import AppError, Kind, transaction, translatable

_SCHEME = "Bearer "


class ApiKeyRefusedError(AppError):
    """No key, a malformed, unknown or revoked one, or one of another site."""

    kind = Kind.UNAUTHENTICATED
    code = "api.key_refused"
    text = translatable("Send a valid API key of this site: “Authorization: Bearer kk_…”.")


def key_required(blueprint: Blueprint, needed: ApiScope) -> None:
    """Let only requests with a key of this site that has the scope into a blueprint.

    Before anything is read of the body: whoever has no key learns nothing of its shape. Refuses a
    key that this reseller does not know (another site's looks like none) and one without the scope.
    """
    blueprint.before_request(partial(_require_key, needed))


def _require_key(needed: ApiScope) -> None:
    header = request.headers.get("Authorization", "")
    if not header.startswith(_SCHEME):
        raise ApiKeyRefusedError
    scope = current_scope()
    with transaction(scope, sole=True) as session:
        holder = find_api_key(session, scope, secret=header.removeprefix(_SCHEME))
    if holder is None:
        raise ApiKeyRefusedError
    count_by_own_key()
    holder.require(needed)
