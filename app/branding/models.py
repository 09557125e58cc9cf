from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel import Base


class Brand(Base):
    """How a tenant's site looks and is called; the platform has one too."""

    __tablename__ = "brands"

    reseller_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    theme: Mapped[str]
    language: Mapped[str]
    accent: Mapped[str]
    surface: Mapped[str]
    radius: Mapped[str]
    density: Mapped[str]
    mode: Mapped[str]
    logo_url: Mapped[str]
    favicon_url: Mapped[str]
    support_email: Mapped[str]
    support_phone: Mapped[str]
    imprint_url: Mapped[str]
    privacy_url: Mapped[str]
    terms_url: Mapped[str]
    font: Mapped[str]
    greeting: Mapped[str]
    sender_name: Mapped[str]
    reply_to: Mapped[str]
    statement_suffix: Mapped[str]
    imprint_text: Mapped[str]
    privacy_text: Mapped[str]
    terms_text: Mapped[str]
    theme_options: Mapped[dict[str, Any]] = mapped_column(JSONB)
    version: Mapped[int]


class BrandDraft(Base):
    """What somebody works on; nobody but the reseller's staff sees it."""

    __tablename__ = "brand_drafts"

    reseller_id: Mapped[UUID] = mapped_column(primary_key=True)
    look: Mapped[dict[str, Any]] = mapped_column(JSONB)
    revision: Mapped[int]
    realm: Mapped[str]
    actor_id: Mapped[UUID | None]
    saved_at: Mapped[datetime] = mapped_column(server_default=func.now())


class BrandVersion(Base):
    """What was published once, by whom, when; never changed. `restores` is an older number."""

    __tablename__ = "brand_versions"

    reseller_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    look: Mapped[dict[str, Any]] = mapped_column(JSONB)
    realm: Mapped[str]
    actor_id: Mapped[UUID | None]
    restores: Mapped[int | None]
    published_at: Mapped[datetime] = mapped_column(server_default=func.now())


class BrandAsset(Base):
    """One file of a picture; all files that were made of one upload share its hash (rule R21)."""

    __tablename__ = "brand_assets"

    reseller_id: Mapped[UUID] = mapped_column(primary_key=True)
    hash: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    media_type: Mapped[str]
    content: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
