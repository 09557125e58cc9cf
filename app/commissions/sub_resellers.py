"""Resellers that a reseller opens below itself (requirement A1)."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import audit, branding, identity, pricing, tenancy
from app.commissions.agreements import agree_commission
from app.commissions.errors import NoAgreementError
from app.commissions.models import CommissionTerm
from app.tenancy import (
    PLATFORM_ID,
    LookalikeError,
    PlatformScope,
    SlugTakenError,
    Tenant,
    TenantScope,
)


def open_sub_reseller(
    session: Session,
    scope: PlatformScope,
    *,
    parent_id: UUID,
    slug: str,
    name: str,
    commission_rate: Decimal,
    staff_email: str,
    staff_name: str,
    staff_password: str,
    now: datetime,
    actor: audit.Actor = audit.SYSTEM,
) -> Tenant:
    """Open a reseller below another one, ready to sell: all or nothing, in one transaction.

    It looks as the parent looks now, under its own name, sells from now on what the parent sells
    now, gets `commission_rate` (0 to 1 of the net price, paid out of the parent's share) and a
    first owner. Refuses: a parent that is no active reseller, an actor who is neither an owner of
    the parent's staff nor the platform, a slug that no stranger may choose or that looks like
    another's, a bad name, address or password, a parent without offer or agreement, and a rate
    above the parent's.
    """
    parent = tenancy.get_active_reseller(session, scope, reseller_id=parent_id)
    above = TenantScope(parent.id, scope.sign_in)
    identity.require_staff_owner(session, above, actor=actor)
    _require_name_of_its_own(session, scope, slug)
    tenant = tenancy.add_reseller(session, scope, slug=slug, name=name, parent_id=parent.id)
    # The platform's sign-in sees every tenant's rows, so one transaction holds them all.
    below = TenantScope(tenant.id, scope.sign_in)
    _dress(session, above, below, parent=parent, name=name, actor=actor)
    sold = pricing.sold_offer_id(session, above, at=now)
    pricing.sell_offer(session, scope, reseller_id=tenant.id, offer_id=sold, valid_from=now)
    _agree(session, scope, reseller_id=tenant.id, rate=commission_rate, now=now)
    identity.add_staff_user(
        session, below, email=staff_email, name=staff_name, password=staff_password, actor=actor
    )
    _record(session, parent, tenant, actor=actor)
    return tenant


def _require_name_of_its_own(session: Session, scope: PlatformScope, slug: str) -> None:
    """Refuse what a sign-up would be refused: whoever opens a reseller below hers is a stranger."""
    platform = tenancy.find_tenant(
        session, TenantScope(PLATFORM_ID, scope.sign_in), tenant_id=PLATFORM_ID
    )
    own = tenancy.slug_from(platform.name) if platform else ""
    tenancy.require_public_slug(slug, platform_names=frozenset({own} - {""}))
    if tenancy.is_slug_free(session, scope, slug=slug):
        return
    taken = session.scalar(select(Tenant.id).where(Tenant.slug == slug))
    raise SlugTakenError(slug=slug) if taken else LookalikeError


def _dress(
    session: Session,
    above: TenantScope,
    below: TenantScope,
    *,
    parent: Tenant,
    name: str,
    actor: audit.Actor,
) -> None:
    look = branding.find_brand(session, above) or branding.plain_brand(parent.name)
    branding.inherit_brand(session, above, below, look=look, name=name, actor=actor)


def _agree(
    session: Session, scope: PlatformScope, *, reseller_id: UUID, rate: Decimal, now: datetime
) -> None:
    """Agree the rate; refuse where it comes to nothing: somebody above has no agreement yet."""
    agree_commission(session, scope, reseller_id=reseller_id, rate=rate, valid_from=now)
    terms = select(CommissionTerm.reseller_id).where(
        CommissionTerm.reseller_id == reseller_id, CommissionTerm.valid_from == now
    )
    if session.scalar(terms.limit(1)) is None:
        raise NoAgreementError


def _record(session: Session, parent: Tenant, tenant: Tenant, *, actor: audit.Actor) -> None:
    """Write the act down in both books: each side finds it in its own."""
    for book in (parent.id, tenant.id):
        audit.record(
            session,
            book,
            actor=actor,
            action="commissions.sub_reseller_opened",
            subject_id=tenant.id,
            facts={"parent": str(parent.id)},
        )
