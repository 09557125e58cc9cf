"""Mailed links as their readers get them: the newest one, delivered, with its token."""

from uuid import UUID

from sqlalchemy import select

from app.identity import (
    AccountLink,
    Letter,
    LinkPurpose,
    Realm,
    address_link,
    link_path,
    link_token,
    normalise_email,
)
from app.kernel import transaction
from app.tenancy import PLATFORM_ID, PlatformScope, Tenant

_PLATFORM = PlatformScope()


def links_to(address: str, *, reseller: Tenant | None = None) -> list[AccountLink]:
    """Every link that was made for an address, oldest first; without a reseller, the platform's."""
    with transaction(_PLATFORM) as session:
        found = session.scalars(
            select(AccountLink)
            .where(
                AccountLink.reseller_id == (reseller.id if reseller else PLATFORM_ID),
                AccountLink.address == normalise_email(address),
            )
            .order_by(AccountLink.id)
        )
        return list(found)


def deliver(link: AccountLink) -> Letter | None:
    """What the worker finds out before it sends a link."""
    with transaction(_PLATFORM) as session:
        return address_link(session, _PLATFORM, reseller_id=link.reseller_id, link_id=link.id)


def delivered_path(secret: str, address: str, *, reseller: Tenant | None = None) -> str:
    """Where the newest link to an address leads, once the worker has sent it."""
    link = links_to(address, reseller=reseller)[-1]
    letter = deliver(link)
    assert letter is not None
    return link_path(letter.realm, letter.purpose, link_token(secret, link.id))


def path_of(secret: str, realm: Realm, purpose: LinkPurpose, link_id: UUID) -> str:
    """Where a link leads."""
    return link_path(realm, purpose, link_token(secret, link_id))
