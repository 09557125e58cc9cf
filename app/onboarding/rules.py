"""What a sign-up must be, and how many of them one address and one company may make."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from app.onboarding.errors import (
    AcceptanceMissingError,
    CompanyRefusedError,
    CountryRefusedError,
    NoteMissingError,
)
from app.tenancy import LONGEST_NOTE

# The member states of the European Union (ISO 3166-1), and their neighbours whom we may serve.
COUNTRIES = (
    "AT", "BE", "BG", "CH", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GB", "GR", "HR", "HU",
    "IE", "IS", "IT", "LI", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK",
)  # fmt: skip

# How long a name is kept for somebody who has not confirmed, and how long her link works.
LINK_LIFETIME = timedelta(days=2)
# Sign-ups that were never confirmed are deleted after it: nobody needs those people's data.
FORGOTTEN_AFTER = timedelta(days=14)
# A sign-up counts against the limits for so long.
COUNTED_FOR = timedelta(days=1)
# So long before its end somebody on trial is reminded.
REMINDED_BEFORE = timedelta(days=7)
LONGEST_COMPANY = 200
DEFAULT_ACCENT = "#2f5d9b"

# Where strangers have their mailboxes: there a domain says nothing about who signs up.
PUBLIC_MAILBOXES = frozenset(
    {
        "aol.com", "free.fr", "freenet.de", "gmail.com", "gmx.at", "gmx.ch", "gmx.de", "gmx.net",
        "googlemail.com", "hotmail.com", "hotmail.de", "hotmail.es", "hotmail.fr", "icloud.com",
        "laposte.net", "live.com", "mailbox.org", "me.com", "orange.fr", "outlook.com",
        "outlook.de", "outlook.es", "outlook.fr", "posteo.de", "proton.me", "protonmail.com",
        "sfr.fr", "t-online.de", "telefonica.net", "wanadoo.fr", "web.de", "yahoo.com", "yahoo.de",
        "yahoo.es", "yahoo.fr",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SignUpTerms:
    """On which terms somebody may become a reseller; the operator's settings.

    `plan` is the slug of what a new reseller sells, `commission` her part of the net price (0 to
    1), `top_up_minor` the most that one top-up may be on trial.
    """

    plan: str
    commission: Decimal
    trial_days: int
    trial_customers: int
    top_up_minor: int
    per_address: int
    per_domain: int
    terms_url: str
    terms_version: str
    data_processing_url: str
    data_processing_version: str

    @property
    def is_open(self) -> bool:
        """Whether anybody may sign up."""
        return bool(self.plan)


def require_company(raw: str) -> str:
    """Return a company's name without spaces around it; refuse what is none."""
    company = " ".join(raw.split())
    if not company or len(company) > LONGEST_COMPANY or not company.isprintable():
        raise CompanyRefusedError(field="company")
    return company


def require_country(code: str) -> str:
    """Return the code of a country that is on the list; refuse any other."""
    if code not in COUNTRIES:
        raise CountryRefusedError(field="country")
    return code


def require_acceptance(field: str, *, is_accepted: bool) -> None:
    """Refuse to go on without a text that must be accepted."""
    if not is_accepted:
        raise AcceptanceMissingError(field=field)


def require_note(raw: str) -> str:
    """Return what somebody wrote to a reseller, or she to us; refuse nothing and too much."""
    note = raw.replace("\0", "").strip()
    if not note or len(note) > LONGEST_NOTE:
        raise NoteMissingError(field="note")
    return note


def is_within(limit: int, known: int) -> bool:
    """Return whether one more fits under a limit."""
    return known < limit


def counts_by_domain(domain: str) -> bool:
    """Return whether sign-ups from one mail domain are likely those of one company."""
    return domain not in PUBLIC_MAILBOXES


def is_link_valid(made_at: datetime, now: datetime) -> bool:
    """Return whether a link that was made then still works."""
    return now < made_at + LINK_LIFETIME
