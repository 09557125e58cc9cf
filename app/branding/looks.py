"""What a brand is made of, checked when it is put together, and the form in which it is kept."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from app.branding.errors import (
    BrandColourRefusedError,
    BrandEmailRefusedError,
    BrandLineRefusedError,
    BrandLinkRefusedError,
    BrandRefusedError,
    BrandTextTooLongError,
    StatementSuffixRefusedError,
)
from app.branding.fonts import FONTS, SYSTEM_FONT
from app.branding.rules import BrandTokenError, BrandTokens, InvalidColourError
from app.identity import InvalidEmailError, normalise_email
from app.kernel import Language, read_language

MAXIMUM_TEXT_LENGTH = 500
MAXIMUM_LEGAL_LENGTH = 40_000
_LONGEST: Mapping[str, int] = {
    "greeting": 200,
    "sender_name": 70,
    "imprint_text": MAXIMUM_LEGAL_LENGTH,
    "privacy_text": MAXIMUM_LEGAL_LENGTH,
    "terms_text": MAXIMUM_LEGAL_LENGTH,
}
LEGAL_PAGES = ("imprint", "privacy", "terms")
_THEME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_OPTION = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_MOST_OPTIONS, _LONGEST_OPTION = 40, 100
_LINK = re.compile(r"https://[^\s\"'<>\\]+|/(?![/\\])[^\s\"'<>\\]*")
# Pictures come from the site itself: the content security policy allows no others.
_PICTURE = re.compile(r"/(?![/\\])[A-Za-z0-9._/-]*")
# Stripe prints prefix, `* ` and suffix, 22 characters in all; a prefix has up to ten.
_STATEMENT = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9][A-Za-z0-9 ]{0,9}")
_TOKENS = tuple(each.name for each in fields(BrandTokens))


@dataclass(frozen=True, slots=True)
class BrandLook:
    """How a site looks and what it calls itself. Refuses links that are none, unknown languages.

    A legal page is an address elsewhere (`imprint_url`) or an own text (`imprint_text`), which
    the site shows at `/imprint`; the text wins. An empty `sender_name` means the brand's name.
    """

    name: str
    tokens: BrandTokens
    theme: str = "plain"
    language: str = Language.GERMAN.value
    logo_url: str = ""
    favicon_url: str = ""
    support_email: str = ""
    support_phone: str = ""
    imprint_url: str = ""
    privacy_url: str = ""
    terms_url: str = ""
    font: str = SYSTEM_FONT
    greeting: str = ""
    sender_name: str = ""
    reply_to: str = ""
    statement_suffix: str = ""
    imprint_text: str = ""
    privacy_text: str = ""
    terms_text: str = ""
    theme_options: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_texts(self)
        _require("name", bool(self.name.strip()))
        _require("theme", bool(_THEME.fullmatch(self.theme)))
        _require("language", read_language(self.language) is not None)
        _require("font", self.font in FONTS)
        for page in LEGAL_PAGES:
            url = getattr(self, f"{page}_url")
            if url and not _LINK.fullmatch(url):
                raise BrandLinkRefusedError(field=f"{page}_url")
        for name in ("logo_url", "favicon_url"):
            url = getattr(self, name)
            _require(name, not url or bool(_PICTURE.fullmatch(url)))
        for name in ("support_email", "reply_to"):
            _check_email(name, getattr(self, name))
        if self.statement_suffix and not _STATEMENT.fullmatch(self.statement_suffix):
            raise StatementSuffixRefusedError(field="statement_suffix")
        _check_options(self.theme_options)

    @property
    def imprint_link(self) -> str:
        """Where the legal notice is: an address, the site's own page, or nothing."""
        return self.legal_link("imprint")

    @property
    def privacy_link(self) -> str:
        """Where the privacy notice is: an address, the site's own page, or nothing."""
        return self.legal_link("privacy")

    @property
    def terms_link(self) -> str:
        """Where the terms are: an address, the site's own page, or nothing."""
        return self.legal_link("terms")

    def legal_link(self, page: str) -> str:
        """Return where one of `LEGAL_PAGES` is, empty where there is none."""
        text: str = getattr(self, f"{page}_text")
        url: str = getattr(self, f"{page}_url")
        return f"/{page}" if text.strip() else url


def values_of(look: BrandLook) -> dict[str, Any]:
    """Return a look as it is kept: one flat name for each value."""
    values = {each.name: getattr(look, each.name) for each in fields(BrandLook)}
    tokens = values.pop("tokens")
    values["theme_options"] = dict(look.theme_options)
    return values | {name: getattr(tokens, name) for name in _TOKENS}


def look_of(values: Mapping[str, Any]) -> BrandLook:
    """Return the look that was kept so; what was kept before a value existed has its default.

    Refuses with BrandRefusedError, naming the field, whatever cannot be used.
    """
    known = {each.name for each in fields(BrandLook)}
    rest = {name: value for name, value in values.items() if name in known}
    tokens = {name: values[name] for name in _TOKENS if name in values}
    try:
        return BrandLook(tokens=BrandTokens(**tokens), **rest)
    except InvalidColourError as refused:
        wrong = next((name for name in ("accent", "surface") if _is_no_colour(tokens, name)), "")
        raise BrandColourRefusedError(field=wrong) from refused
    except BrandTokenError as refused:
        raise BrandRefusedError(field="radius, density, mode") from refused


def _is_no_colour(tokens: Mapping[str, str], name: str) -> bool:
    try:
        BrandTokens(accent=tokens.get(name, "#000000"))
    except InvalidColourError:
        return True
    return False


def _check_texts(look: BrandLook) -> None:
    for each in fields(BrandLook):
        text = getattr(look, each.name)
        if not isinstance(text, str):
            continue
        most = _LONGEST.get(each.name, MAXIMUM_TEXT_LENGTH)
        if len(text) > most:
            raise BrandTextTooLongError(field=each.name, most=most)
        lines = text.split("\n") if each.name.endswith("_text") else [text]
        # What stands in a header, a title or a sender's name must not begin another one (R23).
        if not all(line.isprintable() for line in lines):
            raise BrandLineRefusedError(field=each.name)


def _check_email(name: str, address: str) -> None:
    try:
        if address:
            normalise_email(address)
    except InvalidEmailError as refused:
        raise BrandEmailRefusedError(field=name) from refused


def _check_options(options: Mapping[str, str]) -> None:
    _require("theme_options", len(options) <= _MOST_OPTIONS)
    for name, value in options.items():
        is_fine = bool(_OPTION.fullmatch(name)) and isinstance(value, str)
        _require("theme_options", is_fine and value.isprintable() and len(value) <= _LONGEST_OPTION)


def _require(field: str, holds: bool) -> None:  # noqa: FBT001 - reads as the sentence it is
    if not holds:
        raise BrandRefusedError(field=field)
