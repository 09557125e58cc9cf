"""Themes the operator installed under `themes/`: templates, static files, tokens, options (A3)."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from jinja2 import BaseLoader, ChoiceLoader, Environment, FileSystemLoader, PrefixLoader

from app.branding import BrandTokens
from app.edge.theme_checks import STYLE_SHEET, file_problems, template_problems
from app.edge.theme_declarations import (
    ThemeDeclaration,
    ThemeOption,
    ThemeProblemError,
    read_declaration,
    said_in,
)

PLAIN_LAYOUT = "layout.html"
THEME_FOLDER = "themes/"
PLAIN_THEME = "plain"
_VERSION_LENGTH = 16

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Theme:
    """One theme: what it declares, the templates it overrides, where its static files lie."""

    name: str
    templates: frozenset[str]
    static: Path
    css_url: str
    declared: ThemeDeclaration
    preloads: tuple[str, ...] = ()

    def choose(self, template: str) -> str:
        """Return the theme's own version of a page where it has one."""
        return f"{THEME_FOLDER}{self.name}/{template}" if template in self.templates else template

    @property
    def layout(self) -> str:
        """The layout every page of the theme extends."""
        return self.choose(PLAIN_LAYOUT)

    @property
    def options(self) -> Mapping[str, ThemeOption]:
        """What a reseller may choose, by name, in the order of the declaration."""
        return self.declared.options

    @property
    def tokens(self) -> BrandTokens:
        """What a brand starts from that takes this theme."""
        return self.declared.brand_tokens

    def title(self, language: str) -> str:
        """Return what the theme is called."""
        return said_in(self.declared.title, language)

    def description(self, language: str) -> str:
        """Return what the theme is like; empty where it does not say."""
        return said_in(self.declared.description, language)

    def chosen(self, options: Mapping[str, str]) -> dict[str, str]:
        """Return a value for every option: the reseller's where it is on offer, else the usual."""
        return {
            name: options[name] if option.accepts(options.get(name, "")) else option.usual
            for name, option in self.options.items()
        }

    def attributes(self, options: Mapping[str, str]) -> dict[str, str]:
        """Return what stands at the root of every page, for `theme.css` to select by."""
        chosen = self.chosen(options)
        return {
            f"data-theme-{name}": chosen[name]
            for name, option in self.options.items()
            if option.kind != "number"
        }

    def css(self, options: Mapping[str, str]) -> str:
        """Return the numbers a reseller chose as custom properties `--theme-<name>`."""
        chosen = self.chosen(options)
        numbers = "".join(
            f"--theme-{name}:{chosen[name]}{option.unit};"
            for name, option in self.options.items()
            if option.kind == "number"
        )
        return f":root{{{numbers}}}\n" if numbers else ""


@dataclass(slots=True)
class ThemeReport:
    """What there is to say about one installed theme; without problems it is in use."""

    name: str
    theme: Theme | None
    problems: list[str] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)

    @property
    def is_broken(self) -> bool:
        """Whether sites that chose it look plain instead."""
        return self.theme is None


class ThemeShelf:
    """All installed themes, read and checked once when the process starts.

    One that breaks a rule is not used: sites that chose it look plain, and `reports` and the log
    say why.
    """

    def __init__(self, directory: Path, *, templates: Path) -> None:
        self._directory = directory
        self._templates = templates
        self._pages = frozenset(
            path.relative_to(templates).as_posix() for path in templates.rglob("*.html")
        )
        found = sorted(path for path in directory.glob("[!.]*") if path.is_dir())
        self._reports = {path.name: self._report(path) for path in found}
        nothing = ThemeDeclaration(name=PLAIN_THEME, title={"en": PLAIN_THEME})
        self._nothing = Theme(PLAIN_THEME, frozenset(), directory / "none", "", nothing)

    def get(self, name: str) -> Theme:
        """Return a theme; one that is broken or not installed (any more) looks plain."""
        return self.find(name) or self.find(PLAIN_THEME) or self._nothing

    def names(self) -> list[str]:
        """Return the names of the installed themes."""
        return [theme.name for theme in self.installed]

    def find(self, name: str) -> Theme | None:
        """Return an installed theme that is in order, by its exact name."""
        report = self._reports.get(name)
        return report.theme if report else None

    @property
    def installed(self) -> list[Theme]:
        """Every theme that may be chosen, by name."""
        return [report.theme for report in self._reports.values() if report.theme]

    @property
    def reports(self) -> list[ThemeReport]:
        """What there is to say about every theme, by name."""
        return list(self._reports.values())

    def loader(self) -> BaseLoader:
        """Return a loader of our pages and, under `themes/<name>/`, of every theme's own."""
        theirs = {
            name: FileSystemLoader(self._directory / name / "templates")
            for name, report in self._reports.items()
            if not report.is_broken
        }
        return ChoiceLoader(
            [FileSystemLoader(self._templates), PrefixLoader({"themes": PrefixLoader(theirs)})]
        )

    def compile(self, environment: Environment) -> None:
        """Compile every template of every theme; a theme with one that does not is broken."""
        for report in self._reports.values():
            if theme := report.theme:
                prefix = f"{THEME_FOLDER}{theme.name}/"
                problems = template_problems(environment, prefix, theme.templates, self._pages)
                report.problems += problems
                if report.problems:
                    report.theme = None
            if report.is_broken:
                log.error("theme_broken", theme=report.name, problems=report.problems)

    def blame(self, name: str, template: str, error: Exception) -> None:
        """Keep and log, once per template and process, that it failed while it was rendered."""
        report = self._reports.get(name)
        if report is None or template in report.failures:
            return
        # The text of any other error may hold what a customer typed.
        said = str(error) if type(error).__module__.startswith("jinja2") else ""
        report.failures[template] = f"{type(error).__name__}: {said}".removesuffix(": ")
        log.error(
            "theme_template_failed", theme=name, template=template, error=report.failures[template]
        )

    def _report(self, folder: Path) -> ThemeReport:
        try:
            return ThemeReport(folder.name, _read(folder, self._pages))
        except ThemeProblemError as broken:
            return ThemeReport(folder.name, None, list(broken.problems))


def _read(folder: Path, pages: frozenset[str]) -> Theme:
    if problems := list(file_problems(folder, pages)):
        raise ThemeProblemError(*problems)
    declared = read_declaration(folder)
    static = folder / "static"
    if lost := [file for file in declared.fonts.preload if not (static / file).is_file()]:
        raise ThemeProblemError(*(f"fonts.preload: there is no static/{file}" for file in lost))
    templates = folder / "templates"
    return Theme(
        folder.name,
        frozenset(path.relative_to(templates).as_posix() for path in templates.rglob("*.html")),
        static,
        next(_addresses(folder.name, static, [STYLE_SHEET]), ""),
        declared,
        tuple(_addresses(folder.name, static, declared.fonts.preload)),
    )


def _addresses(theme: str, static: Path, files: list[str]) -> Iterator[str]:
    """Address files by their content, so that browsers may keep them."""
    for name in files:
        if (static / name).is_file():
            version = hashlib.sha256((static / name).read_bytes()).hexdigest()[:_VERSION_LENGTH]
            yield f"/theme/{theme}/{name}?v={version}"
