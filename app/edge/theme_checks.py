"""Whether a theme's files keep the rules (A3, R25): in their place, nothing from elsewhere."""

import re
import sys
from collections.abc import Collection, Iterator
from pathlib import Path

from jinja2 import Environment, TemplateError, meta

from app.edge.theme_declarations import DECLARATION

# A theme's own pieces, which no page of ours knows: `{% include "parts/x.html" %}`.
OWN_PARTS = "parts/"
PLATFORM_PAGES = "platform/"
STYLE_SHEET = "theme.css"
STATIC_KINDS = frozenset({".css", ".svg", ".woff2", ".png", ".webp", ".jpg", ".txt"})
LARGEST_FILE = 300_000
# Every page is built from them: a copy would break with the next release. `theme.css` dresses them.
SHARED = frozenset({"components.html", "shell.html", "errors/neutral.html"})

_CSS_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_CSS_ESCAPE = re.compile(r"\\(?:([0-9a-fA-F]{1,6})\s?|(.))", re.DOTALL)
_CSS_URL = re.compile(r"url\(\s*(['\"]?)(.*?)\1\s*\)", re.DOTALL | re.IGNORECASE)
_REMOTE = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)
_DATA_PICTURE = re.compile(r"data:image/(?:png|webp|jpeg|svg\+xml)[;,]", re.IGNORECASE)
_SVG_ACTS = re.compile(
    r"<script|<foreignobject|\bon[a-z]+\s*=|javascript:|<!entity|href\s*=\s*(?!['\"]?#)",
    re.IGNORECASE,
)
_TEMPLATE_COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)
# A link that a person follows may lead away; what a browser loads by itself may not.
_LOADS_REMOTE = re.compile(
    r"<(?:link|script|img|source|iframe|object|embed|video|audio|base|form|input|meta)\b"
    r"[^>]*?(?:[a-z]+:)?//",
    re.IGNORECASE,
)
_FRAMES = re.compile(r"<(?:iframe|object|embed|base)\b|<meta[^>]+http-equiv", re.IGNORECASE)


def file_problems(folder: Path, pages: Collection[str]) -> Iterator[str]:
    """Name every file of a theme that breaks a rule; `pages` are the templates that we have."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or not path.resolve().is_relative_to(folder.resolve()):
            yield f"{name} is a link; a theme holds its files itself"
        elif path.is_file() and path.stat().st_size > LARGEST_FILE:
            yield f"{name} is larger than {LARGEST_FILE // 1000} kB"
        elif path.is_file():
            yield from _problems_of(folder, path, name, pages)


def template_problems(
    environment: Environment, prefix: str, templates: Collection[str], pages: Collection[str]
) -> Iterator[str]:
    """Name every template of a theme that does not compile or asks for one it may not have."""
    for name in sorted(templates):
        try:
            environment.get_template(prefix + name)
        except TemplateError as broken:
            line = getattr(broken, "lineno", None)
            yield f"templates/{name}{f', line {line}' if line else ''}: {broken.message}"
            continue
        source, *_ = environment.loader.get_source(environment, prefix + name)  # type: ignore[union-attr]
        for asked in meta.find_referenced_templates(environment.parse(source)):
            is_there = asked is None or asked in templates or asked in pages
            if asked and (not is_there or asked.startswith(PLATFORM_PAGES)):
                yield f"templates/{name} asks for {asked}, which a theme does not have"


def style_problems(css: str, static: Path, sheet: str = STYLE_SHEET) -> Iterator[str]:
    """Name what a style sheet would load from elsewhere, or from where nothing is (rule R25)."""
    # An escape spells the same word: `@\69mport` imports.
    plain = _CSS_ESCAPE.sub(_spelt, _CSS_COMMENT.sub(" ", css))
    if "@import" in plain.lower():
        yield f"static/{sheet}: @import is refused; put everything into one style sheet"
    for _, address in _CSS_URL.findall(plain):
        if address.startswith("#") or _DATA_PICTURE.match(address):
            continue
        target = (static / sheet).parent / re.split(r"[?#]", address)[0]
        is_near = target.resolve().is_relative_to(static.resolve()) and target.is_file()
        if ":" in address or address.startswith("/") or not is_near:
            yield f"static/{sheet}: url({address}) is no file of the theme"
    if _REMOTE.search(_CSS_URL.sub(" ", plain)):
        yield f"static/{sheet}: an address of another host is refused"


def _problems_of(folder: Path, path: Path, name: str, pages: Collection[str]) -> Iterator[str]:
    place, _, rest = name.partition("/")
    if place == "templates" and rest:
        yield from _page_problems(path, name, rest, pages)
    elif place == "static" and rest:
        yield from _static_problems(folder, path, name, rest)
    elif name != DECLARATION and path.suffix not in {".md", ".txt"}:
        yield f"{name} belongs into templates/ or static/"


def _page_problems(path: Path, name: str, page: str, pages: Collection[str]) -> Iterator[str]:
    if page.startswith(PLATFORM_PAGES):
        yield f"{name}: the platform's own pages have no themes"
    elif page in SHARED:
        yield f"{name}: every page is built from this one; dress it with static/{STYLE_SHEET}"
    elif not page.endswith(".html") or (page not in pages and not page.startswith(OWN_PARTS)):
        yield f"{name}: there is no page of this name; own pieces go into templates/{OWN_PARTS}"
    text = _read(path)
    if text is None:
        yield f"{name} is no text in UTF-8"
        return
    source = _TEMPLATE_COMMENT.sub("", text)
    if _LOADS_REMOTE.search(source):
        yield f"{name} loads something from another host"
    if _FRAMES.search(source):
        yield f"{name}: frames, <base> and <meta http-equiv> are refused"


def _static_problems(folder: Path, path: Path, name: str, rest: str) -> Iterator[str]:
    if path.suffix not in STATIC_KINDS:
        yield f"{name}: only {', '.join(sorted(STATIC_KINDS))} are served"
        return
    if path.suffix not in {".css", ".svg"}:
        return
    text = _read(path)
    if text is None:
        yield f"{name} is no text in UTF-8"
    elif path.suffix == ".css":
        yield from style_problems(text, folder / "static", rest)
    elif _SVG_ACTS.search(text):
        yield f"{name}: scripts, handlers and links are refused in a drawing"


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def _spelt(escape: re.Match[str]) -> str:
    if escape[1] is None:
        return escape[2]
    point = int(escape[1], 16)
    return chr(point) if 0 < point <= sys.maxunicode else " "
