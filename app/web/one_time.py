import secrets

# Sixteen characters of 64: more than any attacker tries, few enough to copy from a sheet.
_BYTES = 12


def one_time_password() -> str:
    """Return a password for somebody else's first sign-in, to be shown once."""
    return secrets.token_urlsafe(_BYTES)
