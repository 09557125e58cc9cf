"""A language in which every translated text stands in brackets: outside is data, or a bug.

It takes the place of French, so numbers and dates are French and no German page looks right.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import Flask
from flask_babel import get_babel

from app.web import catalogues

TRANSLATIONS = Path(__file__).parents[2] / "app/web/translations"
LANGUAGE = "fr"
OPEN, CLOSE = "⟦", "⟧"
ATTRIBUTES = {
    "alt", "aria-description", "aria-label", "data-busy", "data-done", "data-hide-label",
    "data-invalid", "data-label", "placeholder", "title",
}  # fmt: skip
# Code is typed as it stands; what a person typed stands in fields.
SILENT_TAGS = {"script", "style", "code", "textarea"}
VOID_TAGS = {"input", "img", "br", "link", "meta", "rect", "path", "circle", "hr", "i"}


@contextmanager
def speaking_in_brackets(app: Flask, folder: Path) -> Iterator[None]:
    """Let the app speak the pseudo-language wherever it would speak French."""
    catalogue = Catalog(locale=LANGUAGE)
    with (TRANSLATIONS / LANGUAGE / "LC_MESSAGES/messages.po").open("rb") as file:
        for message in read_po(file, locale=LANGUAGE):
            if message.id:
                catalogue.add(message.id, _bracketed(message.id), flags=message.flags)
    target = folder / LANGUAGE / "LC_MESSAGES/messages.mo"
    target.parent.mkdir(parents=True)
    with target.open("wb") as file:
        write_mo(file, catalogue)
    with app.app_context():
        babel = get_babel()
        domain = babel.instance.domain_instance
    kept, babel.translation_directories = babel.translation_directories, [str(folder)]
    domain.cache.clear()
    letters, catalogues._DIRECTORY = catalogues._DIRECTORY, folder
    catalogues.words_of.cache_clear()
    try:
        yield
    finally:
        babel.translation_directories, catalogues._DIRECTORY = kept, letters
        domain.cache.clear()
        catalogues.words_of.cache_clear()


def untranslated(page: str, data: re.Pattern[str]) -> list[str]:
    """Return every text of a page that has letters outside of brackets and is no data."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    found = [(text, _outside(text)) for text in reader.texts]
    return [text for text, left in found if re.search(r"[^\W\d_]{2,}", data.sub(" ", left))]


def _bracketed(text: str | list[str] | tuple[str, ...]) -> str | tuple[str, ...]:
    if isinstance(text, str):
        return f"{OPEN}{text}{CLOSE}"
    return tuple(f"{OPEN}{form}{CLOSE}" for form in text)


def _outside(text: str) -> str:
    """Return what stands outside of all brackets, which nest where a text is part of a text."""
    depth, kept = 0, []
    for letter in text:
        depth += letter == OPEN
        kept.append(letter if depth == 0 else " ")
        depth -= letter == CLOSE
    assert depth == 0, text
    return "".join(kept)


class _Reader(HTMLParser):
    """Collects texts, and attributes that are shown or read out; a tag with `lang` is left out."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._silent: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        is_foreign = tag != "html" and any(name == "lang" for name, _ in attrs)
        if tag not in VOID_TAGS and (self._silent or tag in SILENT_TAGS or is_foreign):
            self._silent.append(tag)
        for name, value in attrs:
            if name in ATTRIBUTES and value and not self._silent:
                self.texts.append(" ".join(value.split()))

    def handle_endtag(self, tag: str) -> None:
        if self._silent and self._silent[-1] == tag:
            self._silent.pop()

    def handle_data(self, data: str) -> None:
        text = " ".join(data.split())
        if text and not self._silent:
            self.texts.append(text)
