"""Rate limits (requirement L3), counted in Redis; in this process while Redis is away."""

from collections.abc import Callable
from functools import partial
from hashlib import blake2b
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Any

from flask import Flask, request, session
from flask_limiter import Limiter
from redis.backoff import NoBackoff
from redis.retry import Retry

from app.edge.browser_sessions import TOKEN_KEY, realm_of_path
from app.edge.declarations import all_of
from app.edge.memory import ShortMemory
from app.edge.options import Allowance, EdgeOptions
from app.edge.signed_in import ACCOUNT_PATHS, LOGOUT_PATHS
from app.edge.site_guard import site_or_none
from app.edge.state import current_edge
from app.identity import InvalidEmailError, normalise_email

_REDIS_SECONDS = 0.5
_KEY_SECONDS, _KEYS_KEPT = 600.0, 10_000
# The addresses one line or one server is given.
_IPV6_HOME = 64
# A body may carry very many events: so many bytes of it, about a hundred events, are a call.
_BYTES_OF_A_CALL = 16 * 1024
# To look at their pages costs nothing.
_OF_FORMS = frozenset({Allowance.SIGN_IN, Allowance.SIGN_UP})
# A body of unknown length, and one that is longer than any may be.
_MOST_CALLS = 256


def limit_requests(app: Flask, options: EdgeOptions) -> None:
    """Give the app its limiter; `limit_blueprints` says later what it limits."""
    address = options.redis_url
    if address.startswith("unix://"):
        address = f"redis+{address}"
    # The types of Flask-Limiter allow texts and numbers alone; it hands on what redis-py takes.
    of_redis: dict[str, Any] = {
        "socket_timeout": _REDIS_SECONDS,
        "socket_connect_timeout": _REDIS_SECONDS,
        "retry": Retry(NoBackoff(), 1),
    }
    limiter = Limiter(
        _by_address,
        storage_uri=address or "memory://",
        storage_options=of_redis if address else {},
        in_memory_fallback_enabled=True,
        swallow_errors=True,
        key_prefix="kontor",
    )
    limiter.init_app(app)


def limit_blueprints(app: Flask, options: EdgeOptions) -> None:
    """Apply what the registered blueprints declared."""
    (limiter,) = app.extensions["limiter"]
    for name, declaration in all_of(app).items():
        allowance = declaration.allowance
        if allowance is None:
            continue
        for key in _KEYS[allowance]:
            limit = limiter.shared_limit(
                options.allowances[allowance],
                scope=f"{allowance.value}:{key.__name__}",
                key_func=partial(_pseudonym, key),
                methods=["POST"] if allowance in _OF_FORMS else None,
                exempt_when=_is_signing_out if allowance is Allowance.SIGN_IN else None,
                cost=_calls if allowance is Allowance.API else 1,
            )
            limit(app.blueprints[name])


def accepted_keys() -> ShortMemory[str, bool]:
    """Return a memory for API keys that were accepted lately."""
    return ShortMemory(size=_KEYS_KEPT, seconds=_KEY_SECONDS)


def count_by_own_key() -> None:
    """Count the key of this request for itself from now on; call it where it was found valid."""
    current_edge().accepted_keys.put(_authorization(), True)


def _calls() -> int:
    """Return as how many calls of the API a request counts."""
    if "chunked" in request.headers.get("Transfer-Encoding", "").lower():
        return _MOST_CALLS
    return min(_MOST_CALLS, 1 + (request.content_length or 0) // _BYTES_OF_A_CALL)


def _is_signing_out() -> bool:
    return request.path in LOGOUT_PATHS.values()


def _by_address() -> str:
    try:
        address = ip_address(request.remote_addr or "")
    except ValueError:
        return "socket"
    if not isinstance(address, IPv6Address):
        return str(address)
    # Whoever has one IPv6 address has 2^64 of them.
    return str(address.ipv4_mapped or IPv6Network((int(address), _IPV6_HOME), strict=False))


def _by_address_and_site() -> str:
    site = site_or_none()
    return f"{_by_address()}|{site.tenant_id if site else ''}"


def _by_account() -> str:
    if request.path in ACCOUNT_PATHS.values():
        # Her own page asks for her password again: whoever took her session may try it from many
        # addresses, and the form says nothing of whose it is.
        return _by_user()
    try:
        account = normalise_email(request.form.get("email", ""))
    except InvalidEmailError:
        account = ""
    site = site_or_none()
    account = account or _by_address()
    return f"{account}|{realm_of_path(request.path).value}|{site.tenant_id if site else ''}"


def _by_user() -> str:
    return str(session.get(TOKEN_KEY) or _by_address_and_site())


def _by_key() -> str:
    # Until a key was accepted its sender's address counts, else every invented one were free.
    key = _authorization()
    return key if current_edge().accepted_keys.get(key) else _by_address_and_site()


def _authorization() -> str:
    return request.headers.get("Authorization", "")


def _pseudonym(key: Callable[[], str]) -> str:
    # Keys lie in Redis and in Flask-Limiter's log: neither address nor secret may be read there.
    secret = current_edge().options.secret_key.encode()
    hashed = blake2b(key().encode("utf-8", "replace"), key=secret[:64], digest_size=16)
    return hashed.hexdigest()


_KEYS: dict[Allowance, list[Callable[[], str]]] = {
    Allowance.SIGN_IN: [_by_address_and_site, _by_account],
    Allowance.BILLING: [_by_user],
    Allowance.WEBHOOK: [_by_address],
    Allowance.API: [_by_key],
    Allowance.SIGN_UP: [_by_address],
    Allowance.NAME_CHECK: [_by_address],
}
