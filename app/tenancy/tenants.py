from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.kernel import derived_id, new_id
from app.tenancy.errors import (
    HostTakenError,
    InvalidHostError,
    SlugTakenError,
    TenantNotFoundError,
)
from app.tenancy.models import Host, HostState, Tenant, TenantKind, TenantState
from app.tenancy.names import skeleton_of
from app.tenancy.rules import normalise_host, require_slug
from app.tenancy.scopes import PlatformScope
from app.tenancy.trials import TrialTerms

# There is one platform in an installation; its id is the same everywhere, so that a process
# need not read it (decision 0003).
PLATFORM_ID = derived_id(UUID(int=0), "kontor:platform")


def found_platform(session: Session, scope: PlatformScope, *, name: str) -> Tenant:
    """Make the root of the tree, once; a second call returns it unchanged."""
    if found := session.get(Tenant, PLATFORM_ID):
        return found
    platform = Tenant(
        id=PLATFORM_ID,
        kind=TenantKind.PLATFORM.value,
        slug="platform",
        name=name,
        path=[],
        skeleton=skeleton_of("platform"),
    )
    session.add(platform)
    session.flush()
    return platform


def add_reseller(
    session: Session,
    scope: PlatformScope,
    *,
    slug: str,
    name: str,
    parent_id: UUID = PLATFORM_ID,
    trial: TrialTerms | None = None,
) -> Tenant:
    """Hang a reseller under the platform or another reseller; with terms, on trial.

    Refuses a malformed, reserved or taken slug and an unknown parent.
    """
    parent = session.get(Tenant, parent_id)
    if parent is None:
        raise TenantNotFoundError(tenant=str(parent_id))
    if session.scalar(select(Tenant.id).where(Tenant.slug == require_slug(slug))):
        raise SlugTakenError(slug=slug)
    identifier = new_id()
    reseller = Tenant(
        id=identifier,
        parent_id=parent.id,
        kind=TenantKind.RESELLER.value,
        slug=slug,
        name=name,
        path=[*parent.path, identifier],
        state=(TenantState.TRIAL if trial else TenantState.ACTIVE).value,
        skeleton=skeleton_of(slug),
        trial_ends_at=trial.ends_at if trial else None,
        trial_customers=trial.customers if trial else None,
        trial_top_up_minor=trial.top_up_minor if trial else None,
    )
    session.add(reseller)
    session.flush()
    return reseller


def add_host(
    session: Session, scope: PlatformScope, *, tenant_id: UUID, host: str, platform_domain: str
) -> Host:
    """Give a tenant a custom domain that resolves at once.

    Refuses an invalid or taken host and every host at or below the platform's own domain (R4).
    """
    name = normalise_host(host)
    if f".{platform_domain}." in f".{name}." or "." not in name:
        raise InvalidHostError(host=name)
    if session.get(Host, name) is not None:
        raise HostTakenError(host=name)
    row = Host(host=name, tenant_id=tenant_id, state=HostState.ACTIVE.value)
    session.add(row)
    session.flush()
    return row
