from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from app.kernel import Event


@dataclass(frozen=True)
class LinkMade(Event):
    """A link waits to be sent to a person; the row of the link says whom and what for."""

    kind: ClassVar[str] = "link_made"
    link_id: UUID


@dataclass(frozen=True)
class SecurityChanged(Event):
    """Something about a person's way in changed; `what` is a `SecurityFact`'s value."""

    kind: ClassVar[str] = "security_changed"
    realm: str
    user_id: UUID
    what: str
