"""Themes the operator installed under `themes/`: templates, static files, tokens."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2 import BaseLoader, ChoiceLoader, FileSystemLoader, PrefixLoader

PLAIN_LAYOUT = "layout.html"
THEME_FOLDER = "themes/"
PLAIN_THEME = "kontor"
_STYLE_SHEET = "theme.css"


@dataclass(frozen=True, slots=True)
class Theme:
    """One theme: the templates it overrides and where its static files lie."""

    name: str
    templates: frozenset[str]
    static: Path
    css_url: str

    def choose(self, template: str) -> str:
        """Return the theme's own version of a page where it has one."""
        return f"{THEME_FOLDER}{self.name}/{template}" if template in self.templates else template

    @property
    def layout(self) -> str:
        """The layout every page of the theme extends."""
        return self.choose(PLAIN_LAYOUT)


class ThemeShelf:
    """All installed themes, read once when the process starts."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        found = sorted(directory.glob("*/theme.toml"))
        self._themes: Mapping[str, Theme] = {path.parent.name: _read(path.parent) for path in found}
        nothing = Theme(PLAIN_THEME, frozenset(), directory / PLAIN_THEME / "static", "")
        self._plain = self._themes.get(PLAIN_THEME, nothing)

    def get(self, name: str) -> Theme:
        """Return a theme; one that is not installed (any more) looks like the plain one."""
        return self._themes.get(name, self._plain)

    def names(self) -> list[str]:
        """Return the names of the installed themes."""
        return sorted(self._themes)

    def find(self, name: str) -> Theme | None:
        """Return an installed theme by its exact name."""
        return self._themes.get(name)

    def loader(self, templates: Path) -> BaseLoader:
        """Return a loader of our pages and, under `themes/<name>/`, of every theme's own."""
        theirs = {
            name: FileSystemLoader(self._directory / name / "templates") for name in self._themes
        }
        return ChoiceLoader(
            [FileSystemLoader(templates), PrefixLoader({"themes": PrefixLoader(theirs)})]
        )


def _read(folder: Path) -> Theme:
    templates = folder / "templates"
    names = frozenset(path.relative_to(templates).as_posix() for path in templates.rglob("*.html"))
    sheet = folder / "static" / _STYLE_SHEET
    url = ""
    if sheet.is_file():
        version = hashlib.sha256(sheet.read_bytes()).hexdigest()[:16]
        url = f"/theme/{folder.name}/{_STYLE_SHEET}?v={version}"
    return Theme(folder.name, names, folder / "static", url)
