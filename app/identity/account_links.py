"""Mailed links as rows: made, looked at, used once; decision 0016 says why they look so."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session

from app.identity.errors import (
    LinkExpiredError,
    LinkSupersededError,
    LinkUnknownError,
    LinkUsedError,
)
from app.identity.events import LinkMade
from app.identity.link_models import AccountLink, LinkPurpose, Registration
from app.identity.models import Realm
from app.identity.people import AnyUser, SignInScope, book_of, user_at
from app.kernel import emit, new_id
from app.tenancy import PLATFORM_ID, PlatformScope, TenantScope

LIFETIMES = {
    LinkPurpose.INVITATION: timedelta(days=7),
    LinkPurpose.PASSWORD_RESET: timedelta(hours=1),
    LinkPurpose.EMAIL_CONFIRMATION: timedelta(days=3),
    LinkPurpose.ACCOUNT_EXISTS: timedelta(hours=1),
}
# Both let their reader set a new password; they differ in what the message says.
RESETS = frozenset({LinkPurpose.PASSWORD_RESET, LinkPurpose.ACCOUNT_EXISTS})


@dataclass(frozen=True, slots=True)
class Letter:
    """What a link's message needs: whom it goes to, and what its reader may do."""

    purpose: LinkPurpose
    realm: Realm
    user_id: UUID | None
    address: str
    name: str


def make_link(
    session: Session,
    scope: SignInScope,
    *,
    purpose: LinkPurpose,
    realm: Realm,
    address: str,
    now: datetime,
    user_id: UUID | None = None,
) -> AccountLink:
    """Make a link for a normalised address; earlier ones of the same purpose end.

    The caller's commit has it sent (`LinkMade`). The same statements for every address: the time
    tells nobody whether it has an account.
    """
    book = book_of(scope)
    _end_open_links(
        session,
        now,
        AccountLink.reseller_id == book,
        AccountLink.realm == realm.value,
        AccountLink.address == address,
        AccountLink.purpose == purpose.value,
    )
    link = AccountLink(
        reseller_id=book,
        id=new_id(),
        purpose=purpose.value,
        realm=realm.value,
        user_id=user_id,
        address=address,
        created_at=now,
        expires_at=now + LIFETIMES[purpose],
    )
    session.add(link)
    session.flush()
    emit(session, book, LinkMade(link.id))
    return link


def open_link(
    session: Session,
    scope: SignInScope,
    *,
    link_id: UUID,
    realm: Realm,
    purposes: Collection[LinkPurpose],
    now: datetime,
) -> AccountLink:
    """Return a link that may be used now; until the transaction ends nobody else uses it.

    Refuses one that was used, superseded or has expired, each in its words, and one of another
    site, realm or purpose, which looks like none.
    """
    link = session.scalar(
        select(AccountLink)
        .where(
            AccountLink.reseller_id == book_of(scope),
            AccountLink.id == link_id,
            AccountLink.realm == realm.value,
            AccountLink.purpose.in_([each.value for each in purposes]),
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if link is None:
        raise LinkUnknownError
    if link.used_at is not None:
        raise LinkUsedError
    if link.superseded_at is not None:
        raise LinkSupersededError
    if link.expires_at <= now:
        raise LinkExpiredError
    return link


def end_links_of(session: Session, scope: SignInScope, *, user_id: UUID, now: datetime) -> None:
    """Let no link of a user be used any more."""
    _end_open_links(
        session, now, AccountLink.reseller_id == book_of(scope), AccountLink.user_id == user_id
    )


def address_link(
    session: Session, scope: PlatformScope, *, reseller_id: UUID, link_id: UUID
) -> Letter | None:
    """Find out whom a new link is for; None where nothing is to be sent.

    Here, long after the visitor has her answer, it is decided what an address is: a reset for one
    without an account is forgotten, and whoever registers with one that has an account is told so.
    Safe to repeat.
    """
    link = session.scalar(
        select(AccountLink)
        .where(AccountLink.reseller_id == reseller_id, AccountLink.id == link_id)
        .with_for_update()
    )
    if link is None or link.used_at is not None or link.superseded_at is not None:
        return None
    inside = scope if reseller_id == PLATFORM_ID else TenantScope(reseller_id, scope.sign_in)
    user = user_at(session, inside, realm=Realm(link.realm), address=link.address)
    name = _reader(session, link, user)
    if name is None:
        session.delete(link)
        session.flush()
        return None
    session.flush()
    return Letter(LinkPurpose(link.purpose), Realm(link.realm), link.user_id, link.address, name)


def forget_links(session: Session, scope: PlatformScope, *, before: datetime) -> int:
    """Delete the links that expired before a time, with their registrations; return how many."""
    gone = session.scalars(
        delete(AccountLink).where(AccountLink.expires_at < before).returning(AccountLink.id)
    )
    return len(gone.all())


def _end_open_links(session: Session, now: datetime, *which: ColumnElement[bool]) -> None:
    session.execute(
        update(AccountLink)
        .where(*which, AccountLink.used_at.is_(None), AccountLink.superseded_at.is_(None))
        .values(superseded_at=now)
    )


def _reader(session: Session, link: AccountLink, user: AnyUser | None) -> str | None:
    """Return what the reader of a link is called, who becomes its user; None for nobody."""
    purpose = LinkPurpose(link.purpose)
    if purpose is LinkPurpose.INVITATION:
        return user.name if user is not None and user.id == link.user_id else None
    if user is not None and not user.has_joined:
        # Only an invitation lets somebody in who has not come yet.
        return None
    registration = None
    if purpose is LinkPurpose.EMAIL_CONFIRMATION:
        registration = session.get(Registration, (link.reseller_id, link.id))
    if user is None:
        return None if registration is None else registration.name
    if registration is not None:
        session.delete(registration)
        link.purpose = LinkPurpose.ACCOUNT_EXISTS.value
        link.expires_at = link.created_at + LIFETIMES[LinkPurpose.ACCOUNT_EXISTS]
    link.user_id = user.id
    return user.name
