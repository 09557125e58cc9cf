from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.tenancy.errors import TenantNotFoundError, TrialNeedsApprovalError
from app.tenancy.models import Host, HostState, Tenant, TenantKind, TenantState
from app.tenancy.names import skeleton_of
from app.tenancy.rules import CLOSED, slug_of_subdomain
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
    state: TenantState = TenantState.ACTIVE
    trial_ends_at: datetime | None = None

    @property
    def is_closed(self) -> bool:
        """Whether nobody but staff may enter."""
        return self.state in CLOSED


def find_site(
    session: Session, scope: PublicScope, *, host: str, platform_domain: str
) -> Site | None:
    """Return the site a normalised host stands for; None for an unknown host or an inactive one.

    A suspended or refused reseller keeps its hosts: its site says that it is closed.
    At most one indexed query; none for a malformed subdomain. Refuses rule R4's look-alikes.
    """
    slug = slug_of_subdomain(host, platform_domain)
    query = select(Tenant)
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
    return Site(
        tenant.id,
        kind,
        tenant.slug,
        tenant.name,
        host,
        tuple(tenant.path),
        TenantState(tenant.state),
        tenant.trial_ends_at,
    )


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
    """Return a reseller by its id; refuses an unknown one, a closed one and the platform.

    One on trial is refused with what it lacks: approval.
    """
    tenant = session.scalar(
        select(Tenant).where(
            Tenant.id == reseller_id,
            Tenant.kind == TenantKind.RESELLER.value,
            Tenant.state.in_([TenantState.ACTIVE.value, TenantState.TRIAL.value]),
        )
    )
    if tenant is None:
        raise TenantNotFoundError(tenant=str(reseller_id))
    if tenant.state == TenantState.TRIAL.value:
        raise TrialNeedsApprovalError
    return tenant


def get_reseller(session: Session, scope: PlatformScope | PublicScope, *, slug: str) -> Tenant:
    """Return the reseller called `slug`; refuses an unknown one."""
    tenant = session.scalar(
        select(Tenant).where(Tenant.slug == slug, Tenant.kind == TenantKind.RESELLER.value)
    )
    if tenant is None:
        raise TenantNotFoundError(slug=slug[:40])
    return tenant


def is_slug_free(session: Session, scope: PlatformScope, *, slug: str) -> bool:
    """Return whether no tenant is called so, or so much alike that an eye mixes them up."""
    found = session.scalar(select(Tenant.id).where(Tenant.skeleton == skeleton_of(slug)).limit(1))
    return found is None


def hosts_of(
    session: Session, scope: PlatformScope, *, tenant: Tenant, platform_domain: str
) -> list[str]:
    """Return every host that a tenant's site answers to, the one below the platform's first."""
    own = custom_hosts(session, scope, tenant_id=tenant.id)
    return [f"{tenant.slug}.{platform_domain}", *own]


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
