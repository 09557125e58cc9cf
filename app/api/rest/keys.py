from functools import partial

from flask import Blueprint, request

from app.edge import (
    count_by_own_key,
    current_edge,
    current_platform_scope,
    current_scope,
    is_platform_site,
)
from app.identity import ApiScope, find_api_key, find_platform_api_key
from app.kernel import AppError, Kind, transaction, translatable

_SCHEME = "Bearer "


class ApiKeyRefusedError(AppError):
    """No key, a malformed, unknown or revoked one, or one of another site."""

    kind = Kind.UNAUTHENTICATED
    code = "api.key_refused"
    text = translatable("Send a valid API key of this site: “Authorization: Bearer kk_…”.")


class PlatformKeyRefusedError(AppError):
    """No key, a malformed, unknown or revoked one, or a reseller's on the platform's host."""

    kind = Kind.UNAUTHENTICATED
    code = "api.platform_key_refused"
    text = translatable("Send a valid API key of the platform: “Authorization: Bearer kp_…”.")


def key_required(blueprint: Blueprint, needed: ApiScope) -> None:
    """Let only requests with a key of this site that has the scope into a blueprint.

    Before anything is read of the body: whoever has no key learns nothing of its shape. Refuses a
    key that this reseller does not know (another site's looks like none) and one without the scope.
    """
    blueprint.before_request(partial(_require_key, needed))


def platform_key_required(blueprint: Blueprint, needed: ApiScope) -> None:
    """Let only requests with a key of the platform that has the scope into a blueprint.

    The blueprint is declared for the platform's host alone. Before anything is read of the body, as
    `key_required`. Refuses a reseller's key, which looks like none here (requirement A4).
    """
    blueprint.before_request(partial(_require_platform_key, needed))


def key_of_site_required(blueprint: Blueprint, needed: ApiScope) -> None:
    """Let a reseller's key in on her sites and the platform's key on its own host.

    Each as `key_required` and `platform_key_required` do, for addresses that exist on both.
    """
    blueprint.before_request(partial(_require_key_of_site, needed))


def _require_key_of_site(needed: ApiScope) -> None:
    if is_platform_site():
        _require_platform_key(needed)
    else:
        _require_key(needed)


def _require_key(needed: ApiScope) -> None:
    secret, scope = _secret(), current_scope()
    if secret is None:
        raise ApiKeyRefusedError
    with transaction(scope, sole=True) as session:
        holder = find_api_key(session, scope, secret=secret)
    if holder is None:
        raise ApiKeyRefusedError
    count_by_own_key()
    current_edge().key_uses.note(holder.id, of=scope)
    holder.require(needed)


def _require_platform_key(needed: ApiScope) -> None:
    secret, scope = _secret(), current_platform_scope()
    if secret is None:
        raise PlatformKeyRefusedError
    with transaction(scope, sole=True) as session:
        holder = find_platform_api_key(session, scope, secret=secret)
    if holder is None:
        raise PlatformKeyRefusedError
    count_by_own_key()
    current_edge().key_uses.note(holder.id, of=scope)
    holder.require(needed)


def _secret() -> str | None:
    header = request.headers.get("Authorization", "")
    return header.removeprefix(_SCHEME) if header.startswith(_SCHEME) else None
