from pathlib import Path

from flask import Flask, g, request
from flask_babel import Babel

from app.branding import Language
from app.edge.pages import brand_or_none
from app.edge.site_guard import site_or_none

_CODES = [each.value for each in Language]
_NEUTRAL = Language.ENGLISH.value


def speak_languages(app: Flask, translations: Path) -> None:
    """Answer in the brand's language; without a brand in the visitor's; else in English."""
    Babel(
        app,
        default_locale=_NEUTRAL,
        default_translation_directories=str(translations),
        locale_selector=choose_language,
    )


def choose_language() -> str:
    """Return the language of this answer. A person's own choice comes first once it can be made."""
    if "site" not in g or site_or_none() is None:
        # Pages for hosts that are nobody's are the same for everybody.
        return _NEUTRAL
    brand = brand_or_none()
    if brand is not None:
        return brand.language
    return request.accept_languages.best_match(_CODES) or _NEUTRAL
