from uuid import UUID

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
