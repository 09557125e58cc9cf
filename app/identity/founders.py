"""The first owner of a reseller that somebody signed up for: her password came before the site."""

from sqlalchemy import insert
from sqlalchemy.orm import Session

from app import audit
from app.identity.accounts import OWNER_ROLE
from app.identity.models import Realm, StaffUser
from app.identity.passwords import hash_password
from app.identity.rules import normalise_email, require_name
from app.kernel import new_id
from app.tenancy import PlatformScope, TenantScope


def founder_password(password: str) -> str:
    """Return what is kept of a founder's password until her site exists; refuses a weak one."""
    return hash_password(password)


def add_founder(
    session: Session,
    scope: PlatformScope,
    *,
    reseller: TenantScope,
    email: str,
    name: str,
    password_hash: str,
) -> StaffUser:
    """Make the first owner of a new reseller, with a password that `founder_password` kept.

    Refuses a bad address or name. The reseller is new: nobody has her address there.
    """
    user = session.scalars(
        insert(StaffUser)
        .values(
            reseller_id=reseller.reseller_id,
            id=new_id(),
            email=normalise_email(email),
            name=require_name(name),
            password_hash=password_hash,
            role=OWNER_ROLE,
        )
        .returning(StaffUser)
    ).one()
    audit.record(
        session,
        reseller.reseller_id,
        actor=audit.Actor(Realm.STAFF.value, user.id),
        action="identity.user_added",
        subject_id=user.id,
        facts={"realm": Realm.STAFF.value},
    )
    return user
