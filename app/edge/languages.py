"""In which language a request is answered (requirement A7).

A person's own choice comes first, then what this browser was told on this host, then the brand's
language, then what the browser prefers; German is the language of whoever wants none of ours. A
program of the API has no settings: it asks with `Accept-Language`, else the brand decides.
"""

from datetime import timedelta
from pathlib import Path

from flask import Flask, g, request
from flask_babel import Babel, get_locale
from werkzeug.wrappers import Response

from app.edge.callers import PROBLEM, is_api
from app.edge.pages import brand_or_none
from app.edge.signed_in import signed_in
from app.edge.site_guard import site_or_none
from app.edge.state import current_edge
from app.kernel import Language, read_language

_REMEMBERED_FOR = timedelta(days=365)
_COOKIE = "language"


def speak_languages(app: Flask, translations: Path) -> None:
    """Answer in the reader's language, and say in every answer with words which one that is."""
    Babel(
        app,
        default_locale=Language.GERMAN.value,
        default_translation_directories=str(translations),
        locale_selector=choose_language,
    )
    app.after_request(_name_language)


def choose_language() -> str:
    """Return the code of the language of this answer."""
    if "site" not in g or site_or_none() is None:
        # Pages for hosts that are nobody's are the same for everybody.
        return Language.ENGLISH.value
    if is_api():
        return _of_browser() or site_language()
    own = chosen_language()
    return site_language() if own is None else own.value


def site_language() -> str:
    """Return the code of the language for whoever chose none: the brand's, else the browser's."""
    brand = brand_or_none()
    of_brand = "" if brand is None else brand.own_language
    return of_brand or _of_browser() or Language.GERMAN.value


def chosen_language() -> Language | None:
    """Return what the person, else this browser, chose here; None for no choice."""
    # A page that says the database is in trouble may not ask it who is signed in.
    holder = None if g.get("is_in_trouble") else signed_in()
    own = None if holder is None else read_language(holder.language)
    return own or read_language(request.cookies.get(_name()))


def remember_language(response: Response, language: Language | None) -> None:
    """Let this browser, on this host, remember what was chosen; None: forget it."""
    is_secure = current_edge().options.is_secure
    if language is None:
        response.delete_cookie(_name(), secure=is_secure, httponly=True, samesite="Lax")
        return
    response.set_cookie(
        _name(),
        language.value,
        max_age=_REMEMBERED_FOR,
        secure=is_secure,
        httponly=True,
        samesite="Lax",
    )


def _of_browser() -> str | None:
    # Not `best_match`: it takes `*`, which programs send of their own accord, for a wish.
    for tag, quality in request.accept_languages:
        wanted = read_language(tag.partition("-")[0].lower())
        if wanted is not None and quality > 0:
            return wanted.value
    return None


def _name() -> str:
    # As with sessions: the prefix keeps a neighbour's subdomain from choosing (rules R10, R15).
    return f"__Host-{_COOKIE}" if current_edge().options.is_secure else _COOKIE


def _name_language(response: Response) -> Response:
    # A redirect is read by nobody, and to ask for its language may cost a query.
    if response.mimetype in {"text/html", PROBLEM} and "Location" not in response.headers:
        response.headers.setdefault("Content-Language", str(get_locale()))
        response.vary.update(("Cookie", "Accept-Language"))
    return response
