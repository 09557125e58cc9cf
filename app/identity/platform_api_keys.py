"""Keys of the platform for the API on its own host: its meters post for every reseller (C12)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import audit
from app.identity.api_keys import ApiScope, new_secret, require_held, require_known_scopes
from app.identity.errors import ApiKeyNotFoundError
from app.identity.models import PlatformApiKey
from app.identity.rules import token_id
from app.kernel import alone, cursor, new_id
from app.tenancy import PLATFORM_ID, PlatformScope

PLATFORM_SECRET_START = "kp_"  # noqa: S105 - tells a key from other secrets, hides nothing

_FIND = b"""
SELECT id, scopes FROM platform_api_keys WHERE secret_hash = %s AND revoked_at IS NULL
"""

_NOTE_USES = b"""
UPDATE platform_api_keys k SET last_used_at = noted.at
  FROM (SELECT k.id, used.at
          FROM unnest(%s::uuid[], %s::timestamptz[]) AS used (id, at)
          JOIN platform_api_keys k ON k.id = used.id
         WHERE k.last_used_at IS NULL OR k.last_used_at <= used.at - interval '1 minute'
         ORDER BY k.id FOR UPDATE OF k) noted
 WHERE k.id = noted.id
"""


@dataclass(frozen=True, slots=True)
class PlatformApiKeyHolder:
    """The valid key of a request to the platform's own host."""

    id: UUID
    scopes: frozenset[str]

    def require(self, scope: ApiScope) -> None:
        """Refuse where the key lacks the scope."""
        require_held(self.scopes, scope)


def make_platform_api_key(
    session: Session,
    scope: PlatformScope,
    *,
    name: str,
    scopes: Collection[str],
    actor: audit.Actor = audit.SYSTEM,
) -> tuple[PlatformApiKey, str]:
    """Make a key; return it with its secret, which nothing shows again. Refuses unknown scopes."""
    require_known_scopes(scopes)
    secret, prefix = new_secret(PLATFORM_SECRET_START)
    key = PlatformApiKey(
        id=new_id(),
        name=name,
        prefix=prefix,
        secret_hash=token_id(secret),
        scopes=sorted(set(scopes)),
    )
    session.add(key)
    session.flush()
    audit.record(
        session,
        PLATFORM_ID,
        actor=actor,
        action="identity.api_key_made",
        subject_id=key.id,
        facts={"scopes": " ".join(key.scopes)},
    )
    return key, secret


def find_platform_api_key(
    session: Session, scope: PlatformScope, *, secret: str
) -> PlatformApiKeyHolder | None:
    """Return the holder of a living key of the platform; a reseller's key is none."""
    row = alone(session, _FIND, [token_id(secret)])
    return None if row is None else PlatformApiKeyHolder(row[0], frozenset(row[1]))


def note_platform_key_uses(
    session: Session, scope: PlatformScope, *, uses: Mapping[UUID, datetime]
) -> None:
    """Write down when keys of the platform were last used, each at most once a minute."""
    cursor(session).execute(_NOTE_USES, [list(uses), list(uses.values())])


def list_platform_api_keys(session: Session, scope: PlatformScope) -> Sequence[PlatformApiKey]:
    """Return the platform's API keys, newest first, the revoked ones too."""
    return session.scalars(select(PlatformApiKey).order_by(PlatformApiKey.id.desc())).all()


def revoke_platform_api_key(
    session: Session,
    scope: PlatformScope,
    *,
    key_id: UUID,
    now: datetime,
    actor: audit.Actor = audit.SYSTEM,
) -> None:
    """End a key for good; safe to repeat. Refuses an unknown one."""
    key = session.scalar(
        select(PlatformApiKey).where(PlatformApiKey.id == key_id).with_for_update()
    )
    if key is None:
        raise ApiKeyNotFoundError(key=str(key_id))
    if key.revoked_at is None:
        key.revoked_at = now
        audit.record(
            session,
            PLATFORM_ID,
            actor=actor,
            action="identity.api_key_revoked",
            subject_id=key.id,
        )
