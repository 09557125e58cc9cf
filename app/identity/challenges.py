"""The second step of a sign-in: the password was right, a code is awaited.

What waits is a row of ours, bound to realm, tenant and host; the browser holds a random token.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from app.identity.models import Realm
from app.identity.people import SignInScope, book_of, lock_user
from app.identity.ports import SecretBox
from app.identity.rules import token_id
from app.identity.second_factors import (
    CodeAnswer,
    begin_second_factor,
    begun_secret,
    confirm_second_factor,
    use_code,
)
from app.identity.second_step_errors import (
    ChallengeOverError,
    CodesLockedError,
    SecondFactorOffError,
    SecondFactorOnError,
    WrongCodeError,
)
from app.identity.second_step_rules import CHALLENGE_LIFETIME, SETUP_LIFETIME, TRIES, Stage
from app.identity.sessions import SESSION_LIFETIME, TOKEN_BYTES, open_session
from app.identity.sign_in_models import SignInChallenge
from app.kernel import AppError


@dataclass(frozen=True, slots=True)
class SecondStep:
    """What became of the second step: a session's token, or why there is none.

    `codes` are recovery codes to show this once, where the second factor was set up on the way.
    """

    token: str | None = None
    refusal: AppError | None = None
    codes: Sequence[str] = field(default_factory=tuple)


def challenge_stage(
    session: Session, scope: SignInScope, *, realm: Realm, token: str, host: str, now: datetime
) -> Stage | None:
    """Return what a waiting sign-in of this realm, tenant and host needs; None: it is over."""
    found = _find(session, scope, realm=realm, token=token, host=host, now=now)
    return None if found is None else Stage(found.stage)


def challenge_secret(
    session: Session,
    scope: SignInScope,
    *,
    realm: Realm,
    token: str,
    host: str,
    box: SecretBox,
    now: datetime,
) -> tuple[bytes, str]:
    """Return the new key for the app of a person who must set one up to get in, and her address.

    Asked again it is the same key. Refuses a sign-in that is over or waits for a code.
    """
    found = _find(session, scope, realm=realm, token=token, host=host, now=now)
    if found is None or found.stage != Stage.SETUP.value:
        raise ChallengeOverError
    user = lock_user(session, scope, realm=realm, user_id=found.user_id)
    secret = begun_secret(session, scope, realm=realm, user_id=user.id, token=token, box=box)
    if secret is None:
        try:
            secret = begin_second_factor(
                session, scope, realm=realm, user_id=user.id, token=token, box=box
            )
        except SecondFactorOnError as on_meanwhile:
            raise ChallengeOverError from on_meanwhile
    return secret, user.email


def answer_challenge(
    session: Session,
    scope: SignInScope,
    *,
    realm: Realm,
    token: str,
    host: str,
    code: str,
    box: SecretBox,
    now: datetime,
    agent: str = "",
    browser: str = "",
    lifetime: timedelta = SESSION_LIFETIME,
) -> SecondStep:
    """Open the session if the code is right; a wrong one costs a try, the last one the sign-in.

    Nothing is raised for a refusal: the count of tries must be committed. Locks the person, then
    the challenge, then the second factor: whoever changes her ways in begins with her as well.
    """
    seen = _find(session, scope, realm=realm, token=token, host=host, now=now)
    if seen is None:
        return SecondStep(refusal=ChallengeOverError())
    user = lock_user(session, scope, realm=realm, user_id=seen.user_id)
    found = _find(session, scope, realm=realm, token=token, host=host, now=now, is_locked=True)
    if found is None:
        return SecondStep(refusal=ChallengeOverError())
    prove = _set_up if found.stage == Stage.SETUP.value else _check
    proof = prove(session, scope, found, token=token, code=code, box=box, now=now)
    if proof.refusal is not None:
        return proof
    end_challenges(session, scope, realm=realm, user_id=user.id)
    opened = open_session(
        session, scope, realm=realm, user=user, host=host, now=now,
        agent=agent, browser=browser, lifetime=lifetime,
    )  # fmt: skip
    return SecondStep(token=opened, codes=proof.codes)


def open_challenge(
    session: Session, scope: SignInScope, *, realm: Realm, user_id: UUID, host: str,
    stage: Stage, now: datetime,
) -> str:  # fmt: skip
    """Let a right password wait for its second step; return the token, which is kept nowhere."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    lifetime = SETUP_LIFETIME if stage is Stage.SETUP else CHALLENGE_LIFETIME
    session.execute(
        insert(SignInChallenge).values(
            reseller_id=book_of(scope),
            id=token_id(token),
            realm=realm.value,
            user_id=user_id,
            host=host,
            stage=stage.value,
            tries_left=TRIES,
            expires_at=now + lifetime,
        )
    )
    return token


def end_challenges(session: Session, scope: SignInScope, *, realm: Realm, user_id: UUID) -> None:
    """End every sign-in of a person that waits for its second step."""
    session.execute(
        delete(SignInChallenge).where(
            SignInChallenge.reseller_id == book_of(scope),
            SignInChallenge.realm == realm.value,
            SignInChallenge.user_id == user_id,
        )
    )


def _find(
    session: Session,
    scope: SignInScope,
    *,
    realm: Realm,
    token: str,
    host: str,
    now: datetime,
    is_locked: bool = False,
) -> SignInChallenge | None:
    sought = select(SignInChallenge).where(
        SignInChallenge.reseller_id == book_of(scope),
        SignInChallenge.id == token_id(token),
        SignInChallenge.realm == realm.value,
        SignInChallenge.host == host,
        SignInChallenge.expires_at > now,
    )
    if is_locked:
        sought = sought.with_for_update().execution_options(populate_existing=True)
    return session.scalar(sought)


def _set_up(
    session: Session,
    scope: SignInScope,
    found: SignInChallenge,
    *,
    token: str,
    code: str,
    box: SecretBox,
    now: datetime,
) -> SecondStep:
    """Turn on the second factor that this sign-in has begun; a wrong code costs no try."""
    try:
        codes = confirm_second_factor(
            session,
            scope,
            realm=Realm(found.realm),
            user_id=found.user_id,
            token=token,
            code=code,
            box=box,
            now=now,
        )
    except WrongCodeError as wrong:
        return SecondStep(refusal=wrong)
    except (SecondFactorOnError, SecondFactorOffError):
        # It was set up elsewhere meanwhile, or the key was never looked at.
        return SecondStep(refusal=ChallengeOverError())
    return SecondStep(codes=codes)


def _check(
    session: Session,
    scope: SignInScope,
    found: SignInChallenge,
    *,
    token: str,
    code: str,
    box: SecretBox,
    now: datetime,
) -> SecondStep:
    """Use up the code that was typed."""
    answer = use_code(
        session,
        scope,
        realm=Realm(found.realm),
        user_id=found.user_id,
        code=code,
        box=box,
        now=now,
    )
    return SecondStep(
        refusal=None if answer is CodeAnswer.RIGHT else _count(session, found, answer)
    )


def _count(session: Session, found: SignInChallenge, answer: CodeAnswer) -> AppError:
    """Take a try away and return the refusal; while codes are locked none is taken."""
    if answer is CodeAnswer.LOCKED:
        return CodesLockedError(field="code")
    found.tries_left -= 1
    if found.tries_left > 0:
        session.flush()
        return WrongCodeError(field="code")
    session.delete(found)
    session.flush()
    return ChallengeOverError()
