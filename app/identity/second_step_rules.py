"""Codes of authenticator apps and for recovery; which step a sign-in takes next. Pure."""

import hashlib
import hmac
import re
from base64 import b32encode
from datetime import datetime, timedelta
from enum import Enum
from uuid import UUID

import pyotp

# What RFC 6238 recommends and every app takes for granted: SHA-1, six digits, 30 seconds.
STEP_SECONDS = 30
# A clock may be one step off in either direction (RFC 6238, 5.2).
DRIFT = (0, -1, 1)
SECRET_BYTES = 20
RECOVERY_CODES = 10
# 80 random bits: nobody finds one by its hash.
RECOVERY_BYTES = 10
CHALLENGE_LIFETIME = timedelta(minutes=5)
# Whoever must set an app up first may have to install it.
SETUP_LIFETIME = timedelta(minutes=15)
TRIES = 5
# Challenges can be begun anew by whoever knows the password, so wrong codes are counted across
# them: from the tenth on there is one guess in a quarter of an hour, three codes of a million.
FREE_WRONG_CODES = 10
LOCK = timedelta(minutes=15)
# A person's first browser is no news in the first day of her account.
QUIET = timedelta(days=1)
# As long as a browser keeps its cookie (app/edge/known_browser.py); after that it is a new one.
BROWSER_LIFETIME = timedelta(days=400)

_CODE = re.compile(r"\d{6}", re.ASCII)
# Crockford's alphabet: no letter that a digit could be taken for.
_PLAIN = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_CLEAR = "abcdefghjkmnpqrstvwxyz0123456789"
_TO_CLEAR = str.maketrans(_PLAIN, _CLEAR)
_AS_READ = str.maketrans("oil", "011", "- ")


class Stage(Enum):
    """Where a sign-in stands after the password."""

    SIGNED_IN = "signed_in"
    CODE = "code"
    SETUP = "setup"


def next_stage(*, has_factor: bool, is_demanded: bool) -> Stage:
    """Return what a right password leads to."""
    if has_factor:
        return Stage.CODE
    return Stage.SETUP if is_demanded else Stage.SIGNED_IN


def as_code(typed: str) -> str | None:
    """Return the six digits of an app's code, however they were spaced; None for anything else."""
    bare = "".join(typed.split())
    return bare if _CODE.fullmatch(bare) else None


def matching_step(secret: bytes, code: str, *, now: datetime, last_step: int) -> int | None:
    """Return the step of time whose code this is, one that no code was used of before, or None."""
    generator = pyotp.TOTP(key_text(secret))
    present = int(now.timestamp()) // STEP_SECONDS
    found = None
    for drift in DRIFT:
        step = present + drift
        # Each is compared, whatever was found: the time tells nothing.
        is_it = hmac.compare_digest(generator.generate_otp(step), code)
        if is_it and step > last_step:
            found = step
    return found


def key_text(secret: bytes) -> str:
    """Return the key as apps let it be typed: 32 letters and digits."""
    return b32encode(secret).decode()


def app_address(secret: bytes, *, account: str, issuer: str) -> str:
    """Return the address that an authenticator app reads from the picture."""
    return pyotp.TOTP(key_text(secret)).provisioning_uri(name=account, issuer_name=issuer)


def recovery_text(random: bytes) -> str:
    """Return a recovery code as it is shown: sixteen characters in four groups."""
    text = b32encode(random).decode().translate(_TO_CLEAR)
    return "-".join(text[at : at + 4] for at in range(0, len(text), 4))


def recovery_hash(user_id: UUID, typed: str) -> bytes:
    """Return what is kept of a person's recovery code, however she spells it."""
    bare = typed.strip().casefold().translate(_AS_READ)
    return hashlib.sha256(user_id.bytes + bare.encode("utf-8", "surrogateescape")).digest()


def browser_hash(user_id: UUID, browser: str) -> bytes:
    """Return what is kept of a browser a person used; two people's in one browser differ."""
    return hashlib.sha256(user_id.bytes + browser.encode("utf-8", "surrogateescape")).digest()


def locked_until(wrong_codes: int, *, now: datetime) -> datetime | None:
    """Return until when codes are refused after so many wrong ones in a row; None: not at all."""
    return now + LOCK if wrong_codes >= FREE_WRONG_CODES else None


def is_news(*, is_known: bool, has_others: bool, account_age: timedelta) -> bool:
    """Return whether a person is told of a sign-in from this browser."""
    return not is_known and (has_others or account_age >= QUIET)
