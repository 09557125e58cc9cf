"""Keys of a reseller for the API: shown once, kept as SHA-256, worthless on another site."""

import secrets
from base64 import urlsafe_b64encode
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import audit
from app.identity.errors import (
    ApiKeyNotFoundError,
    ApiScopeMissingError,
    UnknownApiScopeError,
)
from app.identity.models import ApiKey
from app.identity.rules import token_id
from app.kernel import alone, cursor, new_id
from app.tenancy import TenantScope

SECRET_START = "kk_"  # noqa: S105 - tells a key from other secrets, hides nothing
SECRET_BYTES = 32
# As much of a secret as a list of keys shows: enough to tell keys apart, too little to use.
SHOWN_LENGTH = 6

# Asked for on every call of the API, so it goes to the driver as it is (decision 0005).
_FIND = b"SELECT id, scopes FROM api_key_holder(%s, %s)"

# In the order of their ids: two processes that note the same keys wait for each other.
_NOTE_USES = b"""
UPDATE api_keys k SET last_used_at = noted.at
  FROM (SELECT k.reseller_id, k.id, used.at
          FROM unnest(%s::uuid[], %s::timestamptz[]) AS used (id, at)
          JOIN api_keys k ON k.reseller_id = %s AND k.id = used.id
         WHERE k.last_used_at IS NULL OR k.last_used_at <= used.at - interval '1 minute'
         ORDER BY k.id FOR UPDATE OF k) noted
 WHERE k.reseller_id = noted.reseller_id AND k.id = noted.id
"""


class ApiScope(Enum):
    """What a key may do."""

    USAGE_WRITE = "usage:write"
    USAGE_READ = "usage:read"
    HOLDS_WRITE = "holds:write"
    BALANCE_READ = "balance:read"
    TRANSACTIONS_READ = "transactions:read"
    CUSTOMERS_READ = "customers:read"
    CUSTOMERS_WRITE = "customers:write"
    TOP_UPS_READ = "topups:read"
    TOP_UPS_WRITE = "topups:write"


@dataclass(frozen=True, slots=True)
class ApiKeyHolder:
    """The valid key of a request."""

    id: UUID
    reseller_id: UUID
    scopes: frozenset[str]

    def require(self, scope: ApiScope) -> None:
        """Refuse where the key lacks the scope."""
        require_held(self.scopes, scope)


def require_held(held: Collection[str], needed: ApiScope) -> None:
    """Refuse where the needed scope is not among those that a key holds."""
    if needed.value not in held:
        raise ApiScopeMissingError(scope=needed.value)


def require_known_scopes(scopes: Collection[str]) -> None:
    """Refuse scopes that do not exist, and none at all."""
    known = {each.value for each in ApiScope}
    if not scopes or not known.issuperset(scopes):
        raise UnknownApiScopeError(known=", ".join(sorted(known)))


def new_secret(start: str) -> tuple[str, str]:
    """Return a random secret that begins with `start`, and as much of it as a list may show."""
    random = urlsafe_b64encode(secrets.token_bytes(SECRET_BYTES)).rstrip(b"=").decode()
    secret = f"{start}{random}"
    return secret, secret[: len(start) + SHOWN_LENGTH]


def make_api_key(
    session: Session,
    scope: TenantScope,
    *,
    name: str,
    scopes: Collection[str],
    actor: audit.Actor = audit.SYSTEM,
) -> tuple[ApiKey, str]:
    """Make a key; return it with its secret, which nothing shows again. Refuses unknown scopes."""
    require_known_scopes(scopes)
    secret, prefix = new_secret(SECRET_START)
    key = ApiKey(
        reseller_id=scope.reseller_id,
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
        scope.reseller_id,
        actor=actor,
        action="identity.api_key_made",
        subject_id=key.id,
        facts={"scopes": " ".join(key.scopes)},
    )
    return key, secret


def find_api_key(session: Session, scope: TenantScope, *, secret: str) -> ApiKeyHolder | None:
    """Return the holder of a living key of this reseller."""
    row = alone(session, _FIND, [scope.reseller_id, token_id(secret)])
    return None if row is None else ApiKeyHolder(row[0], scope.reseller_id, frozenset(row[1]))


def note_key_uses(session: Session, scope: TenantScope, *, uses: Mapping[UUID, datetime]) -> None:
    """Write down when keys of this reseller were last used, each at most once a minute."""
    ids, times = list(uses), list(uses.values())
    cursor(session).execute(_NOTE_USES, [ids, times, scope.reseller_id])


def revoke_api_key(
    session: Session,
    scope: TenantScope,
    *,
    key_id: UUID,
    now: datetime,
    actor: audit.Actor = audit.SYSTEM,
) -> None:
    """End a key for good; safe to repeat. Absent and another reseller's look the same."""
    key = session.scalar(
        select(ApiKey)
        .where(ApiKey.reseller_id == scope.reseller_id, ApiKey.id == key_id)
        .with_for_update()
    )
    if key is None:
        raise ApiKeyNotFoundError(key=str(key_id))
    if key.revoked_at is None:
        key.revoked_at = now
        audit.record(
            session,
            scope.reseller_id,
            actor=actor,
            action="identity.api_key_revoked",
            subject_id=key.id,
        )
