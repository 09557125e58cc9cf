"""What becomes of a brand's colours where they could not be read: said before it is published."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from app.branding.rules import BrandTokens, colour_roles, contrast

# A tint may be moved by so much (of 255, in any channel) before anybody notices.
_UNNOTICED = 16


@dataclass(frozen=True, slots=True)
class ContrastNote:
    """A colour that was asked for and the one used in its place in one mode.

    `asked_ratio` and `used_ratio` are WCAG contrasts (1 to 21) with the page; text needs 4.5.
    """

    colour: Literal["accent", "surface"]
    mode: Literal["light", "dark"]
    asked: str
    used: str
    asked_ratio: float
    used_ratio: float


def contrast_notes(tokens: BrandTokens) -> tuple[ContrastNote, ...]:
    """Return a note for every colour that is replaced in a mode which the brand shows."""
    return tuple(_notes(tokens))


def _notes(tokens: BrandTokens) -> Iterator[ContrastNote]:
    modes: tuple[Literal["light", "dark"], ...] = (
        ("light", "dark") if tokens.mode == "auto" else (tokens.mode,)
    )
    for mode in modes:
        roles = colour_roles(tokens, mode)
        page = roles["surface"]
        # A page in the dark is dark whatever the tint: no news where light is shown, too.
        if mode == modes[0] and _differs(tokens.surface.lower(), page):
            ink = roles["text"]
            yield ContrastNote(
                "surface", mode, tokens.surface.lower(), page,
                contrast(tokens.surface, ink), contrast(page, ink),
            )  # fmt: skip
        asked, used = tokens.accent.lower(), roles["accent"]
        if asked != used:
            yield ContrastNote(
                "accent", mode, asked, used, contrast(asked, page), contrast(used, page)
            )


def _differs(first: str, second: str) -> bool:
    pairs = zip(bytes.fromhex(first[1:]), bytes.fromhex(second[1:]), strict=True)
    return max(abs(one - other) for one, other in pairs) > _UNNOTICED
