from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from app.identity.rules import MAXIMUM_PASSWORD_LENGTH, normalise_password, require_password

# OWASP's Argon2id recommendation (19 MiB, two passes, one lane): about 20 ms here. More memory
# would let a burst of sign-ins starve the machine that also charges usage; one lane because a
# gevent worker has one processor.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, hash_len=32)

# The hash of a random text nobody kept, with the parameters above: verified in place of a missing
# one, so that an unknown address takes as long as a wrong password.
NOBODYS_HASH = (
    "$argon2id$v=19$m=19456,t=2,p=1$XXX/I/nfEk6zbz/wt5RfKg$"
    "+NzT7cmjWllf0ihXsxa62retUsfQmUETzxYiyGJCU1o"
)


def hash_password(password: str) -> str:
    """Return the Argon2id hash of a new password; refuse one outside the policy."""
    return _HASHER.hash(require_password(password))


def is_password(stored: str | None, password: str) -> bool:
    """True if `password` made the stored hash; takes its time without a stored hash too."""
    if len(password) > MAXIMUM_PASSWORD_LENGTH:
        stored, password = None, ""
    try:
        _HASHER.verify(stored or NOBODYS_HASH, normalise_password(password))
    except VerifyMismatchError:
        return False
    return bool(stored)


def is_outdated(stored: str) -> bool:
    """True if the hash was made with other parameters than today's."""
    return _HASHER.check_needs_rehash(stored)
