"""A person's second factor: an authenticator app (RFC 6238) and codes for when it is lost."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or
from sqlalchemy.orm import Session

from app import audit
from app.identity.models import Realm
from app.identity.passwords import is_password
from app.identity.people import SignInScope, book_of, lock_user
from app.identity.ports import SecretBox
from app.identity.rules import token_id
from app.identity.second_step_errors import (
    SecondFactorDemandedError,
    SecondFactorOffError,
    SecondFactorOnError,
    WrongCodeError,
    WrongPasswordError,
)
from app.identity.second_step_rules import (
    RECOVERY_BYTES,
    RECOVERY_CODES,
    SECRET_BYTES,
    as_code,
    locked_until,
    matching_step,
    recovery_hash,
    recovery_text,
)
from app.identity.security_notes import SecurityFact, note, tell
from app.identity.sign_in_models import RecoveryCode, SecondFactor
from app.identity.sign_in_policies import is_second_factor_demanded


class CodeAnswer(Enum):
    """What became of a typed code."""

    RIGHT = auto()
    WRONG = auto()
    LOCKED = auto()


@dataclass(frozen=True, slots=True)
class FactorState:
    """What a person's settings say of her second factor; `since` is None while it is off."""

    since: datetime | None
    codes_left: int
    is_demanded: bool


def second_factor_state(
    session: Session, scope: SignInScope, *, realm: Realm, user_id: UUID
) -> FactorState:
    """Return whether a person's second factor is on, and how many recovery codes are left."""
    found = session.get(SecondFactor, (book_of(scope), realm.value, user_id))
    left = session.scalar(
        select(func.count())
        .select_from(RecoveryCode)
        .where(*_codes(scope, realm, user_id), RecoveryCode.used_at.is_(None))
    )
    return FactorState(
        since=None if found is None else found.confirmed_at,
        codes_left=left or 0,
        is_demanded=is_second_factor_demanded(session, scope, realm=realm),
    )


def require_own_password(
    session: Session, scope: SignInScope, *, realm: Realm, user_id: UUID, password: str
) -> None:
    """Refuse whoever cannot say the password of the person she is signed in as."""
    user = lock_user(session, scope, realm=realm, user_id=user_id)
    if not is_password(user.password_hash, password):
        raise WrongPasswordError(field="password")


def begin_second_factor(
    session: Session,
    scope: SignInScope,
    *,
    realm: Realm,
    user_id: UUID,
    token: str,
    box: SecretBox,
) -> bytes:
    """Make a key for a person's app and return it; it counts for nothing until a code confirms it.

    `token` is that of the session, or the waiting sign-in, that asks: it alone sees the key again
    and confirms it. A key that was begun before is replaced. Refuses where the second factor is on.
    """
    secret = secrets.token_bytes(SECRET_BYTES)
    begun = insert_or(SecondFactor).values(
        reseller_id=book_of(scope),
        realm=realm.value,
        user_id=user_id,
        sealed_secret=box.seal(secret, about=_about(scope, realm, user_id)),
        begun_by=token_id(token),
    )
    kept = session.scalar(
        begun.on_conflict_do_update(
            index_elements=["reseller_id", "realm", "user_id"],
            set_={
                "sealed_secret": begun.excluded.sealed_secret,
                "begun_by": begun.excluded.begun_by,
            },
            where=SecondFactor.confirmed_at.is_(None),
        ).returning(SecondFactor.user_id)
    )
    if kept is None:
        raise SecondFactorOnError
    return secret


def begun_secret(
    session: Session,
    scope: SignInScope,
    *,
    realm: Realm,
    user_id: UUID,
    token: str,
    box: SecretBox,
) -> bytes | None:
    """Return the key that this sign-in has begun and not confirmed; None where there is none."""
    found = session.get(SecondFactor, (book_of(scope), realm.value, user_id))
    if found is None or found.begun_by != token_id(token):
        return None
    return box.open(found.sealed_secret, about=_about(scope, realm, user_id))


def confirm_second_factor(
    session: Session,
    scope: SignInScope,
    *,
    realm: Realm,
    user_id: UUID,
    token: str,
    code: str,
    box: SecretBox,
    now: datetime,
) -> list[str]:
    """Turn a second factor on by its first code; return ten recovery codes, shown this once.

    Refuses a wrong code, where it is on already, and where this sign-in has begun none.
    """
    factor = _locked(session, scope, realm, user_id)
    if factor is not None and factor.confirmed_at is not None:
        raise SecondFactorOnError
    if factor is None or factor.begun_by != token_id(token):
        raise SecondFactorOffError
    secret = box.open(factor.sealed_secret, about=_about(scope, realm, user_id))
    if secret is None:
        raise SecondFactorOffError
    step = matching_step(secret, as_code(code) or "", now=now, last_step=0)
    if step is None:
        raise WrongCodeError(field="code")
    factor.last_step, factor.confirmed_at, factor.begun_by = step, now, None
    session.flush()
    note(session, scope, "second_factor_on", realm=realm, user_id=user_id)
    tell(session, scope, realm=realm, user_id=user_id, what=SecurityFact.SECOND_FACTOR_ON)
    return _new_codes(session, scope, realm, user_id)


def cancel_second_factor(
    session: Session, scope: SignInScope, *, realm: Realm, user_id: UUID
) -> None:
    """Forget a key that was begun and not confirmed; safe to repeat."""
    session.execute(
        delete(SecondFactor).where(
            *_factor(scope, realm, user_id), SecondFactor.confirmed_at.is_(None)
        )
    )


def turn_off_second_factor(
    session: Session, scope: SignInScope, *, realm: Realm, user_id: UUID, password: str
) -> None:
    """Turn a person's second factor off; her recovery codes end with it.

    Refuses a wrong password, one that is not on, and where the policy demands one.
    """
    require_own_password(session, scope, realm=realm, user_id=user_id, password=password)
    if is_second_factor_demanded(session, scope, realm=realm):
        raise SecondFactorDemandedError
    reset_second_factor(session, scope, realm=realm, user_id=user_id)


def reset_second_factor(
    session: Session,
    scope: SignInScope,
    *,
    realm: Realm,
    user_id: UUID,
    actor: audit.Actor | None = None,
) -> None:
    """Take the second factor of a person who is locked out away; refuses where it is off."""
    factor = _locked(session, scope, realm, user_id)
    if factor is None or factor.confirmed_at is None:
        raise SecondFactorOffError
    forget_second_factor(session, scope, realm=realm, user_id=user_id)
    note(session, scope, "second_factor_off", realm=realm, user_id=user_id, actor=actor)
    tell(session, scope, realm=realm, user_id=user_id, what=SecurityFact.SECOND_FACTOR_OFF)


def forget_second_factor(
    session: Session, scope: SignInScope, *, realm: Realm, user_id: UUID
) -> None:
    """Delete key and recovery codes, of somebody whose account ends for instance."""
    session.execute(delete(SecondFactor).where(*_factor(scope, realm, user_id)))
    session.execute(delete(RecoveryCode).where(*_codes(scope, realm, user_id)))


def renew_recovery_codes(
    session: Session, scope: SignInScope, *, realm: Realm, user_id: UUID, password: str
) -> list[str]:
    """Replace a person's recovery codes; return the new ten, shown this once.

    Refuses a wrong password, and where the second factor is off.
    """
    require_own_password(session, scope, realm=realm, user_id=user_id, password=password)
    factor = _locked(session, scope, realm, user_id)
    if factor is None or factor.confirmed_at is None:
        raise SecondFactorOffError
    note(session, scope, "recovery_codes_renewed", realm=realm, user_id=user_id)
    tell(session, scope, realm=realm, user_id=user_id, what=SecurityFact.RECOVERY_CODES_RENEWED)
    return _new_codes(session, scope, realm, user_id)


def use_code(
    session: Session,
    scope: SignInScope,
    *,
    realm: Realm,
    user_id: UUID,
    code: str,
    box: SecretBox,
    now: datetime,
) -> CodeAnswer:
    """Say whether a typed code is right, and use it up: a code of the app, else for recovery.

    Two at once with the same code queue here, and one of them is wrong. Never raises for a wrong
    code: the caller's transaction must keep its count.
    """
    factor = _locked(session, scope, realm, user_id)
    if factor is None or factor.confirmed_at is None:
        return CodeAnswer.WRONG
    digits = as_code(code)
    if digits is None:
        return _use_recovery_code(session, scope, factor, code=code, now=now)
    if factor.locked_until is not None and factor.locked_until > now:
        return CodeAnswer.LOCKED
    secret = box.open(factor.sealed_secret, about=_about(scope, realm, user_id))
    step = None
    if secret is not None:
        step = matching_step(secret, digits, now=now, last_step=factor.last_step)
    if step is None:
        factor.wrong_codes += 1
        factor.locked_until = locked_until(factor.wrong_codes, now=now)
        session.flush()
        return CodeAnswer.WRONG
    factor.last_step, factor.wrong_codes, factor.locked_until = step, 0, None
    session.flush()
    return CodeAnswer.RIGHT


def has_second_factor(session: Session, scope: SignInScope, *, realm: Realm, user_id: UUID) -> bool:
    """Return whether a person's second factor is on."""
    found = session.get(SecondFactor, (book_of(scope), realm.value, user_id))
    return found is not None and found.confirmed_at is not None


def _use_recovery_code(
    session: Session,
    scope: SignInScope,
    factor: SecondFactor,
    *,
    code: str,
    now: datetime,
) -> CodeAnswer:
    realm = Realm(factor.realm)
    used = session.scalar(
        update(RecoveryCode)
        .where(
            *_codes(scope, realm, factor.user_id),
            RecoveryCode.code_hash == recovery_hash(factor.user_id, code),
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=now)
        .returning(RecoveryCode.user_id)
    )
    if used is None:
        return CodeAnswer.WRONG
    factor.wrong_codes, factor.locked_until = 0, None
    session.flush()
    note(session, scope, "recovery_code_used", realm=realm, user_id=used)
    tell(session, scope, realm=realm, user_id=used, what=SecurityFact.RECOVERY_CODE_USED)
    return CodeAnswer.RIGHT


def _new_codes(session: Session, scope: SignInScope, realm: Realm, user_id: UUID) -> list[str]:
    session.execute(delete(RecoveryCode).where(*_codes(scope, realm, user_id)))
    codes = [recovery_text(secrets.token_bytes(RECOVERY_BYTES)) for _ in range(RECOVERY_CODES)]
    whose = {"reseller_id": book_of(scope), "realm": realm.value, "user_id": user_id}
    session.execute(
        insert(RecoveryCode),
        [{**whose, "code_hash": recovery_hash(user_id, code)} for code in codes],
    )
    return codes


def _locked(
    session: Session, scope: SignInScope, realm: Realm, user_id: UUID
) -> SecondFactor | None:
    return session.scalar(
        select(SecondFactor)
        .where(*_factor(scope, realm, user_id))
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def _factor(scope: SignInScope, realm: Realm, user_id: UUID) -> list[ColumnElement[bool]]:
    return [
        SecondFactor.reseller_id == book_of(scope),
        SecondFactor.realm == realm.value,
        SecondFactor.user_id == user_id,
    ]


def _codes(scope: SignInScope, realm: Realm, user_id: UUID) -> list[ColumnElement[bool]]:
    return [
        RecoveryCode.reseller_id == book_of(scope),
        RecoveryCode.realm == realm.value,
        RecoveryCode.user_id == user_id,
    ]


def _about(scope: SignInScope, realm: Realm, user_id: UUID) -> bytes:
    """Return whose a sealed key is: in another's row it does not open."""
    return f"second factor|{book_of(scope)}|{realm.value}|{user_id}".encode()
