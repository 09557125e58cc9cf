from app import tenancy
from app.edge import current_edge
from app.kernel import transaction
from app.tenancy import PlatformScope, Tenant

_PLATFORM = PlatformScope()


def forget_hosts(tenant: Tenant) -> None:
    """Have every process look up all hosts of a reseller again; after the commit (rule R7)."""
    edge = current_edge()
    with transaction(_PLATFORM) as session:
        hosts = tenancy.hosts_of(
            session, _PLATFORM, tenant=tenant, platform_domain=edge.options.platform_domain
        )
    for host in hosts:
        edge.sites.forget(host)
