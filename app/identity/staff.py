"""A reseller's team, and the platform's: who is in it, what each may do, who goes."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import audit, kernel
from app.identity.accounts import require_staff_owner
from app.identity.errors import CustomerUserNotFoundError, LastOwnerError
from app.identity.models import PlatformUser, Realm, StaffRole, StaffUser
from app.identity.own_accounts import forget_sign_ins
from app.identity.own_sessions import end_sessions
from app.tenancy import PLATFORM_ID, PlatformScope, TenantScope


def list_staff_users(session: Session, scope: TenantScope) -> Sequence[StaffUser]:
    """Return who works for a reseller, in order of age, the invited ones too."""
    return session.scalars(
        select(StaffUser).where(StaffUser.reseller_id == scope.reseller_id).order_by(StaffUser.id)
    ).all()


def change_staff_role(
    session: Session,
    scope: TenantScope,
    *,
    user_id: UUID,
    role: StaffRole,
    actor: audit.Actor = audit.SYSTEM,
) -> StaffUser:
    """Let a member of the staff work on something else; she signs in anew (R12). Safe to repeat.

    Refuses everybody but owners, another reseller's staff, and to take the last owner's role.
    """
    user = _locked_member(session, scope, user_id, actor)
    if user.role == role.value:
        return user
    _require_another_owner(session, scope, user)
    user.role = role.value
    session.flush()
    end_sessions(session, scope, realm=Realm.STAFF, user_id=user_id, now=kernel.now())
    audit.record(
        session,
        scope.reseller_id,
        actor=actor,
        action="identity.user_role_changed",
        subject_id=user_id,
        facts={"realm": Realm.STAFF.value, "role": role.value},
    )
    return user


def remove_staff_user(
    session: Session, scope: TenantScope, *, user_id: UUID, actor: audit.Actor = audit.SYSTEM
) -> None:
    """Take a person's sign-in, or her invitation, away and end her sessions.

    Refuses everybody but owners, another reseller's staff, and the last owner.
    """
    user = _locked_member(session, scope, user_id, actor)
    _require_another_owner(session, scope, user)
    forget_sign_ins(session, scope, realm=Realm.STAFF, user_id=user_id)
    session.delete(user)
    session.flush()
    audit.record(
        session,
        scope.reseller_id,
        actor=actor,
        action="identity.user_removed",
        subject_id=user_id,
        facts={"realm": Realm.STAFF.value},
    )


def list_platform_users(session: Session, scope: PlatformScope) -> Sequence[PlatformUser]:
    """Return who runs the platform, in order of age, the invited ones too."""
    return session.scalars(select(PlatformUser).order_by(PlatformUser.id)).all()


def remove_platform_user(
    session: Session, scope: PlatformScope, *, user_id: UUID, actor: audit.Actor = audit.SYSTEM
) -> None:
    """Take an admin's sign-in, or her invitation, away and end her sessions.

    Refuses an unknown one, and the last who can sign in.
    """
    admins = {
        each.id: each
        for each in session.scalars(
            select(PlatformUser)
            .order_by(PlatformUser.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    }
    user = admins.pop(user_id, None)
    if user is None:
        raise CustomerUserNotFoundError(user=str(user_id))
    if user.has_joined and not any(each.has_joined for each in admins.values()):
        raise LastOwnerError
    forget_sign_ins(session, scope, realm=Realm.PLATFORM, user_id=user_id)
    session.delete(user)
    session.flush()
    audit.record(
        session,
        PLATFORM_ID,
        actor=actor,
        action="identity.user_removed",
        subject_id=user_id,
        facts={"realm": Realm.PLATFORM.value},
    )


def _locked_member(
    session: Session, scope: TenantScope, user_id: UUID, actor: audit.Actor
) -> StaffUser:
    """Return a member while nobody else changes the team: owners are counted next."""
    require_staff_owner(session, scope, actor=actor)
    # In the order of their ids, so that two owners who remove each other wait instead of dying.
    team = session.scalars(
        select(StaffUser)
        .where(StaffUser.reseller_id == scope.reseller_id)
        .order_by(StaffUser.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    # Asked again under the lock: the one who acts may have been removed while she waited.
    require_staff_owner(session, scope, actor=actor)
    found = [user for user in team if user.id == user_id]
    if not found:
        raise CustomerUserNotFoundError(user=str(user_id))
    return found[0]


def _require_another_owner(session: Session, scope: TenantScope, user: StaffUser) -> None:
    """Refuse to lose the last owner who can sign in; whoever never came was none."""
    if user.role != StaffRole.OWNER.value or not user.has_joined:
        return
    others = session.scalars(
        select(StaffUser).where(
            StaffUser.reseller_id == scope.reseller_id,
            StaffUser.role == StaffRole.OWNER.value,
            StaffUser.id != user.id,
        )
    )
    if not any(each.has_joined for each in others):
        raise LastOwnerError
