"""The browser behind a session, in words, and whether its person has used it before."""

import re
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.identity.models import Realm
from app.identity.people import AnyUser, SignInScope, book_of
from app.identity.second_step_rules import BROWSER_LIFETIME, browser_hash, is_news
from app.identity.sign_in_models import KnownBrowser

# The first that matches: most browsers claim to be several others as well.
_BROWSERS = (
    ("Edge", re.compile(r"Edg(?:e|A|iOS)?/")),
    ("Opera", re.compile(r"OPR/|Opera")),
    ("Samsung Internet", re.compile(r"SamsungBrowser/")),
    ("Firefox", re.compile(r"Firefox/|FxiOS/")),
    ("Chrome", re.compile(r"Chrome/|CriOS/|Chromium/")),
    ("Safari", re.compile(r"Version/.+Safari/")),
)
_SYSTEMS = (
    ("iPhone", re.compile(r"iPhone")),
    ("iPad", re.compile(r"iPad")),
    ("Android", re.compile(r"Android")),
    ("Windows", re.compile(r"Windows")),
    ("macOS", re.compile(r"Macintosh|Mac OS X")),
    ("ChromeOS", re.compile(r"CrOS")),
    ("Linux", re.compile(r"Linux|X11")),
)


def name_browser(user_agent: str) -> str:
    """Return `Firefox/Windows`, either half empty where it is unknown; all that is kept of it."""
    browser, system = _first(_BROWSERS, user_agent), _first(_SYSTEMS, user_agent)
    return f"{browser}/{system}" if browser or system else ""


def note_browser(
    session: Session,
    scope: SignInScope,
    *,
    realm: Realm,
    user: AnyUser,
    browser: str,
    now: datetime,
) -> bool:
    """Remember that a person signs in from the browser that holds this random text.

    Return whether she should be told: it is new to her, and not merely her very first.
    """
    hashed = browser_hash(user.id, browser)
    session.execute(
        delete(KnownBrowser).where(
            *_whose(scope, realm, user.id), KnownBrowser.last_seen_at < now - BROWSER_LIFETIME
        )
    )
    known = _known_hashes(session, scope, realm=realm, user_id=user.id)
    session.execute(
        insert(KnownBrowser)
        .values(
            reseller_id=book_of(scope),
            realm=realm.value,
            user_id=user.id,
            browser_hash=hashed,
            first_seen_at=now,
            last_seen_at=now,
        )
        .on_conflict_do_update(
            index_elements=["reseller_id", "realm", "user_id", "browser_hash"],
            set_={"last_seen_at": func.greatest(KnownBrowser.last_seen_at, now)},
        )
    )
    return is_news(
        is_known=hashed in known, has_others=bool(known), account_age=now - user.created_at
    )


def _known_hashes(
    session: Session, scope: SignInScope, *, realm: Realm, user_id: UUID
) -> set[bytes]:
    sought = select(KnownBrowser.browser_hash).where(*_whose(scope, realm, user_id))
    return set(session.scalars(sought))


def _whose(scope: SignInScope, realm: Realm, user_id: UUID) -> list[ColumnElement[bool]]:
    return [
        KnownBrowser.reseller_id == book_of(scope),
        KnownBrowser.realm == realm.value,
        KnownBrowser.user_id == user_id,
    ]


def _first(names: tuple[tuple[str, re.Pattern[str]], ...], text: str) -> str:
    return next((name for name, pattern in names if pattern.search(text)), "")
