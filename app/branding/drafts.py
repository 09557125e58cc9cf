"""The draft of a brand: saved as often as one likes, published or discarded once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import cast, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app import audit, identity
from app.branding.assets import require_pictures
from app.branding.brands import save_brand
from app.branding.errors import DraftChangedError, NoDraftError
from app.branding.looks import BrandLook, look_of, values_of
from app.branding.models import Brand, BrandDraft
from app.branding.turns import take_turn
from app.tenancy import TenantScope

# Microseconds of the clock: a later draft never has the revision of one that is gone.
_FIRST_REVISION = cast(
    func.extract("epoch", func.clock_timestamp()) * 1_000_000, BrandDraft.revision.type
)


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody works on; `revision` grows with every save and is never used again."""

    look: BrandLook
    revision: int
    saved_at: datetime
    realm: str
    actor_id: UUID | None


def find_draft(session: Session, scope: TenantScope) -> Draft | None:
    """Return the draft of the tenant's brand, None where nobody works on one."""
    found = session.get(BrandDraft, scope.reseller_id)
    if found is None:
        return None
    return Draft(look_of(found.look), found.revision, found.saved_at, found.realm, found.actor_id)


def save_draft(
    session: Session,
    scope: TenantScope,
    *,
    look: BrandLook,
    seen: int | None = None,
    actor: audit.Actor,
) -> int:
    """Keep a look as the draft and return its revision; nobody else sees it yet.

    `seen`: the revision that the person had before her, without a draft the number of the version
    that was published (0 for none); None replaces whatever there is. Refuses everybody but an
    owner, where either changed meanwhile, and a picture of nobody's.
    """
    identity.require_staff_owner(session, scope, actor=actor)
    _require_unchanged(session, scope, seen)
    require_pictures(session, scope, look)
    values: Mapping[str, Any] = {
        "look": values_of(look),
        "realm": actor.realm,
        "actor_id": actor.id,
        "saved_at": func.now(),
    }
    revision = session.scalar(
        insert(BrandDraft)
        .values(reseller_id=scope.reseller_id, revision=_FIRST_REVISION, **values)
        .on_conflict_do_update(
            index_elements=["reseller_id"], set_={**values, "revision": BrandDraft.revision + 1}
        )
        .returning(BrandDraft.revision)
    )
    return revision or 0


def discard_draft(session: Session, scope: TenantScope, *, actor: audit.Actor) -> None:
    """Throw the draft away; what is published stays. Refuses everybody but an owner."""
    identity.require_staff_owner(session, scope, actor=actor)
    take_turn(session, scope)
    _remove(session, scope)
    audit.record(
        session,
        scope.reseller_id,
        actor=actor,
        action="branding.draft_discarded",
        subject_id=scope.reseller_id,
    )


def publish_draft(
    session: Session, scope: TenantScope, *, seen: int | None = None, actor: audit.Actor
) -> int:
    """Publish the draft and return the number of the version that it became.

    Refuses everybody but an owner, where there is no draft, and a draft that changed since
    revision `seen` (None: whatever it is).
    """
    identity.require_staff_owner(session, scope, actor=actor)
    _require_unchanged(session, scope, seen)
    draft = find_draft(session, scope)
    if draft is None:
        raise NoDraftError
    number = save_brand(session, scope, look=draft.look, actor=actor)
    _remove(session, scope)
    return number


def _require_unchanged(session: Session, scope: TenantScope, seen: int | None) -> None:
    take_turn(session, scope)  # so that what was checked still holds when it is written
    of_draft = select(BrandDraft.revision).where(BrandDraft.reseller_id == scope.reseller_id)
    of_brand = select(Brand.version).where(Brand.reseller_id == scope.reseller_id)
    current = session.scalar(of_draft) or session.scalar(of_brand) or 0
    if seen is not None and current != seen:
        raise DraftChangedError


def _remove(session: Session, scope: TenantScope) -> None:
    removed = session.execute(
        delete(BrandDraft)
        .where(BrandDraft.reseller_id == scope.reseller_id)
        .returning(BrandDraft.revision)
    ).all()
    if not removed:
        raise NoDraftError
