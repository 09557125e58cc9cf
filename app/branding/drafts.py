"""The draft of a brand: saved as often as one likes, published or discarded once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app import audit, identity
from app.branding.assets import require_pictures
from app.branding.brands import save_brand
from app.branding.errors import DraftChangedError, NoDraftError
from app.branding.looks import BrandLook, look_of, values_of
from app.branding.models import BrandDraft
from app.tenancy import TenantScope


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody works on; `revision` grows with every save."""

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

    `seen`: the revision that the person had before her (0 for none); None replaces whatever there
    is. Refuses everybody but an owner, a draft that changed meanwhile, a picture of nobody's.
    """
    identity.require_staff_owner(session, scope, actor=actor)
    require_pictures(session, scope, look)
    _require_unchanged(session, scope, seen)
    values: Mapping[str, Any] = {
        "look": values_of(look),
        "realm": actor.realm,
        "actor_id": actor.id,
        "saved_at": func.now(),
    }
    revision = session.scalar(
        insert(BrandDraft)
        .values(reseller_id=scope.reseller_id, revision=1, **values)
        .on_conflict_do_update(
            index_elements=["reseller_id"], set_={**values, "revision": BrandDraft.revision + 1}
        )
        .returning(BrandDraft.revision)
    )
    return revision or 1


def discard_draft(session: Session, scope: TenantScope, *, actor: audit.Actor) -> None:
    """Throw the draft away; what is published stays. Refuses everybody but an owner."""
    identity.require_staff_owner(session, scope, actor=actor)
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
    # Locked, so that what was checked still holds when it is written.
    revision = session.scalar(
        select(BrandDraft.revision)
        .where(BrandDraft.reseller_id == scope.reseller_id)
        .with_for_update()
    )
    if seen is not None and (revision or 0) != seen:
        raise DraftChangedError


def _remove(session: Session, scope: TenantScope) -> None:
    removed = session.execute(
        delete(BrandDraft)
        .where(BrandDraft.reseller_id == scope.reseller_id)
        .returning(BrandDraft.revision)
    ).all()
    if not removed:
        raise NoDraftError
