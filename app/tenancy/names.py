"""Which slugs may stand in public: none that insults, none that passes for another (rule R3)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from app.tenancy.errors import LookalikeError, NameOffensiveError
from app.tenancy.rules import MAXIMUM_SLUG_LENGTH, MINIMUM_SLUG_LENGTH, RESERVED_SLUGS, require_slug

_WORDS = Path(__file__).with_name("offensive_words.txt")

# What an eye takes for another letter in an address bar.
_SEEN = (("0", "o"), ("1", "l"), ("i", "l"), ("5", "s"), ("rn", "m"), ("vv", "w"))
# Digits that stand for letters where somebody hides a word; 1 is read in two ways.
_LEET = str.maketrans({"0": "o", "3": "e", "4": "a", "5": "s", "6": "g", "7": "t", "8": "b"})
_ONES = ("i", "l")
_LONG_RUN = re.compile(r"([a-z])\1{2,}")
_SPELT_ALIKE = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "æ": "ae", "œ": "oe"})
_LEGAL_FORMS = frozenset(
    {
        "ag", "bv", "co", "corp", "eg", "ek", "ev", "gbr", "gmbh", "inc", "kg", "limited", "llc",
        "ltd", "mbh", "ohg", "plc", "sa", "sarl", "sas", "se", "sl", "slu", "srl", "ug",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Words:
    """`alone` is refused as a word of its own, `within` in longer ones too, but in `innocent`."""

    alone: frozenset[str]
    within: frozenset[str]
    innocent: frozenset[str]


def skeleton_of(slug: str) -> str:
    """Return the slug as an eye reads it: two with the same skeleton could be mixed up."""
    seen = slug.replace("-", "")
    for letters, alike in _SEEN:
        seen = seen.replace(letters, alike)
    return seen


def require_public_slug(slug: str, *, platform_names: frozenset[str] = frozenset()) -> str:
    """Return the slug if a stranger may choose it.

    Refuses what `require_slug` refuses, words that insult, what reads like a reserved name, and
    the platform's own names as a word of it.
    """
    require_slug(slug)
    if not slug.isascii() or skeleton_of(slug) in _reserved_skeletons():
        raise LookalikeError
    own = {skeleton_of(name) for name in platform_names}
    if own & {skeleton_of(slug), *(skeleton_of(word) for word in slug.split("-"))}:
        raise LookalikeError
    if is_offensive(slug):
        raise NameOffensiveError
    return slug


def is_offensive(slug: str) -> bool:
    """Whether the slug holds a listed word, also with digits for letters or letters repeated.

    Ordinary words that hold one (Scunthorpe) are listed, too, and pass.
    """
    words = _offensive_words()
    tokens = slug.split("-")
    # Spelled out with hyphens: the whole of it counts as one word.
    readings = [*tokens, "".join(tokens)]
    for number, token in enumerate(readings):
        is_joined = number == len(tokens)
        for read in _readings(token):
            if read in words.alone:
                return True
            if _holds(read, words, must_begin=is_joined and len(tokens) > 1):
                return True
    return False


def slug_from(company: str) -> str:
    """Return what a company's slug could be: plain letters, without its legal form; may be short.

    It may still be reserved, taken or offensive.
    """
    plain = unicodedata.normalize("NFKD", company.casefold().translate(_SPELT_ALIKE))
    kept = "".join(letter for letter in plain if not unicodedata.combining(letter))
    # What is written with dots is one word: S.A.R.L., e.K.
    words = re.findall(r"[a-z0-9]+", kept.replace(".", "").replace("'", ""))
    while len(words) > 1 and words[-1] in _LEGAL_FORMS:
        words.pop()
    slug = "-".join(words)
    while len(slug) > MAXIMUM_SLUG_LENGTH and len(words) > 1:
        words.pop()
        slug = "-".join(words)
    slug = slug[:MAXIMUM_SLUG_LENGTH].strip("-")
    return slug if len(slug) >= MINIMUM_SLUG_LENGTH else ""


def _holds(read: str, words: _Words, *, must_begin: bool) -> bool:
    """Whether a listed word stands in `read` outside the innocent words that hold it.

    Across hyphens one must make up the whole: other letters meet there by chance.
    """
    if must_begin:
        return read in words.within
    cleared = read
    for innocent in words.innocent:
        cleared = cleared.replace(innocent, "-")
    return any(word in cleared for word in words.within)


def _readings(token: str) -> Iterator[str]:
    """Return the ways to read a token: as it is, digits as letters, long runs shortened."""
    if token.isdecimal():
        return
    for one in _ONES if "1" in token else ("",):
        for nine in ("g", "9") if "9" in token else ("",):
            plain = token.translate(_LEET).replace("1", one).replace("9", nine)
            yield plain
            for keep in (r"\1", r"\1\1"):
                if (short := _LONG_RUN.sub(keep, plain)) != plain:
                    yield short
    yield token


@lru_cache(maxsize=1)
def _reserved_skeletons() -> frozenset[str]:
    return frozenset(skeleton_of(name) for name in RESERVED_SLUGS)


@lru_cache(maxsize=1)
def _offensive_words() -> _Words:
    """Read the list, once per process."""
    found: dict[str, set[str]] = {"alone": set(), "within": set(), "innocent": set()}
    for line in _WORDS.read_text(encoding="utf-8").splitlines():
        text = line.partition("#")[0].strip()
        if text:
            part, _, listed = text.partition(":")
            found[part.strip()].update(listed.split())
    return _Words(*(frozenset(found[part]) for part in ("alone", "within", "innocent")))
