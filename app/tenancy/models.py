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
    """On trial a site works within limits; suspended or refused, it is closed to visitors."""

    TRIAL = "trial"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    REFUSED = "refused"


class StateCause(Enum):
    """Why a reseller came to be as it is."""

    OPENED = "opened"
    TRIAL_BEGUN = "trial_begun"
    APPROVED = "approved"
    REFUSED = "refused"
    TRIAL_EXPIRED = "trial_expired"
    SUSPENDED = "suspended"
    RESUMED = "resumed"


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
    # The slug as an eye reads it, so that no other one passes for it.
    skeleton: Mapped[str] = mapped_column(index=True)
    # What it may do on trial, as it was agreed when the trial began; kept after it.
    trial_ends_at: Mapped[datetime | None]
    trial_customers: Mapped[int | None]
    trial_top_up_minor: Mapped[int | None]


class StateChange(Base):
    """How a reseller came from one state to the next; its staff may read why."""

    __tablename__ = "reseller_state_changes"

    reseller_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    cause: Mapped[str]
    before: Mapped[str]
    after: Mapped[str]
    note: Mapped[str]
    at: Mapped[datetime]


class Host(Base):
    """A custom domain of a tenant, stored as its normalised A-label."""

    __tablename__ = "hosts"

    host: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"), index=True)
    state: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
