"""From a form on the platform's site to a reseller's site on trial, by way of a mailbox."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, func, select, text
from sqlalchemy.orm import Session

from app import branding, identity, tenancy
from app.branding import PictureSet
from app.kernel import AppError, emit, new_id
from app.onboarding.errors import SignUpClosedError, SignUpNotFoundError
from app.onboarding.events import SignUpMade, TrialBegun
from app.onboarding.models import ApplicationState, ResellerApplication
from app.onboarding.opening import open_site
from app.onboarding.rules import (
    COUNTED_FOR,
    LINK_LIFETIME,
    SignUpTerms,
    counts_by_domain,
    is_link_valid,
    is_within,
    require_acceptance,
    require_company,
    require_country,
)
from app.tenancy import (
    PLATFORM_ID,
    LookalikeError,
    PlatformScope,
    SlugTakenError,
    Tenant,
)

# Names and limits are looked at and taken by one sign-up at a time: there are few of them.
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended('onboarding', 0))")
# As many endings as are tried for a name that somebody has.
_MOST_SUGGESTIONS = 9

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SignUp:
    """What somebody typed who wants to be a reseller; `request_key` is her form's own."""

    company: str
    name: str
    email: str = field(repr=False)
    password: str = field(repr=False)
    slug: str
    country: str
    accent: str
    language: str
    accepts_terms: bool
    accepts_data_processing: bool
    request_key: str


def sign_up(
    session: Session,
    scope: PlatformScope,
    *,
    wish: SignUp,
    terms: SignUpTerms,
    platform_names: frozenset[str],
    now: datetime,
) -> UUID | None:
    """Keep a sign-up until its address is confirmed, and the name for her as long.

    The same form sent twice is one sign-up; sent again with another address, it is that one
    instead. None where the address, or its company's domain, has made too many in a day: the
    caller answers the same, so that nobody learns who has signed up. Refuses each field that
    cannot be, by its name, a slug that is taken, and everybody while sign-up is closed.
    """
    if not terms.is_open:
        raise SignUpClosedError
    made = _application(wish, terms, now)
    session.execute(_ONE_AT_A_TIME)
    known = session.scalar(
        select(ResellerApplication).where(ResellerApplication.request_key == made.request_key)
    )
    if known is not None and (known.email == made.email or known.reseller_id is not None):
        return known.id
    is_allowed = _may_sign_up(session, made, terms)
    if known is not None and is_allowed:
        _replace(session, known)
    if known is None or is_allowed:
        _require_free(session, scope, made.slug, platform_names=platform_names, now=now)
    if not is_allowed:
        log.warning("sign_up_over_limit", domain_counts=counts_by_domain(made.email_domain))
        return None
    session.add(made)
    session.flush()
    emit(session, PLATFORM_ID, SignUpMade(made.id))
    return made.id


def find_sign_up(
    session: Session, scope: PlatformScope, *, application_id: UUID, now: datetime
) -> ResellerApplication:
    """Return a sign-up whose link still works, or that was confirmed; refuses every other."""
    found = session.get(ResellerApplication, application_id)
    if found is None or found.state == ApplicationState.REPLACED.value:
        raise SignUpNotFoundError
    if found.reseller_id is None and not is_link_valid(found.created_at, now):
        raise SignUpNotFoundError
    return found


def confirm_sign_up(
    session: Session,
    scope: PlatformScope,
    *,
    application_id: UUID,
    terms: SignUpTerms,
    platform_names: frozenset[str],
    now: datetime,
    slug: str | None = None,
    logo: PictureSet | None = None,
) -> ResellerApplication:
    """Open the site of somebody whose address is hers: all or nothing, in one transaction.

    It is on trial, in her colour and name and with her `logo`, sells the plan of `terms`, and she
    owns it. Safe to repeat. `slug` replaces a name that somebody else got meanwhile. Its host is to
    be forgotten by all processes after the commit. Refuses an unknown or old link, and a name that
    is taken.
    """
    session.execute(_ONE_AT_A_TIME)
    found = find_sign_up(session, scope, application_id=application_id, now=now)
    if found.reseller_id is not None:
        return found
    if not terms.is_open:
        raise SignUpClosedError
    if slug is not None and slug != found.slug:
        _require_free(session, scope, slug, platform_names=platform_names, now=now)
        found.slug, found.skeleton = slug, tenancy.skeleton_of(slug)
    with _about("slug"):
        tenant = open_site(session, scope, found, terms=terms, now=now, logo=logo)
    found.reseller_id, found.password_hash = tenant.id, None
    found.state, found.confirmed_at = ApplicationState.CONFIRMED.value, now
    session.flush()
    emit(session, tenant.id, TrialBegun(found.id))
    return found


def require_free_name(
    session: Session,
    scope: PlatformScope,
    *,
    slug: str,
    platform_names: frozenset[str],
    now: datetime,
) -> None:
    """Refuse a slug that somebody who signs up now could not have; the refusal says why."""
    _require_free(session, scope, slug, platform_names=platform_names, now=now)


def suggest_name(
    session: Session,
    scope: PlatformScope,
    *,
    company: str,
    platform_names: frozenset[str],
    now: datetime,
) -> str:
    """Return a free slug that a company could have; empty where its name gives none."""
    for slug in _candidates(tenancy.slug_from(company)):
        try:
            _require_free(session, scope, slug, platform_names=platform_names, now=now)
        except (SlugTakenError, LookalikeError):
            continue
        except AppError:
            return ""
        return slug
    return ""


def _candidates(slug: str) -> Iterator[str]:
    if not slug:
        return
    yield slug
    for number in range(2, _MOST_SUGGESTIONS + 1):
        yield f"{slug[:38].rstrip('-')}-{number}"


def _application(wish: SignUp, terms: SignUpTerms, now: datetime) -> ResellerApplication:
    """Return the row of a sign-up; refuses the first field that cannot be, by its name."""
    company = require_company(wish.company)
    with _about("name"):
        name = identity.require_name(wish.name)
    with _about("email"):
        email = identity.normalise_email(wish.email)
    with _about("password"):
        password_hash = identity.founder_password(wish.password)
    with _about("slug"):
        slug = tenancy.require_slug(wish.slug)
    country = require_country(wish.country)
    with _about("accent"):
        accent = branding.require_colour(wish.accent)
    require_acceptance("terms", is_accepted=wish.accepts_terms)
    require_acceptance("data_processing", is_accepted=wish.accepts_data_processing)
    key = hashlib.sha256(f"{wish.request_key}|{slug}".encode()).hexdigest()
    return ResellerApplication(
        id=new_id(),
        request_key=key,
        state=ApplicationState.UNCONFIRMED.value,
        company=company,
        name=name,
        email=email,
        email_domain=email.rpartition("@")[2],
        password_hash=password_hash,
        slug=slug,
        skeleton=tenancy.skeleton_of(slug),
        country=country,
        language=branding.Language(wish.language).value,
        accent=accent,
        terms_version=terms.terms_version,
        data_processing_version=terms.data_processing_version,
        created_at=now,
    )


class _about:  # noqa: N801 - reads as the sentence it is
    """Names the field that a refusal is about."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, refused: object, _trace: object) -> None:
        if isinstance(refused, AppError):
            refused.facts.setdefault("field", self._name)


def _require_free(
    session: Session,
    scope: PlatformScope,
    slug: str,
    *,
    platform_names: frozenset[str],
    now: datetime,
) -> None:
    """Refuse a slug that is malformed, reserved, offensive, taken, waited for, or a look-alike."""
    with _about("slug"):
        tenancy.require_public_slug(slug, platform_names=platform_names)
        is_kept = session.scalar(select(func.count()).where(_waits_for(slug, now)))
        if is_kept or not tenancy.is_slug_free(session, scope, slug=slug):
            exact = select(Tenant.id).where(Tenant.slug == slug)
            if is_kept or session.scalar(exact):
                raise SlugTakenError(slug=slug)
            raise LookalikeError


def _replace(session: Session, known: ResellerApplication) -> None:
    """Give form and name free; the row stays and counts: its address was written to."""
    known.state, known.password_hash = ApplicationState.REPLACED.value, None
    known.request_key = str(known.id)
    session.flush()


def _waits_for(slug: str, now: datetime) -> ColumnElement[bool]:
    return (
        (ResellerApplication.skeleton == tenancy.skeleton_of(slug))
        & (ResellerApplication.state == ApplicationState.UNCONFIRMED.value)
        & (ResellerApplication.created_at > now - LINK_LIFETIME)
    )


def _may_sign_up(session: Session, made: ResellerApplication, terms: SignUpTerms) -> bool:
    recent = ResellerApplication.created_at > made.created_at - COUNTED_FOR
    by_address = _count(session, recent & (ResellerApplication.email == made.email))
    if not is_within(terms.per_address, by_address):
        return False
    if not counts_by_domain(made.email_domain):
        return True
    by_domain = _count(session, recent & (ResellerApplication.email_domain == made.email_domain))
    return is_within(terms.per_domain, by_domain)


def _count(session: Session, which: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count()).where(which)) or 0
