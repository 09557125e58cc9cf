import re

import idna

from app.tenancy.errors import InvalidHostError, SlugRefusedError

MAXIMUM_HOST_LENGTH = 253
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{1,38}[a-z0-9])")
_PORT = re.compile(r":[0-9]{1,5}$")
_ADDRESS = re.compile(r"[0-9.]+")

# A reseller with one of these names could pass for the platform or a service of it (rule R3).
RESERVED_SLUGS = frozenset(
    {
        "account", "admin", "api", "app", "assets", "billing", "checkout", "docs", "dns", "ftp",
        "help", "imap", "kontor", "mail", "mx", "ns", "ns1", "ns2", "pay", "platform", "pop",
        "portal", "secure", "smtp", "static", "status", "support", "test", "webmail", "www",
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
