"""What a theme says of itself in `theme.toml`: words, tokens, options, fonts. Read, never run."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from app.branding import BrandTokenError, BrandTokens, Language

DECLARATION = "theme.toml"
THEME_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
# Where no token is given: the platform's own neutral look.
_PLAIN_TOKENS = BrandTokens(accent="#2f3e5c", surface="#f6f7f9")
_OPTION_NAME = r"[a-z][a-z0-9-]{0,29}"
_ENGLISH = Language.ENGLISH.value
_LONGEST_TEXT = 200
_TOML = ConfigDict(extra="forbid", frozen=True, strict=True)


class ThemeProblemError(ValueError):
    """A theme cannot be used; `problems` says why, a sentence each, for whoever installed it."""

    def __init__(self, *problems: str) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def _as_words(given: object) -> object:
    return {_ENGLISH: given} if isinstance(given, str) else given


Text = Annotated[str, Field(min_length=1, max_length=_LONGEST_TEXT)]
# A text in English, or a table of texts by language with English among them.
Words = Annotated[dict[Literal["en", "de", "fr", "es"], Text], BeforeValidator(_as_words)]
OptionName = Annotated[str, Field(pattern=f"^{_OPTION_NAME}$")]


def said_in(words: Mapping[Any, str], language: str) -> str:
    """Return words in a language, in English where they are not translated."""
    return words.get(language) or words.get(_ENGLISH, "")


class ThemeOption(BaseModel):
    """Something a reseller may choose about a theme; every value is a text.

    A `choice` is one of `choices`, a `switch` is `on` or `off`, a `number` is a whole number from
    `minimum` to `maximum` of a unit. There is no colour: those follow from the brand, readable.
    """

    model_config = _TOML

    title: Words
    kind: Literal["choice", "switch", "number"] = "choice"
    choices: dict[OptionName, Words] = Field(default_factory=dict)
    default: str | bool | int
    minimum: int = 0
    maximum: int = 0
    unit: Literal["", "px", "rem", "%", "ms"] = ""

    @model_validator(mode="after")
    def _must_offer_its_default(self) -> Self:
        if (self.kind == "choice") != (len(self.choices) > 1):
            raise ValueError("a choice has two choices at least, and nothing else has any")
        if _ENGLISH not in self.title or any(
            _ENGLISH not in each for each in self.choices.values()
        ):
            raise ValueError("every text needs an English version")
        if not self.accepts(self.usual):
            raise ValueError("the default is not among the values on offer")
        return self

    @property
    def usual(self) -> str:
        """The value that holds until a reseller chooses another."""
        if self.kind == "switch":
            return {True: "on", False: "off"}.get(self.default, "")  # type: ignore[call-overload,no-any-return]
        return str(self.default)

    @property
    def values(self) -> tuple[str, ...]:
        """Every value of a choice or a switch; none of a number."""
        return ("on", "off") if self.kind == "switch" else tuple(self.choices)

    def accepts(self, value: str) -> bool:
        """Return whether a value is on offer."""
        if self.kind != "number":
            return value in self.values
        is_whole = re.fullmatch(r"-?[0-9]{1,6}", value) is not None
        return is_whole and self.minimum <= int(value) <= self.maximum

    def title_in(self, language: str) -> str:
        """Return what the option is called."""
        return said_in(self.title, language)

    def choice_in(self, value: str, language: str) -> str:
        """Return what one of its choices is called; a switch and a number have no words here."""
        return said_in(self.choices.get(value, {}), language) or value


class _Fonts(BaseModel):
    model_config = _TOML

    preload: list[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9/_-]*\.woff2$")]] = Field(
        default_factory=list, max_length=3
    )


class ThemeDeclaration(BaseModel):
    """The whole of `theme.toml`. Refuses what it does not know, so that a slip is noticed."""

    model_config = _TOML

    name: str
    title: Words
    description: Words = Field(default_factory=dict)
    author: Text = ""
    licence: Text = ""
    tokens: dict[str, str] = Field(default_factory=dict)
    options: dict[OptionName, ThemeOption] = Field(default_factory=dict, max_length=12)
    fonts: _Fonts = Field(default_factory=_Fonts)

    @property
    def brand_tokens(self) -> BrandTokens:
        """What a brand starts from that takes this theme; it may change each of them."""
        return _tokens(self.tokens)


def read_declaration(folder: Path) -> ThemeDeclaration:
    """Read the declaration of the theme in `folder`; refuses one that breaks a rule."""
    try:
        given = tomllib.loads((folder / DECLARATION).read_text(encoding="utf-8"))
        declared = ThemeDeclaration.model_validate(given)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as unreadable:
        raise ThemeProblemError(f"{DECLARATION} cannot be read: {unreadable}") from unreadable
    except ValidationError as refused:
        raise ThemeProblemError(*_sentences(refused)) from refused
    if declared.name != folder.name:
        raise ThemeProblemError(f"{DECLARATION}: name is not that of the folder, {folder.name}")
    if not THEME_NAME.fullmatch(declared.name):
        raise ThemeProblemError(f"{DECLARATION}: name may hold a to z, 0 to 9 and hyphens")
    if _ENGLISH not in declared.title:
        raise ThemeProblemError(f"{DECLARATION}: title needs an English version")
    try:
        _tokens(declared.tokens)
    except (BrandTokenError, TypeError) as refused:
        raise ThemeProblemError(f"{DECLARATION}: tokens: {refused} is not on offer") from refused
    return declared


def _tokens(given: Mapping[str, str]) -> BrandTokens:
    usual: dict[str, Any] = asdict(_PLAIN_TOKENS)
    if strange := given.keys() - usual.keys():
        raise BrandTokenError(", ".join(sorted(strange)))
    return BrandTokens(**usual | dict(given))


def _sentences(refused: ValidationError) -> list[str]:
    return [
        f"{DECLARATION}: {'.'.join(str(part) for part in each['loc'])}: {each['msg']}"
        for each in refused.errors(include_url=False, include_input=False)
    ]
