"""The fonts that a brand may choose: served by the site itself, under open licences.

Each has a stand-in with the same measures (from a font that the system has), so that nothing
moves when the real one arrives. Measures: hhea and average width of the fonts themselves and of
Arial, Roboto, Times New Roman and Noto Serif, weighted by letter frequency (as capsize does).
"""

from collections.abc import Mapping
from dataclasses import dataclass

SYSTEM_FONT = "system"
_SANS = '-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,"Liberation Sans",sans-serif'
_SERIF = 'Georgia,"Times New Roman","Liberation Serif",serif'
_ARIAL = ("Arial", "Liberation Sans", "Helvetica")
_ROBOTO = ("Roboto",)
_TIMES = ("Times New Roman", "Liberation Serif", "Times")
_NOTO = ("Noto Serif",)


@dataclass(frozen=True, slots=True)
class _StandIn:
    """A font of the system, and what makes it as wide and high as the real one (per cent)."""

    local: tuple[str, ...]
    size: str
    ascent: str
    descent: str


@dataclass(frozen=True, slots=True)
class FontFamily:
    """One family on offer; `weights` are those its one variable file holds."""

    name: str
    title: str
    weights: str = ""
    stand_ins: tuple[_StandIn, ...] = ()
    others: str = _SANS


_FAMILIES = (
    FontFamily(SYSTEM_FONT, "System"),
    FontFamily(
        "inter", "Inter", "100 900",
        (
            _StandIn(_ARIAL, "107.12", "90.44", "22.52"),
            _StandIn(_ROBOTO, "107.35", "90.24", "22.47"),
        ),
    ),
    FontFamily(
        "source-sans", "Source Sans 3", "200 900",
        (
            _StandIn(_ARIAL, "93.76", "109.21", "42.66"),
            _StandIn(_ROBOTO, "93.97", "108.97", "42.57"),
        ),
    ),
    FontFamily(
        "figtree", "Figtree", "300 900",
        (
            _StandIn(_ARIAL, "100.72", "94.32", "24.82"),
            _StandIn(_ROBOTO, "100.94", "94.12", "24.77"),
        ),
    ),
    FontFamily(
        "nunito-sans", "Nunito Sans", "200 1000",
        (
            _StandIn(_ARIAL, "101.39", "99.71", "34.82"),
            _StandIn(_ROBOTO, "101.61", "99.49", "34.74"),
        ),
    ),
    FontFamily(
        "lora", "Lora", "400 700",
        (
            _StandIn(_TIMES, "115.20", "87.33", "23.78"),
            _StandIn(_NOTO, "97.30", "103.39", "28.16"),
        ),
        _SERIF,
    ),
)  # fmt: skip
FONTS: Mapping[str, FontFamily] = {each.name: each for each in _FAMILIES}


def font_css(font: str, address: str) -> str:
    """Return the rules that load a brand's font from `address` and use it for every text.

    Nothing for the system's own font: then the theme decides.
    """
    family = FONTS[font]
    if not family.stand_ins:
        return ""
    # `optional`: a font that is late is used from the next page on; a swap moves what stands there.
    faces = (
        f'@font-face{{font-family:"{family.title}";font-style:normal;font-display:optional;'
        f'font-weight:{family.weights};src:url("{address}") format("woff2");}}\n'
    )
    names = [f'"{family.title}"']
    for number, each in enumerate(family.stand_ins, start=1):
        name = f'"{family.title} stand-in {number}"'
        local = ",".join(f'local("{one}")' for one in each.local)
        faces += (
            f"@font-face{{font-family:{name};src:{local};size-adjust:{each.size}%;"
            f"ascent-override:{each.ascent}%;descent-override:{each.descent}%;"
            "line-gap-override:0%;}\n"
        )
        names.append(name)
    stack = ",".join((*names, family.others))
    uses = "--font-title:var(--font-text);--font-figure:var(--font-text);"
    return f"{faces}:root{{--font-text:{stack};{uses}}}\n"
