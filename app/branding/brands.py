"""What is published: the brand of now, and every version that was published before."""

from dataclasses import replace

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app import audit, identity
from app.branding.assets import copy_pictures, require_pictures
from app.branding.errors import BrandVersionNotFoundError
from app.branding.looks import BrandLook, look_of, values_of
from app.branding.models import Brand, BrandVersion
from app.tenancy import TenantScope


def save_brand(
    session: Session,
    scope: TenantScope,
    *,
    look: BrandLook,
    actor: audit.Actor = audit.SYSTEM,
    restores: int | None = None,
) -> int:
    """Publish how the tenant's site looks from now on; the platform is a tenant here too.

    Returns the number of the new version, which stays in the history. Refuses a picture that the
    tenant does not have. Web processes must be told after the commit (`BrandDirectory.forget`).
    """
    require_pictures(session, scope, look)
    values = values_of(look)
    number = session.scalar(
        insert(Brand)
        .values(reseller_id=scope.reseller_id, version=1, **values)
        .on_conflict_do_update(
            index_elements=["reseller_id"], set_={**values, "version": Brand.version + 1}
        )
        .returning(Brand.version)
    )
    # The row above is locked: two who publish at once get two numbers.
    version = BrandVersion(
        reseller_id=scope.reseller_id,
        number=number or 1,
        look=values,
        realm=actor.realm,
        actor_id=actor.id,
        restores=restores,
    )
    _write_down(session, version, actor)
    return version.number


def _write_down(session: Session, version: BrandVersion, actor: audit.Actor) -> None:
    session.add(version)
    session.flush()
    audit.record(
        session,
        version.reseller_id,
        actor=actor,
        action="branding.brand_saved",
        subject_id=version.reseller_id,
        facts={"version": version.number, "restores": version.restores},
    )


def restore_version(
    session: Session, scope: TenantScope, *, number: int, actor: audit.Actor
) -> int:
    """Publish an earlier version again, as a new one; the draft stays as it is.

    Refuses everybody but an owner, and a number that there is not.
    """
    identity.require_staff_owner(session, scope, actor=actor)
    version = session.get(BrandVersion, (scope.reseller_id, number))
    if version is None:
        raise BrandVersionNotFoundError
    return save_brand(session, scope, look=look_of(version.look), actor=actor, restores=number)


def inherit_brand(
    session: Session,
    above: TenantScope,
    below: TenantScope,
    *,
    look: BrandLook,
    name: str,
    actor: audit.Actor = audit.SYSTEM,
) -> int:
    """Publish the look of a tenant for another one below it, under that one's own name.

    Its pictures are copied; what calls the upper tenant by name (greeting, sender, card
    statement) is left out. Both scopes must be the platform's.
    """
    copy_pictures(session, above, below, look)
    own = replace(look, name=name, greeting="", sender_name="", statement_suffix="")
    return save_brand(session, below, look=own, actor=actor)
