"""The tree of platform and resellers, the hosts their sites answer to, and `TenantScope`."""

from app.tenancy.errors import (
    HostTakenError,
    InvalidHostError,
    SlugRefusedError,
    SlugTakenError,
    TenantNotFoundError,
)
from app.tenancy.models import Host, HostState, Tenant, TenantKind, TenantState
from app.tenancy.queries import (
    Site,
    canonical_host,
    custom_hosts,
    find_site,
    find_tenant,
    get_active_reseller,
    get_path,
    get_reseller,
    list_chain,
    list_resellers,
    list_sub_resellers,
)
from app.tenancy.rules import normalise_host, require_slug
from app.tenancy.scopes import PlatformScope, PublicScope, TenantScope
from app.tenancy.tenants import PLATFORM_ID, add_host, add_reseller, found_platform

__all__ = [
    "PLATFORM_ID",
    "Host",
    "HostState",
    "HostTakenError",
    "InvalidHostError",
    "PlatformScope",
    "PublicScope",
    "Site",
    "SlugRefusedError",
    "SlugTakenError",
    "Tenant",
    "TenantKind",
    "TenantNotFoundError",
    "TenantScope",
    "TenantState",
    "add_host",
    "add_reseller",
    "canonical_host",
    "custom_hosts",
    "find_site",
    "find_tenant",
    "found_platform",
    "get_active_reseller",
    "get_path",
    "get_reseller",
    "list_chain",
    "list_resellers",
    "list_sub_resellers",
    "normalise_host",
    "require_slug",
]
