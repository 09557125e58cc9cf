"""From a handful of brand tokens to every colour role, in OKLCH, WCAG AA by construction.

A reseller picks an accent and a tint; nobody can be trusted to pick fourteen colours that
stay readable on each other in two modes. So each role is searched for: it starts where it
would look best and moves in lightness, hue kept, until it is readable on every background
it may stand on. The contrast is measured on the rounded `#rrggbb` that the browser gets.

OKLab: https://bottosson.github.io/posts/oklab/ (matrices), contrast: WCAG 2.2, 1.4.3.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from app.branding.errors import BrandRefusedError

Radius = Literal["none", "small", "large"]
Density = Literal["comfortable", "compact"]
Mode = Literal["auto", "light", "dark"]

_HEX = re.compile(r"#[0-9a-fA-F]{6}")

# A little above the norm (4.5 and 3), so that no rounding in a browser falls below it.
_TEXT_RATIO = 4.55
_BODY_RATIO = 7.0
_UI_RATIO = 3.05
_LIGHTNESS_STEP = 0.004
_ALMOST_BLACK, _ALMOST_WHITE = 0.001, 0.999

# sRGB's transfer curve is straight near black (IEC 61966-2-1).
_STRAIGHT_ENCODED, _STRAIGHT_LINEAR = 0.04045, 0.0031308
_GAMUT_SLACK = 1e-4

_RADII: Mapping[Radius, tuple[str, str, str]] = {
    "none": ("0", "2px", "2px"),
    "small": ("4px", "6px", "10px"),
    "large": ("8px", "12px", "20px"),
}
_ROW_SPACE: Mapping[Density, str] = {"comfortable": "1rem", "compact": "0.5rem"}
_SIGNAL_HUES: Mapping[str, tuple[float, float]] = {
    "positive": (155.0, 0.12),
    "warning": (70.0, 0.12),
    "danger": (25.0, 0.17),
}


class BrandTokenError(ValueError):
    """A brand token has a value that is not on offer."""


class InvalidColourError(BrandTokenError):
    """A colour is not written as `#rrggbb`; nothing else may reach a style sheet."""


@dataclass(frozen=True, slots=True)
class BrandTokens:
    """What a brand may decide; everything else follows from it.

    Raises InvalidColourError or BrandTokenError for a value that is not on offer.
    """

    accent: str
    surface: str = "#ffffff"
    radius: Radius = "small"
    density: Density = "comfortable"
    mode: Mode = "auto"

    def __post_init__(self) -> None:
        for colour in (self.accent, self.surface):
            _channels(colour)
        for value, allowed in (
            (self.radius, get_args(Radius)),
            (self.density, get_args(Density)),
            (self.mode, get_args(Mode)),
        ):
            if value not in allowed:
                raise BrandTokenError(value)


@dataclass(frozen=True, slots=True)
class _Oklch:
    """A colour by perceived lightness (0 to 1), chroma and hue in degrees."""

    lightness: float
    chroma: float
    hue: float


@dataclass(frozen=True, slots=True)
class _Ladder:
    """The lightness of each role in one mode, the most tint, and the way to more contrast."""

    surface: tuple[float, float]
    tint: float
    raised: tuple[float, float]
    sunken: float
    soft: float
    text: float
    muted: float
    line: float
    line_strong: float
    signal: float
    towards: Literal[-1, 1]


_LIGHT = _Ladder(
    surface=(0.965, 0.99),
    tint=0.018,
    raised=(0.998, 0.4),
    sunken=0.95,
    soft=0.95,
    text=0.25,
    muted=0.5,
    line=0.905,
    line_strong=0.65,
    signal=0.52,
    towards=-1,
)
_DARK = _Ladder(
    surface=(0.18, 0.18),
    tint=0.01,
    raised=(0.225, 1.2),
    sunken=0.15,
    soft=0.29,
    text=0.95,
    muted=0.74,
    line=0.33,
    line_strong=0.5,
    signal=0.78,
    towards=1,
)


def require_colour(colour: str) -> str:
    """Return a colour that is written as `#rrggbb`, in small letters; refuses any other."""
    try:
        _channels(colour)
    except InvalidColourError as refused:
        raise BrandRefusedError(field="accent") from refused
    return colour.lower()


def contrast(first: str, second: str) -> float:
    """Return the WCAG contrast ratio (1 to 21) of two `#rrggbb` colours."""
    high, low = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def colour_roles(tokens: BrandTokens, mode: Literal["light", "dark"]) -> dict[str, str]:
    """Return every colour role of one mode as `#rrggbb`, without the leading dashes."""
    ladder = _LIGHT if mode == "light" else _DARK
    accent, tint = _to_oklch(tokens.accent), _to_oklch(tokens.surface)
    roles = {"brand": tokens.accent.lower(), **_backgrounds(ladder, accent, tint)}
    grounds = [value for role, value in roles.items() if role != "brand"]
    sheets = [roles["surface"], roles["surface-raised"]]
    ink = min(accent.chroma * 0.1, 0.011)
    away = ladder.towards

    def search(start: _Oklch, ratio: float, against: Sequence[str]) -> str:
        return _readable(start, ratio, against, away)

    roles["accent"] = search(accent, _TEXT_RATIO, grounds)
    roles["accent-strong"] = _shifted(roles["accent"], 0.05 * away)
    roles["on-accent"] = _on((roles["accent"], roles["accent-strong"]), away)
    roles["text"] = search(_Oklch(ladder.text, ink, accent.hue), _BODY_RATIO, grounds)
    roles["text-muted"] = search(_Oklch(ladder.muted, ink, accent.hue), _TEXT_RATIO, grounds)
    roles["line"] = _to_hex(_Oklch(ladder.line, min(tint.chroma, ladder.tint), tint.hue))
    strong = _Oklch(ladder.line_strong, ink, accent.hue)
    roles["line-strong"] = search(strong, _UI_RATIO, sheets)
    vivid = _Oklch(ladder.line_strong, max(accent.chroma, 0.1), accent.hue)
    roles["focus"] = search(vivid, _UI_RATIO, grounds)
    for name, (hue, chroma) in _SIGNAL_HUES.items():
        roles[name] = search(_Oklch(ladder.signal, chroma, hue), _TEXT_RATIO, grounds)
    return roles


def brand_css(tokens: BrandTokens) -> str:
    """Return the style sheet that dresses the base style in a brand, light and dark."""
    small, medium, large = _RADII[tokens.radius]
    shape = (
        f"--radius-s:{small};--radius-m:{medium};--radius-l:{large};"
        f"--row-space:{_ROW_SPACE[tokens.density]};"
    )
    if tokens.mode != "auto":
        # `:root:root` outweighs the dark rules of the base style, whatever the system prefers.
        return f":root:root{{{shape}{_declarations(tokens, tokens.mode)}}}\n"
    light, dark = _declarations(tokens, "light"), _declarations(tokens, "dark")
    return (
        f":root{{{shape}{light}}}\n"
        f"@media (prefers-color-scheme:dark){{:root:not([data-mode=light]){{{dark}}}}}\n"
        f":root[data-mode=dark]{{{dark}}}\n"
    )


def _declarations(tokens: BrandTokens, mode: Literal["light", "dark"]) -> str:
    roles = colour_roles(tokens, mode)
    return f"color-scheme:{mode};" + "".join(
        f"--{role}:{hex_}" + ";" for role, hex_ in roles.items()
    )


def _backgrounds(ladder: _Ladder, accent: _Oklch, tint: _Oklch) -> dict[str, str]:
    lowest, highest = ladder.surface
    raised, share = ladder.raised  # a sheet's lightness, and how much of the tint it takes
    surface = min(max(tint.lightness, lowest), highest)
    chroma = min(tint.chroma, ladder.tint)
    soft = min(accent.chroma * 0.25, 0.028)
    signals = {
        f"{name}-soft": _to_hex(_Oklch(ladder.soft, 0.035, hue))
        for name, (hue, _) in _SIGNAL_HUES.items()
    }
    return {
        "surface": _to_hex(_Oklch(surface, chroma, tint.hue)),
        "surface-raised": _to_hex(_Oklch(raised, chroma * share, tint.hue)),
        "surface-sunken": _to_hex(_Oklch(ladder.sunken, chroma, tint.hue)),
        "accent-soft": _to_hex(_Oklch(ladder.soft, soft, accent.hue)),
        **signals,
    }


def _readable(start: _Oklch, ratio: float, against: Sequence[str], towards: int) -> str:
    """Walk from `start` towards black or white until `ratio` holds on every background."""
    lightness = min(max(start.lightness, _ALMOST_BLACK), _ALMOST_WHITE)
    while 0.0 < lightness < 1.0:
        candidate = _to_hex(_Oklch(lightness, start.chroma, start.hue))
        if all(contrast(candidate, ground) >= ratio for ground in against):
            return candidate
        lightness += towards * _LIGHTNESS_STEP
    return "#000000" if towards < 0 else "#ffffff"


def _on(fills: Sequence[str], towards: int) -> str:
    """Return the text colour of a filled control: paper on ink, ink on light."""
    preferred, other = ("#ffffff", "#000000") if towards < 0 else ("#0b0b0c", "#ffffff")
    if all(contrast(preferred, fill) >= _TEXT_RATIO for fill in fills):
        return preferred
    return other


def _shifted(colour: str, by: float) -> str:
    seen = _to_oklch(colour)
    lightness = min(max(seen.lightness + by, 0.0), 1.0)
    return _to_hex(_Oklch(lightness, seen.chroma, seen.hue))


def _channels(colour: str) -> tuple[int, int, int]:
    if not _HEX.fullmatch(colour):
        raise InvalidColourError(colour)
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _linear(colour: str) -> tuple[float, float, float]:
    red, green, blue = (
        value / 12.92 if value <= _STRAIGHT_ENCODED else ((value + 0.055) / 1.055) ** 2.4
        for value in (channel / 255 for channel in _channels(colour))
    )
    return red, green, blue


def _luminance(colour: str) -> float:
    red, green, blue = _linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _to_oklch(colour: str) -> _Oklch:
    red, green, blue = _linear(colour)
    long = math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue)
    medium = math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue)
    short = math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue)
    lightness = 0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short
    a = 1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short
    b = 0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short
    return _Oklch(lightness, math.hypot(a, b), math.degrees(math.atan2(b, a)))


def _to_linear(colour: _Oklch) -> tuple[float, float, float]:
    a = colour.chroma * math.cos(math.radians(colour.hue))
    b = colour.chroma * math.sin(math.radians(colour.hue))
    long = (colour.lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (colour.lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (colour.lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )


def _to_hex(colour: _Oklch) -> str:
    """Return the nearest colour a screen can show: chroma gives way, lightness and hue stay."""
    shown, low, high = colour, 0.0, colour.chroma
    if not _in_gamut(colour):
        for _ in range(16):
            middle = (low + high) / 2
            shown = _Oklch(colour.lightness, middle, colour.hue)
            low, high = (middle, high) if _in_gamut(shown) else (low, middle)
        shown = _Oklch(colour.lightness, low, colour.hue)
    return "#" + "".join(f"{_encoded(channel):02x}" for channel in _to_linear(shown))


def _in_gamut(colour: _Oklch) -> bool:
    return all(-_GAMUT_SLACK <= channel <= 1 + _GAMUT_SLACK for channel in _to_linear(colour))


def _encoded(channel: float) -> int:
    value = min(max(channel, 0.0), 1.0)
    shown = value * 12.92 if value <= _STRAIGHT_LINEAR else 1.055 * value ** (1 / 2.4) - 0.055
    return round(shown * 255)
