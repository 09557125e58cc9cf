"""Mailed links as rows: made, looked at, used once; decision 0016 says why they look so."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, or_, select, update
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
from app.identity.people import AnyUser, SignInScope, book_of, inside_of, user_at
from app.kernel import emit, new_id
from app.tenancy import PlatformScope

LIFETIMES = {
    LinkPurpose.INVITATION: timedelta(days=7),
    LinkPurpose.PASSWORD_RESET: timedelta(hours=1),
    LinkPurpose.EMAIL_CONFIRMATION: timedelta(days=3),
    LinkPurpose.ACCOUNT_EXISTS: timedelta(hours=1),
}
# More than anybody needs who reads her mail, and few enough that nobody floods another's.
MOST_LINKS_AN_HOUR = 5
# Both let their reader set a new password; they differ in what the message says.
RESETS = frozenset({LinkPurpose.PASSWORD_RESET, LinkPurpose.ACCOUNT_EXISTS})


@dataclass(frozen=True, slots=True)
class Letter:
    """What a link's message needs: whom it goes to, and what its reader may do.

    `language` is what the reader chose, None where nobody has chosen yet.
    """

    purpose: LinkPurpose
    realm: Realm
    user_id: UUID | None
    address: str
    name: str
    expires_at: datetime
    language: str | None


def make_link(
    session: Session,
    scope: SignInScope,
    *,
    purpose: LinkPurpose,
    realm: Realm,
    address: str,
    now: datetime,
    user_id: UUID | None = None,
    customer_id: UUID | None = None,
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
        customer_id=customer_id,
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


def end_links_of(
    session: Session, scope: SignInScope, *, realm: Realm, user: AnyUser, now: datetime
) -> None:
    """Let no link of a user be used any more, nor one to her address that nobody looked up yet."""
    _end_open_links(
        session,
        now,
        AccountLink.reseller_id == book_of(scope),
        AccountLink.realm == realm.value,
        or_(AccountLink.user_id == user.id, AccountLink.address == user.email),
    )


def address_link(
    session: Session, scope: PlatformScope, *, reseller_id: UUID, link_id: UUID
) -> Letter | None:
    """Find out whom a new link is for; None where nothing is to be sent.

    Here, long after the visitor has her answer, it is decided what an address is: a reset for one
    without an account is forgotten, and whoever registers with one that has an account is told so.
    An address that was written to five times within an hour is written no more: the link it got
    last stays good. Safe to repeat.
    """
    link = session.scalar(
        select(AccountLink)
        .where(AccountLink.reseller_id == reseller_id, AccountLink.id == link_id)
        .with_for_update()
    )
    if link is None or link.used_at is not None:
        return None
    if link.superseded_at is not None:
        _skip(session, link)
        return None
    realm = Realm(link.realm)
    user = user_at(session, inside_of(scope, reseller_id), realm=realm, address=link.address)
    name = None if _is_flood(session, link) else _reader(session, link, user)
    if name is None:
        _end_what_it_ended(session, link, at=None)
        session.delete(link)
        session.flush()
        return None
    session.flush()
    return Letter(
        LinkPurpose(link.purpose),
        realm,
        link.user_id,
        link.address,
        name,
        link.expires_at,
        user.language if user else None,
    )


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


def _is_flood(session: Session, link: AccountLink) -> bool:
    """Return whether strangers have had enough links sent to this address for now."""
    if link.purpose == LinkPurpose.INVITATION.value:
        # Somebody who may invite asked for it.
        return False
    sent = session.scalar(
        select(func.count())
        .select_from(AccountLink)
        .where(
            *_of_the_same(link),
            AccountLink.purpose != LinkPurpose.INVITATION.value,
            AccountLink.created_at > link.created_at - timedelta(hours=1),
            AccountLink.id < link.id,
        )
    )
    return (sent or 0) >= MOST_LINKS_AN_HOUR


def _skip(session: Session, link: AccountLink) -> None:
    """Forget a link that a newer one ended before it was sent; nobody has its token.

    Invitations stay: an operator may have had one printed.
    """
    if link.purpose != LinkPurpose.INVITATION.value:
        _end_what_it_ended(session, link, at=link.superseded_at)
        session.delete(link)
        session.flush()


def _end_what_it_ended(session: Session, link: AccountLink, *, at: datetime | None) -> None:
    """Say of the link that this one ended that it was ended at another time; None: not at all.

    So the newest link that was sent is good again when one that is not sent is forgotten.
    """
    session.execute(
        update(AccountLink)
        .where(
            *_of_the_same(link),
            AccountLink.purpose == link.purpose,
            AccountLink.superseded_at == link.created_at,
            AccountLink.used_at.is_(None),
        )
        .values(superseded_at=at)
    )


def _of_the_same(link: AccountLink) -> tuple[ColumnElement[bool], ...]:
    return (
        AccountLink.reseller_id == link.reseller_id,
        AccountLink.realm == link.realm,
        AccountLink.address == link.address,
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
