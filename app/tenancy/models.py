from datetime import datetime
from enum import Enum
from uuid import UUID

from sqlalchemy import ForeignKey, Index, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Uuid

from app.kernel import Base


class TenantKind(Enum):
    """The platform is the root of the tree; everything below it is a reseller."""

    PLATFORM = "platform"
    RESELLER = "reseller"


class TenantState(Enum):
    """Only an active tenant has a site."""

    ACTIVE = "active"
    SUSPENDED = "suspended"


class HostState(Enum):
    """Only an active host resolves (guide rule R6)."""

    PENDING = "pending"
    ACTIVE = "active"
    DETACHED = "detached"


class Tenant(Base):
    """The platform or a reseller. `path` runs from the topmost reseller to this one."""

    __tablename__ = "tenants"
    # Who is below a reseller, however deep.
    __table_args__ = (Index(None, "path", postgresql_using="gin"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("tenants.id"), index=True)
    kind: Mapped[str]
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    path: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()))
    state: Mapped[str] = mapped_column(server_default=TenantState.ACTIVE.value)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Host(Base):
    """A custom domain of a tenant, stored as its normalised A-label."""

    __tablename__ = "hosts"

    host: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"), index=True)
    state: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
