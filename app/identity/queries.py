from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.identity.models import ApiKey, Customer, StaffUser
from app.tenancy import TenantScope


def list_customers(session: Session, scope: TenantScope, *, limit: int = 100) -> Sequence[Customer]:
    """Return the reseller's customers, newest first."""
    return session.scalars(
        select(Customer)
        .where(Customer.reseller_id == scope.reseller_id)
        .order_by(Customer.id.desc())
        .limit(limit)
    ).all()


def list_api_keys(session: Session, scope: TenantScope) -> Sequence[ApiKey]:
    """Return the reseller's API keys, newest first, the revoked ones too."""
    return session.scalars(
        select(ApiKey).where(ApiKey.reseller_id == scope.reseller_id).order_by(ApiKey.id.desc())
    ).all()


def customer_names(
    session: Session, scope: TenantScope, customer_ids: Collection[UUID]
) -> dict[UUID, str]:
    """Return what these customers are called; another reseller's are left out."""
    rows = session.execute(
        select(Customer.id, Customer.name).where(
            Customer.reseller_id == scope.reseller_id, Customer.id.in_(customer_ids)
        )
    )
    return {row.id: row.name for row in rows}


def staff_names(
    session: Session, scope: TenantScope, user_ids: Collection[UUID]
) -> dict[UUID, str]:
    """Return what these members of the reseller's staff are called; others are left out."""
    rows = session.execute(
        select(StaffUser.id, StaffUser.name).where(
            StaffUser.reseller_id == scope.reseller_id, StaffUser.id.in_(user_ids)
        )
    )
    return {row.id: row.name for row in rows}
