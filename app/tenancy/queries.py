from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.tenancy.errors import TenantNotFoundError
from app.tenancy.models import Host, HostState, Tenant, TenantKind, TenantState
from app.tenancy.rules import slug_of_subdomain
from app.tenancy.scopes import PlatformScope, PublicScope, TenantScope
from app.tenancy.tenants import PLATFORM_ID


@dataclass(frozen=True, slots=True)
class Site:
    """What a request's host stands for."""

    tenant_id: UUID
    kind: TenantKind
    slug: str
    name: str
    host: str
    path: tuple[UUID, ...]


def find_site(
    session: Session, scope: PublicScope, *, host: str, platform_domain: str
) -> Site | None:
    """Return the site a normalised host stands for; None for an unknown or inactive one.

    At most one indexed query; none for a malformed subdomain. Refuses rule R4's look-alikes.
    """
    slug = slug_of_subdomain(host, platform_domain)
    query = select(Tenant).where(Tenant.state == TenantState.ACTIVE.value)
    if host == platform_domain:
        query = query.where(Tenant.id == PLATFORM_ID)
    elif slug is not None:
        query = query.where(Tenant.slug == slug)
    elif host.endswith(f".{platform_domain}"):
        return None
    else:
        query = query.join(Host, Host.tenant_id == Tenant.id).where(
            Host.host == host, Host.state == HostState.ACTIVE.value
        )
    tenant = session.scalar(query)
    if tenant is None:
        return None
    kind = TenantKind(tenant.kind)
    return Site(tenant.id, kind, tenant.slug, tenant.name, host, tuple(tenant.path))


def list_resellers(session: Session, scope: PlatformScope) -> Sequence[Tenant]:
    """Return every reseller, each followed by those below it."""
    return session.scalars(
        select(Tenant).where(Tenant.kind == TenantKind.RESELLER.value).order_by(Tenant.path)
    ).all()


def list_sub_resellers(session: Session, scope: TenantScope) -> Sequence[Tenant]:
    """Return every reseller below the scope's own, however deep, each followed by those below it.

    Names and states alone: their customers are theirs, and row-level security keeps them so.
    """
    return session.scalars(
        select(Tenant)
        .where(Tenant.path.contains([scope.reseller_id]), Tenant.id != scope.reseller_id)
        .order_by(Tenant.path)
    ).all()


def get_active_reseller(session: Session, scope: PlatformScope, *, reseller_id: UUID) -> Tenant:
    """Return a reseller by its id; refuses an unknown one, a suspended one and the platform."""
    tenant = session.scalar(
        select(Tenant).where(
            Tenant.id == reseller_id,
            Tenant.kind == TenantKind.RESELLER.value,
            Tenant.state == TenantState.ACTIVE.value,
        )
    )
    if tenant is None:
        raise TenantNotFoundError(tenant=str(reseller_id))
    return tenant


def get_reseller(session: Session, scope: PlatformScope | PublicScope, *, slug: str) -> Tenant:
    """Return the reseller called `slug`; refuses an unknown one."""
    tenant = session.scalar(
        select(Tenant).where(Tenant.slug == slug, Tenant.kind == TenantKind.RESELLER.value)
    )
    if tenant is None:
        raise TenantNotFoundError(slug=slug[:40])
    return tenant


def custom_hosts(
    session: Session, scope: PlatformScope | PublicScope, *, tenant_id: UUID
) -> list[str]:
    """Return the active custom domains of a tenant, in order of age."""
    query = (
        select(Host.host)
        .where(Host.tenant_id == tenant_id, Host.state == HostState.ACTIVE.value)
        .order_by(Host.created_at, Host.host)
    )
    return list(session.scalars(query))


def find_tenant(session: Session, scope: TenantScope, *, tenant_id: UUID) -> Tenant | None:
    """Return a tenant by its id, the platform too; names and states are nobody's secret."""
    return session.get(Tenant, tenant_id)


def canonical_host(
    session: Session, scope: TenantScope, *, tenant_id: UUID, platform_domain: str
) -> str:
    """Return the host that addresses of a tenant's site name, by the database alone (rule R18).

    Its oldest active custom domain, else its subdomain. Refuses an unknown tenant.
    """
    if tenant_id == PLATFORM_ID:
        return platform_domain
    custom = custom_hosts(session, PublicScope(), tenant_id=tenant_id)
    if custom:
        return custom[0]
    tenant = find_tenant(session, scope, tenant_id=tenant_id)
    if tenant is None:
        raise TenantNotFoundError(tenant=str(tenant_id))
    return f"{tenant.slug}.{platform_domain}"


def list_chain(session: Session, scope: TenantScope) -> Sequence[Tenant]:
    """Return the resellers from the topmost down to the scope's own."""
    return session.scalars(
        select(Tenant)
        .where(Tenant.id.in_(get_path(session, scope)))
        .order_by(func.cardinality(Tenant.path))
    ).all()


def get_path(session: Session, scope: TenantScope) -> tuple[UUID, ...]:
    """Return the resellers from the topmost down to the scope's own."""
    path = session.scalar(select(Tenant.path).where(Tenant.id == scope.reseller_id))
    if path is None:
        raise TenantNotFoundError(tenant=str(scope.reseller_id))
    return tuple(path)
