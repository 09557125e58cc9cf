from uuid import UUID

from app.kernel import transaction
from app.tenancy import (
    PLATFORM_ID,
    Host,
    PlatformScope,
    Tenant,
    TenantScope,
    add_host,
    add_reseller,
    found_platform,
)
from tests.factories.names import unique

PLATFORM_DOMAIN = "kontor.test"


def a_platform() -> Tenant:
    with transaction(PlatformScope()) as session:
        return found_platform(session, PlatformScope(), name="Kontor")


def a_reseller(
    slug: str | None = None, *, name: str = "Nordlicht Telefonie", parent_id: UUID = PLATFORM_ID
) -> Tenant:
    """A reseller under the platform (made first if there is none) or another reseller."""
    a_platform()
    with transaction(PlatformScope()) as session:
        return add_reseller(
            session,
            PlatformScope(),
            slug=slug or unique("reseller"),
            name=name,
            parent_id=parent_id,
        )


def a_custom_host(
    reseller: Tenant, host: str | None = None, *, platform_domain: str = PLATFORM_DOMAIN
) -> Host:
    """A custom domain of the reseller that resolves."""
    with transaction(PlatformScope()) as session:
        return add_host(
            session,
            PlatformScope(),
            tenant_id=reseller.id,
            host=host or f"{unique('portal')}.example",
            platform_domain=platform_domain,
        )


def scope_of(reseller: Tenant) -> TenantScope:
    return TenantScope(reseller.id)
