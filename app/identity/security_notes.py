"""What a change of somebody's way in leaves behind: a line of the audit trail and an event."""

from enum import Enum
from uuid import UUID

from sqlalchemy.orm import Session

from app import audit
from app.identity.events import SecurityChanged
from app.identity.models import Realm
from app.identity.people import SignInScope, book_of
from app.kernel import emit


class SecurityFact(Enum):
    """What a person is told about her own account."""

    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a word, no password
    SECOND_FACTOR_ON = "second_factor_on"
    SECOND_FACTOR_OFF = "second_factor_off"
    RECOVERY_CODE_USED = "recovery_code_used"
    NEW_DEVICE = "new_device"
    SESSIONS_ENDED = "sessions_ended"
    RECOVERY_CODES_RENEWED = "recovery_codes_renewed"


def tell(
    session: Session, scope: SignInScope, *, realm: Realm, user_id: UUID, what: SecurityFact
) -> None:
    """Emit that something about a person's way in changed; who listens writes to her."""
    emit(session, book_of(scope), SecurityChanged(realm.value, user_id, what.value))


def note(
    session: Session,
    scope: SignInScope,
    action: str,
    *,
    realm: Realm,
    user_id: UUID,
    actor: audit.Actor | None = None,
    **facts: audit.Fact,
) -> None:
    """Write down what was done about a person's way in; without `actor`, by herself."""
    audit.record(
        session,
        book_of(scope),
        actor=actor or audit.Actor(realm.value, user_id),
        action=f"identity.{action}",
        subject_id=user_id,
        facts={"realm": realm.value, **facts},
    )
