from secrets import token_hex


def unique(start: str) -> str:
    """Return a name no other test has, fit for a slug."""
    return f"{start}-{token_hex(6)}"
