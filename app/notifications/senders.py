"""In whose name a message is written: brand, addresses and the domain it is sent from."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urljoin
from uuid import UUID

from sqlalchemy.orm import Session

from app.branding import BrandLook, find_brand, plain_brand
from app.identity import Realm
from app.notifications.ports import Post, Signature
from app.notifications.sending_domains import signature_of
from app.tenancy import TenantNotFoundError, TenantScope, canonical_host, find_tenant

_HOMES = {Realm.CUSTOMER: "", Realm.STAFF: "/reseller", Realm.PLATFORM: "/admin"}


@dataclass(frozen=True, slots=True)
class Sender:
    """A tenant as its messages show it; every address in them begins with `origin` (rule R18)."""

    look: BrandLook
    origin: str
    signature: Signature | None = None

    @property
    def display_name(self) -> str:
        """What stands before the address in From."""
        return self.look.sender_name or self.look.name

    @property
    def reply_to(self) -> str:
        """Where an answer goes; empty where nobody reads one."""
        return self.look.reply_to or self.look.support_email

    def legal_link(self, page: str) -> str:
        """Return where imprint, privacy notice or terms are; empty where there are none."""
        return self.absolute(self.look.legal_link(page))

    def place(self, realm: Realm, path: str) -> str:
        """Return the address of a page in the portal of a realm."""
        return f"{self.origin}{_HOMES[realm]}{path}"

    def absolute(self, url: str) -> str:
        """Return an address of the brand that may leave out the host."""
        return urljoin(f"{self.origin}/", url) if url else ""


def read_sender(
    session: Session, scope: TenantScope, post: Post, *, look: BrandLook | None = None
) -> Sender:
    """Return the tenant as a sender; `look` shows it in a brand that is not published yet."""
    origin = read_origin(session, scope, post, tenant_id=scope.reseller_id)
    if look is None:
        look = find_brand(session, scope)
    if look is None:
        tenant = find_tenant(session, scope, tenant_id=scope.reseller_id)
        if tenant is None:
            raise TenantNotFoundError(tenant=str(scope.reseller_id))
        look = plain_brand(tenant.name)
    return Sender(look, origin, signature_of(session, scope))


def read_origin(session: Session, scope: TenantScope, post: Post, *, tenant_id: UUID) -> str:
    """Return where a tenant's site is, by the database alone (rule R18)."""
    host = canonical_host(session, scope, tenant_id=tenant_id, platform_domain=post.platform_domain)
    return post.address(host)
