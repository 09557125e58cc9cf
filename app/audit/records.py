from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from psycopg.types.json import Jsonb
from sqlalchemy.orm import Session

from app.kernel import append, new_id

# What a fact may be: ids and words of ours. Names, addresses and numbers of people have no type
# of their own, so the rule stands here: never pass what a person typed.
Fact = str | int | bool | None


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a realm of sign-in (`customer`, `staff`, `platform`, `api`) and an id in it."""

    realm: str
    id: UUID | None


# An operator at the command line, a job, the demo.
SYSTEM = Actor("system", None)


def record(
    session: Session,
    reseller_id: UUID,
    *,
    actor: Actor,
    action: str,
    subject_id: UUID | None = None,
    facts: Mapping[str, Fact] | None = None,
) -> None:
    """Write down one act in the caller's transaction; it is sent together with COMMIT."""
    append(
        session,
        "INSERT INTO audit_records"
        " (reseller_id, id, realm, actor_id, action, subject_id, facts)"
        " VALUES (%(reseller_id)s, %(id)s, %(realm)s, %(actor_id)s, %(action)s,"
        " %(subject_id)s, %(facts)s)",
        {
            "reseller_id": reseller_id,
            "id": new_id(),
            "realm": actor.realm,
            "actor_id": actor.id,
            "action": action,
            "subject_id": subject_id,
            "facts": Jsonb(dict(facts or {})),
        },
    )
