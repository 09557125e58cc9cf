from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.branding.looks import MAXIMUM_TEXT_LENGTH, BrandLook, look_of
from app.branding.models import Brand, BrandVersion
from app.branding.rules import BrandTokens
from app.tenancy import TenantScope

# What a tenant looks like until it has a brand of its own.
PLAIN_TOKENS = BrandTokens(accent="#2f3e5c", surface="#f6f7f9")
_NOT_OF_THE_LOOK = {"reseller_id", "version"}


@dataclass(frozen=True, slots=True)
class PublishedVersion:
    """One line of the history: `restores` is the older version that it brought back."""

    number: int
    look: BrandLook
    published_at: datetime
    realm: str
    actor_id: UUID | None
    restores: int | None


def find_brand(session: Session, scope: TenantScope) -> BrandLook | None:
    """Return how the tenant's site looks; None where nobody has said so yet."""
    brand = session.get(Brand, scope.reseller_id)
    if brand is None:
        return None
    columns = (column.key for column in Brand.__table__.columns)
    return look_of({name: getattr(brand, name) for name in columns if name not in _NOT_OF_THE_LOOK})


def list_versions(
    session: Session, scope: TenantScope, *, limit: int = 50
) -> Sequence[PublishedVersion]:
    """Return what was published, newest first; the first one is what the site shows."""
    rows = session.scalars(
        select(BrandVersion)
        .where(BrandVersion.reseller_id == scope.reseller_id)
        .order_by(BrandVersion.number.desc())
        .limit(limit)
    )
    return [
        PublishedVersion(
            row.number, look_of(row.look), row.published_at, row.realm, row.actor_id, row.restores
        )
        for row in rows
    ]


def plain_brand(name: str) -> BrandLook:
    """Return the look of a tenant without a brand of its own, whatever its name is made of."""
    shown = "".join(letter for letter in name if letter.isprintable()).strip()
    return BrandLook(name=shown[:MAXIMUM_TEXT_LENGTH] or "\N{EN DASH}", tokens=PLAIN_TOKENS)
