"""What the brand editor offers to choose from, and what it says about colours, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import flask_babel
from babel import Locale

from app.branding import FONTS, SYSTEM_FONT, BrandLook, BrandTokens, ContrastNote, contrast_notes
from app.branding import Language as BrandLanguage
from app.edge import ThemeOption, current_edge
from app.web.words import gettext as _

# Label and value.
Choices = Sequence[tuple[str, str]]


def brand_choices(look: BrandLook) -> Mapping[str, Choices]:
    """Return the options of every field that is chosen, by its name."""
    return {
        "theme": _themes(look.theme),
        "font": [
            (_("Font of the theme") if name == SYSTEM_FONT else family.title, name)
            for name, family in FONTS.items()
        ],
        "language": [(_language(each.value), each.value) for each in BrandLanguage],
        "radius": [(_("Square"), "none"), (_("Slightly round"), "small"), (_("Round"), "large")],
        "density": [(_("Generous"), "comfortable"), (_("Compact"), "compact")],
        "mode": [
            (_("As the device prefers"), "auto"),
            (_("Always light"), "light"),
            (_("Always dark"), "dark"),
        ],
    }


def contrast_sentences(tokens: BrandTokens) -> Sequence[tuple[str, ContrastNote]]:
    """Return what happens to colours that could not be read, each with its note."""
    return [(_sentence(each), each) for each in contrast_notes(tokens)]


@dataclass(frozen=True, slots=True)
class OptionField:
    """An option of the theme as the form shows it; a number has no choices but limits."""

    name: str
    title: str
    value: str
    choices: Choices
    unit: str
    minimum: int
    maximum: int


def theme_options(look: BrandLook) -> Sequence[OptionField]:
    """Return what the look's theme lets a reseller choose, and what holds now."""
    theme, language = current_edge().themes.get(look.theme), _reader()
    chosen = theme.chosen(look.theme_options)
    return [
        OptionField(
            name=name,
            title=option.title_in(language),
            value=chosen[name],
            choices=_values(option, language),
            unit=option.unit,
            minimum=option.minimum,
            maximum=option.maximum,
        )
        for name, option in theme.options.items()
    ]


def _values(option: ThemeOption, language: str) -> Choices:
    if option.kind == "switch":
        return [(_("On"), "on"), (_("Off"), "off")]
    return [(option.choice_in(value, language), value) for value in option.values]


def _reader() -> str:
    return (flask_babel.get_locale() or Locale("de")).language


def _themes(chosen: str) -> Choices:
    shelf = current_edge().themes
    language = _reader()
    known = [(theme.title(language), theme.name) for theme in shelf.installed]
    if shelf.find(chosen) is None:
        # It was uninstalled: the site wears the plain one, and the form does not change that.
        known.append((_("%(theme)s (not installed)", theme=chosen), chosen))
    return known


def _language(code: str) -> str:
    name = Locale.parse(code).display_name or code
    return name[:1].upper() + name[1:]


def _sentence(note: ContrastNote) -> str:
    asked, used = (
        flask_babel.format_decimal(round(ratio, 1)) for ratio in (note.asked_ratio, note.used_ratio)
    )
    facts = {"asked": note.asked, "used": note.used, "asked_ratio": asked, "used_ratio": used}
    if note.colour == "surface":
        return _(
            "As a background %(asked)s would make texts hard to read; pages use %(used)s.", **facts
        )
    if note.mode == "light":
        return _(
            "On light pages %(asked)s has a contrast of %(asked_ratio)s to 1, too little to read; "
            "links and buttons there use %(used)s (%(used_ratio)s to 1).",
            **facts,
        )
    return _(
        "On dark pages %(asked)s has a contrast of %(asked_ratio)s to 1, too little to read; "
        "links and buttons there use %(used)s (%(used_ratio)s to 1).",
        **facts,
    )
