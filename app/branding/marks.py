"""Icons of a brand that has no picture for them: its initials on its accent."""

import hashlib
import io
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from app.branding.looks import BrandLook
from app.branding.rules import BrandTokens, colour_roles

# Name of the file -> side, and whether a phone may cut it to any shape.
MARK_FILES = {
    "icon-32.png": (32, False),
    "icon-180.png": (180, True),
    "icon-192.png": (192, False),
    "icon-512.png": (512, False),
    "icon-maskable-512.png": (512, True),
}
_RECIPE = "1"
_HASH_LENGTH = 32
_MOST_LETTERS = 2
_LAST_OF_LATIN = 0xFF
_WEIGHT = 650
# Drawn four times as large and shrunk: Pillow's own curves have steps.
_FINER = 4


def mark_hash(look: BrandLook) -> str:
    """Return what names the drawn icons: it changes when they would look different."""
    drawn = "\0".join((_RECIPE, *_drawn(look)))
    return hashlib.sha256(drawn.encode()).hexdigest()[:_HASH_LENGTH]


def draw_mark(look: BrandLook, name: str, *, font: Path) -> bytes:
    """Return one of `MARK_FILES` as PNG; `font` is a variable font with the axis of weight."""
    return _png(_drawn(look), name, font)


def initials(name: str) -> str:
    """Return one or two capitals; nothing for a name whose letters the font does not have."""
    words = [word for word in name.replace("-", " ").split() if word[0].isalnum()]
    letters = "".join(word[0] for word in words[:_MOST_LETTERS]).upper()[:_MOST_LETTERS]
    return letters if all(ord(each) <= _LAST_OF_LATIN for each in letters) else ""


def _drawn(look: BrandLook) -> tuple[str, str, str]:
    return initials(look.name), *_colours(look.tokens)


@lru_cache(maxsize=256)
def _colours(tokens: BrandTokens) -> tuple[str, str]:
    roles = colour_roles(tokens, "light")
    return roles["accent"], roles["on-accent"]


@lru_cache(maxsize=256)
def _png(drawn: tuple[str, str, str], name: str, font: Path) -> bytes:
    (letters, ground, ink), (side, is_full) = drawn, MARK_FILES[name]
    size = side * _FINER
    icon = Image.new("RGBA", (size, size), ground if is_full else (0, 0, 0, 0))
    pen = ImageDraw.Draw(icon)
    if not is_full:
        pen.rounded_rectangle((0, 0, size - 1, size - 1), radius=size * 0.22, fill=ground)
    middle = size / 2
    if letters:
        type_ = ImageFont.truetype(str(font), round(size * (0.42 if len(letters) > 1 else 0.54)))
        type_.set_variation_by_axes([_WEIGHT])
        pen.text((middle, middle), letters, font=type_, fill=ink, anchor="mm")
    else:
        reach, line = size * 0.2, round(size * 0.08)
        box = (middle - reach, middle - reach, middle + reach, middle + reach)
        pen.ellipse(box, outline=ink, width=line)
    kept = io.BytesIO()
    icon.resize((side, side), Image.Resampling.LANCZOS).save(kept, "PNG", optimize=True)
    return kept.getvalue()
