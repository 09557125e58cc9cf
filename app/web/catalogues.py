"""The pages' catalogues and formats for whoever writes outside of a request: messages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from babel import Locale
from babel.dates import format_date, format_time
from babel.support import NullTranslations, Translations

from app.branding import Language
from app.kernel import Money
from app.web import formats

_DIRECTORY = Path(__file__).parent / "translations"
_LANGUAGES = frozenset(each.value for each in Language)


@dataclass(frozen=True)
class PageWords:
    """One language as the pages speak it."""

    language: str
    catalogue: NullTranslations

    def gettext(self, text: str, **facts: object) -> str:
        """Return a text in this language, its placeholders filled."""
        said = self.catalogue.ugettext(text)
        return said % facts if facts else said

    def money(self, amount: Money) -> str:
        """Return an amount as this language writes it."""
        return formats.money(amount, Locale(self.language))

    def moment(self, at: datetime) -> str:
        """Return day and time of an aware time, to the minute, in our zone."""
        local, locale = at.astimezone(formats.DEFAULT_ZONE), Locale(self.language)
        day = format_date(local, format="long", locale=locale)
        return f"{day}, {format_time(local, format='short', locale=locale)}"


@lru_cache(maxsize=len(Language))
def words_of(language: str) -> PageWords:
    """Return the words of a language; English, in which we write, for one that we do not have."""
    known = language if language in _LANGUAGES else Language.ENGLISH.value
    return PageWords(known, Translations.load(_DIRECTORY, [known]))
