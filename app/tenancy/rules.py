import re
from collections.abc import Mapping

import idna

from app.tenancy.errors import InvalidHostError, SlugRefusedError, StateMoveRefusedError
from app.tenancy.models import StateCause, TenantState

MAXIMUM_HOST_LENGTH = 253
MINIMUM_SLUG_LENGTH, MAXIMUM_SLUG_LENGTH = 3, 40
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{1,38}[a-z0-9])")
_PORT = re.compile(r":[0-9]{1,5}$")
_ADDRESS = re.compile(r"[0-9.]+")

# From which states a cause leads to which; what is not listed is refused. What is resumed goes back
# to where it came from.
_MOVES: Mapping[StateCause, tuple[frozenset[TenantState], TenantState]] = {
    StateCause.APPROVED: (
        frozenset({TenantState.TRIAL, TenantState.SUSPENDED, TenantState.REFUSED}),
        TenantState.ACTIVE,
    ),
    StateCause.REFUSED: (
        frozenset({TenantState.TRIAL, TenantState.SUSPENDED}),
        TenantState.REFUSED,
    ),
    StateCause.TRIAL_EXPIRED: (frozenset({TenantState.TRIAL}), TenantState.SUSPENDED),
    StateCause.SUSPENDED: (
        frozenset({TenantState.TRIAL, TenantState.ACTIVE}),
        TenantState.SUSPENDED,
    ),
}
# Nobody but staff enters these sites.
CLOSED = frozenset({TenantState.SUSPENDED, TenantState.REFUSED})

# A reseller with one of these names could pass for the platform or a service of it (rule R3).
RESERVED_SLUGS = frozenset(
    {
        "abuse", "account", "admin", "api", "app", "assets", "billing", "checkout", "dns", "docs",
        "ftp", "help", "hostmaster", "imap", "kontor", "login", "mail", "mx", "ns", "ns1", "ns2",
        "pay", "platform", "pop", "portal", "postmaster", "root", "secure", "security", "signup",
        "smtp", "static", "status", "support", "test", "webmail", "webmaster", "www",
    }
)  # fmt: skip


def normalise_host(raw: str) -> str:
    """Return the A-label form of a `Host` header: lower case, no port, no trailing dot.

    Refuses what is no host name: empty, user names, spaces, paths, bad labels (guide rule R2).
    Numeric addresses pass: they are valid and simply belong to nobody.
    """
    host = _PORT.sub("", raw.strip(" \t")).removesuffix(".")
    if not host or len(host) > MAXIMUM_HOST_LENGTH or not host.isprintable():
        raise InvalidHostError
    if _ADDRESS.fullmatch(host):
        return host
    try:
        # The package, not Python's own codec: that one turns straße into strasse (guide, 3.1).
        label = idna.encode(host, uts46=True, std3_rules=True).decode("ascii")
    except idna.IDNAError as refused:
        raise InvalidHostError from refused
    return label.lower()


def slug_of_subdomain(host: str, platform_domain: str) -> str | None:
    """Return the slug when `host` is exactly one label in front of the platform's domain.

    Refuses a host that carries the platform's domain anywhere else (guide rules R3, R4).
    """
    suffix = f".{platform_domain}"
    if host == platform_domain:
        return None
    if host.endswith(suffix):
        label = host.removesuffix(suffix)
        return label if _SLUG.fullmatch(label) and label not in RESERVED_SLUGS else None
    if f".{platform_domain}." in f".{host}.":
        raise InvalidHostError
    return None


def require_slug(slug: str) -> str:
    """Return `slug` if a reseller may be called so; refuse a malformed or reserved one."""
    if not _SLUG.fullmatch(slug) or slug in RESERVED_SLUGS or "--" in slug:
        raise SlugRefusedError(slug=slug[:40])
    return slug


def move(current: TenantState, cause: StateCause, *, came_from: TenantState) -> TenantState:
    """Return the state that a cause leads to; refuses what does not follow from the present one.

    `came_from` is where the present state was entered from: what is resumed goes back there.
    """
    if cause is StateCause.RESUMED:
        if current is not TenantState.SUSPENDED or came_from in CLOSED:
            raise StateMoveRefusedError(state=current.value)
        return came_from
    allowed, target = _MOVES.get(cause, (frozenset(), current))
    if current not in allowed:
        raise StateMoveRefusedError(state=current.value)
    return target
