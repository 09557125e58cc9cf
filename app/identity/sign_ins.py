"""The first step into a realm: address and password."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app.identity.challenges import open_challenge
from app.identity.errors import SignInRefusedError
from app.identity.models import Realm
from app.identity.passwords import hash_password, is_outdated, is_password
from app.identity.people import AnyUser, SignInScope, find_user, locked_user
from app.identity.second_factors import has_second_factor
from app.identity.second_step_rules import Stage, next_stage
from app.identity.security_notes import note
from app.identity.sessions import SESSION_LIFETIME, open_session
from app.identity.sign_in_policies import is_second_factor_demanded


@dataclass(frozen=True, slots=True)
class SignInStep:
    """Where a right password leads: `token` is a session's, or one that waits for the next step."""

    stage: Stage
    token: str


def sign_in(
    session: Session,
    scope: SignInScope,
    *,
    realm: Realm,
    email: str,
    password: str,
    host: str,
    now: datetime,
    agent: str = "",
    browser: str = "",
    lifetime: timedelta = SESSION_LIFETIME,
) -> SignInStep:
    """Open a session, or a challenge where the person has a second factor or must set one up.

    Both are bound to realm, tenant and host. Refuses an unknown address and a wrong password with
    the same answer in the same time.
    """
    user = _whose_password(session, scope, realm, email, password)
    stage = next_stage(
        has_factor=has_second_factor(session, scope, realm=realm, user_id=user.id),
        is_demanded=is_second_factor_demanded(session, scope, realm=realm),
    )
    if stage is not Stage.SIGNED_IN:
        note(session, scope, "password_accepted", realm=realm, user_id=user.id)
        waiting = open_challenge(
            session, scope, realm=realm, user_id=user.id, host=host, stage=stage, now=now
        )
        return SignInStep(stage, waiting)
    token = open_session(
        session, scope, realm=realm, user=user, host=host, now=now,
        agent=agent, browser=browser, lifetime=lifetime,
    )  # fmt: skip
    return SignInStep(stage, token)


def _whose_password(
    session: Session, scope: SignInScope, realm: Realm, email: str, password: str
) -> AnyUser:
    """Return the user whom address and password name, locked; refuse everybody else."""
    user = find_user(session, scope, realm=realm, email=email)
    stored = user.password_hash if user else None
    if not is_password(stored, password) or user is None or stored is None:
        raise SignInRefusedError
    # Read again under the lock: whoever changes the password ends the sessions that there are, and
    # one that began with the old password a moment later would stay.
    user = locked_user(session, scope, realm=realm, user_id=user.id)
    if user is None or not _is_still(user.password_hash, stored, password):
        raise SignInRefusedError
    if is_outdated(stored):
        user.password_hash = hash_password(password)
    return user


def _is_still(present: str | None, stored: str, password: str) -> bool:
    """Return whether a password is right of which a moment ago the hash was `stored`."""
    return present == stored or is_password(present, password)
