from enum import Enum


class Language(Enum):
    """The languages of pages, messages and refusals (requirement A7); German comes first."""

    GERMAN = "de"
    ENGLISH = "en"
    FRENCH = "fr"
    SPANISH = "es"

    @property
    def own_name(self) -> str:
        """What the language calls itself: the one word that its readers find in any list."""
        return _OWN_NAMES[self]


_OWN_NAMES = {
    Language.GERMAN: "Deutsch",
    Language.ENGLISH: "English",
    Language.FRENCH: "Français",
    Language.SPANISH: "Español",
}


def read_language(code: str | None) -> Language | None:
    """Return the language of a code such as `fr`; None for none and for one we do not speak."""
    return next((each for each in Language if each.value == code), None)
