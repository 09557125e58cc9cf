from dataclasses import dataclass
from uuid import UUID

from app.kernel import SignIn


@dataclass(frozen=True, slots=True)
class TenantScope:
    """Work inside one reseller: every row seen or written is that reseller's."""

    reseller_id: UUID
    sign_in: SignIn = SignIn.APPLICATION


@dataclass(frozen=True, slots=True)
class PublicScope:
    """Work before a tenant is known: reference tables only, no reseller's rows."""

    reseller_id: None = None
    sign_in: SignIn = SignIn.APPLICATION


@dataclass(frozen=True, slots=True)
class PlatformScope:
    """Work of the platform itself, over all resellers, by a database role of its own."""

    reseller_id: None = None
    sign_in: SignIn = SignIn.PLATFORM
