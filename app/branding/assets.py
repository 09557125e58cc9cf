"""Pictures of a brand as they are kept: under tenant and hash, never changed (rule R21)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app import audit, identity
from app.branding.errors import BrandRefusedError, TooManyPicturesError
from app.branding.looks import BrandLook
from app.branding.models import Brand, BrandAsset, BrandDraft, BrandVersion
from app.branding.pictures import PictureSet
from app.branding.turns import take_turn
from app.tenancy import TenantScope

MOST_UNUSED = 50
_UNUSED_LIFE = timedelta(days=1)
_PATH = re.compile(r"/brand/(?P<hash>[0-9a-f]{32})/(?P<name>[a-z0-9.-]{1,40})")
_FIELDS = ("logo_url", "favicon_url")


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is served."""

    media_type: str
    content: bytes


def keep_pictures(
    session: Session, scope: TenantScope, *, made: PictureSet, now: datetime, actor: audit.Actor
) -> str:
    """Keep what was made of an upload and return the path that a brand names.

    The same upload is kept once. What no brand, draft or version names is forgotten after a day.
    Refuses everybody but an owner, and more than 50 uploads that nothing names.
    """
    identity.require_staff_owner(session, scope, actor=actor)
    take_turn(session, scope)  # nobody names a picture that is being forgotten
    _forget_unused(session, scope, before=now - _UNUSED_LIFE)
    if _count_unused(session, scope) >= MOST_UNUSED:
        raise TooManyPicturesError
    rows = [
        {
            "reseller_id": scope.reseller_id,
            "hash": made.hash,
            "name": each.name,
            "media_type": each.media_type,
            "content": each.content,
            "created_at": now,
        }
        for each in made.pictures
    ]
    stored = session.execute(
        insert(BrandAsset).on_conflict_do_nothing().returning(BrandAsset.name), rows
    ).all()
    if stored:
        audit.record(
            session,
            scope.reseller_id,
            actor=actor,
            action="branding.picture_added",
            subject_id=scope.reseller_id,
            facts={"hash": made.hash},
        )
    return made.url


def find_asset(session: Session, scope: TenantScope, *, hash_: str, name: str) -> Asset | None:
    """Return a file of the tenant's own; another tenant's does not exist here (rule R21)."""
    if not _PATH.fullmatch(f"/brand/{hash_}/{name}"):
        return None
    row = session.execute(
        select(BrandAsset.media_type, BrandAsset.content).where(
            BrandAsset.reseller_id == scope.reseller_id,
            BrandAsset.hash == hash_,
            BrandAsset.name == name,
        )
    ).one_or_none()
    return None if row is None else Asset(row.media_type, row.content)


def require_pictures(session: Session, scope: TenantScope, look: BrandLook) -> None:
    """Refuse a look that names a picture which the tenant does not have."""
    for field, hash_, name in _named(look):
        if find_asset(session, scope, hash_=hash_, name=name) is None:
            raise BrandRefusedError(field=field)


def copy_pictures(
    session: Session, source: TenantScope, target: TenantScope, look: BrandLook
) -> None:
    """Give another tenant the pictures that a look names; the platform's sign-in sees both."""
    hashes = [hash_ for _, hash_, _ in _named(look)]
    found = session.scalars(
        select(BrandAsset).where(
            BrandAsset.reseller_id == source.reseller_id, BrandAsset.hash.in_(hashes)
        )
    ).all()
    for each in found:
        session.execute(
            insert(BrandAsset)
            .values(
                reseller_id=target.reseller_id,
                hash=each.hash,
                name=each.name,
                media_type=each.media_type,
                content=each.content,
            )
            .on_conflict_do_nothing()
        )


def _named(look: BrandLook) -> Iterator[tuple[str, str, str]]:
    """Yield field, hash and name of every uploaded picture of a look."""
    for field in _FIELDS:
        url: str = getattr(look, field)
        found = _PATH.fullmatch(url)
        if found:
            yield field, found["hash"], found["name"]
        elif url.startswith("/brand/"):
            raise BrandRefusedError(field=field)


def _forget_unused(session: Session, scope: TenantScope, *, before: datetime) -> None:
    session.execute(
        delete(BrandAsset).where(
            BrandAsset.reseller_id == scope.reseller_id,
            BrandAsset.created_at < before,
            BrandAsset.hash.not_in(_used_hashes(session, scope)),
        )
    )


def _count_unused(session: Session, scope: TenantScope) -> int:
    counted = session.scalar(
        select(func.count(func.distinct(BrandAsset.hash))).where(
            BrandAsset.reseller_id == scope.reseller_id,
            BrandAsset.hash.not_in(_used_hashes(session, scope)),
        )
    )
    return counted or 0


def _used_hashes(session: Session, scope: TenantScope) -> list[str]:
    """Return the hashes that the brand, its draft or one of its versions names."""
    mine = scope.reseller_id
    urls: list[str] = []
    for kept in (BrandVersion, BrandDraft):
        for field in _FIELDS:
            urls += session.scalars(
                select(kept.look[field].astext).where(kept.reseller_id == mine).distinct()
            )
    for column in (Brand.logo_url, Brand.favicon_url):
        urls += session.scalars(select(column).where(Brand.reseller_id == mine))
    return [found["hash"] for url in urls if url and (found := _PATH.fullmatch(url))]
