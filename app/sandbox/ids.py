"""Identifiers that look like Stripe's."""

import secrets
import string

_ALPHABET = string.ascii_letters + string.digits


def base62(length: int) -> str:
    """Return `length` random letters and digits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def new_id(prefix: str) -> str:
    """Return a fresh id such as `cus_` and 24 letters and digits."""
    return f"{prefix}_{base62(24)}"


def new_session_id() -> str:
    """Return a fresh id of a Checkout Session, as long as Stripe's own (66 characters)."""
    return f"cs_test_a1{base62(56)}"


def new_request_id() -> str:
    """Return the id of one API request."""
    return f"req_{base62(14)}"
