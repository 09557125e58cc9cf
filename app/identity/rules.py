"""Addresses, subjects, passwords, tokens in the one form in which they are compared and kept."""

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from enum import Enum

from app.identity.errors import (
    InvalidEmailError,
    NameRefusedError,
    SubjectRefusedError,
    WeakPasswordError,
)
from app.identity.models import StaffRole
from app.tenancy import InvalidHostError, normalise_host

MINIMUM_PASSWORD_LENGTH = 10
# Long enough for any passphrase, short enough that hashing it is no way to occupy the server.
MAXIMUM_PASSWORD_LENGTH = 256
MAXIMUM_EMAIL_LENGTH = 254
MAXIMUM_NAME_LENGTH = 200
MINIMUM_SUBJECT_LENGTH, MAXIMUM_SUBJECT_LENGTH = 2, 120
_EMAIL = re.compile(r"([^@\s:<>\"(),;\\]{1,64})@([^@\s:]+)")


def normalise_email(raw: str) -> str:
    """Return the address as it is stored, searched and written to; refuse what is none.

    NFKC, casefold, strip; the domain as its A-label, because casefold turns faß.de into the
    domain of somebody else.
    """
    address = unicodedata.normalize("NFKC", raw.strip())
    found = _EMAIL.fullmatch(address)
    if found is None or len(address) > MAXIMUM_EMAIL_LENGTH or not address.isprintable():
        raise InvalidEmailError
    try:
        return f"{found[1].casefold()}@{normalise_host(found[2])}"
    except InvalidHostError as refused:
        raise InvalidEmailError from refused


def require_name(raw: str) -> str:
    """Return what a person is called, without spaces around it; refuse what is none."""
    name = raw.strip()
    if not name or len(name) > MAXIMUM_NAME_LENGTH or not name.isprintable():
        raise NameRefusedError
    return name


def normalise_subject(raw: str) -> str:
    """Return a subject as it is stored and searched; refuse what is none.

    By custom it tells its kind first: `line:+49301234`, `agent:7f3a`. Strip, NFKC, casefold: 2 to
    120 printable characters without spaces.
    """
    subject = raw.strip()
    # Folding can make room for more folding (a ligature of accented letters): until it rests.
    while (folded := unicodedata.normalize("NFKC", subject).casefold()) != subject:
        subject = folded
    if (
        not MINIMUM_SUBJECT_LENGTH <= len(subject) <= MAXIMUM_SUBJECT_LENGTH
        or not subject.isprintable()
        or " " in subject
    ):
        raise SubjectRefusedError
    return subject


def require_password(password: str) -> str:
    """Return the password in the form that is hashed; refuse one outside the policy."""
    if not MINIMUM_PASSWORD_LENGTH <= len(password) <= MAXIMUM_PASSWORD_LENGTH:
        raise WeakPasswordError(minimum=MINIMUM_PASSWORD_LENGTH, maximum=MAXIMUM_PASSWORD_LENGTH)
    return normalise_password(password)


def normalise_password(password: str) -> str:
    """Return the password as every keyboard writes it: NFKC (NIST SP 800-63B, 5.1.1.2)."""
    return unicodedata.normalize("NFKC", password)


def token_id(token: str) -> bytes:
    """Return what is kept of a token or key: its SHA-256. They are random, so no salt is needed."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


class StaffRight(Enum):
    """What a member of a reseller's staff may be allowed to do."""

    SEE_CUSTOMERS = "see_customers"
    CHANGE_CUSTOMERS = "change_customers"
    ACT_FOR_CUSTOMERS = "act_for_customers"
    MOVE_MONEY = "move_money"
    SEE_EARNINGS = "see_earnings"
    SET_PRICES = "set_prices"
    OPEN_PARTNERS = "open_partners"
    MANAGE_API_KEYS = "manage_api_keys"
    MANAGE_BRAND = "manage_brand"
    MANAGE_TEAM = "manage_team"


# What each role may do, in full: nothing is inherited, so that a line can be read by itself.
STAFF_RIGHTS: Mapping[StaffRole, frozenset[StaffRight]] = {
    StaffRole.OWNER: frozenset(StaffRight),
    StaffRole.FINANCE: frozenset(
        {
            StaffRight.SEE_CUSTOMERS,
            StaffRight.CHANGE_CUSTOMERS,
            StaffRight.MOVE_MONEY,
            StaffRight.SEE_EARNINGS,
            StaffRight.SET_PRICES,
        }
    ),
    StaffRole.SUPPORT: frozenset(
        {
            StaffRight.SEE_CUSTOMERS,
            StaffRight.CHANGE_CUSTOMERS,
            # `session_holder` of the database names the roles, too (migration 0021).
            StaffRight.ACT_FOR_CUSTOMERS,
        }
    ),
    StaffRole.DEVELOPER: frozenset({StaffRight.SEE_CUSTOMERS, StaffRight.MANAGE_API_KEYS}),
}


def staff_may(role: str | None, right: StaffRight) -> bool:
    """Return whether a role includes a right; a role that we do not know includes none."""
    known = {each.value: each for each in StaffRole}
    return role in known and right in STAFF_RIGHTS[known[role]]
