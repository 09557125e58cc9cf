from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.branding.models import Brand
from app.tenancy import PLATFORM_ID, PlatformScope


def theme_counts(session: Session, scope: PlatformScope) -> dict[str, int]:
    """Return how many resellers chose each theme, by its name; the platform itself wears none."""
    rows = session.execute(
        select(Brand.theme, func.count())
        .where(Brand.reseller_id != PLATFORM_ID)
        .group_by(Brand.theme)
    )
    return {theme: count for theme, count in rows}  # noqa: C416 - a row is no pair to mypy
