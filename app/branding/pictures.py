"""What is made of an uploaded logo or favicon. The type is what the content says, never a name.

A PNG or WebP is read by Pillow and written anew in the sizes that pages, phones and messages need;
nothing of the original is kept, so neither is what hides in its metadata. An SVG is sanitised
(scripts, references elsewhere and event handlers go); nothing here draws an SVG, so a phone's icon
is then drawn from the initials (`marks.py`).
"""

import hashlib
import io
import re
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

import py_svg_hush
from PIL import Image, ImageOps

from app.branding.drawing_weights import MOST_ELEMENTS, is_modest_drawing
from app.branding.errors import (
    PictureRefusedError,
    PictureTooLargeError,
    PictureTooSmallError,
    PictureTooWideError,
)

MOST_BYTES = 900 * 1024
MOST_SVG_BYTES = 200 * 1024
MOST_PIXELS = 4096
LEAST_LOGO_HEIGHT = 36
LEAST_ICON_SIDE = 192
# An element has two of them; the sanitiser's time grows with the square of how deep they lie.
_MOST_SVG_TAGS = 2 * MOST_ELEMENTS
# The place of a logo on every page, in CSS pixels; the 2x file is twice that.
LOGO_BOX = (176, 36)
ICON_SIDES = (32, 180, 192, 512)
# A phone may cut a maskable icon to any shape within the inner 80 per cent (W3C: manifest).
_MASKABLE_SIDE, _MASKABLE_INNER = 512, 400
_HASH_LENGTH = 32
_OPAQUE = 255
# Whatever is made differently must have another address: raise it when a line below changes.
_RECIPE = b"1"
_PNG, _WEBP, _SVG = "image/png", "image/webp", "image/svg+xml"
_MAGIC: Mapping[str, re.Pattern[bytes]] = {
    "PNG": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "WEBP": re.compile(rb"RIFF....WEBP", re.DOTALL),
}
_SVG_START = re.compile(rb"(?:\xef\xbb\xbf)?\s*<")
_SVG_ROOT = re.compile(rb"(?:<\?[^>]*>\s*)?<svg[\s>/]")
# What Pillow raises over a picture that lies about itself.
_BROKEN = (OSError, ValueError, SyntaxError, EOFError, IndexError, struct.error, zlib.error)


class PictureKind(Enum):
    """What a picture is for; the value is the field of a form."""

    LOGO = "logo"
    FAVICON = "favicon"


@dataclass(frozen=True, slots=True)
class Picture:
    """One file made of an upload."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class PictureSet:
    """All files made of one upload. `hash` names the content that they were made from."""

    hash: str
    main: str
    pictures: tuple[Picture, ...]

    @property
    def url(self) -> str:
        """Return the path of the file that the brand names."""
        return picture_path(self.hash, self.main)


def picture_path(hash_: str, name: str) -> str:
    """Return where a file of a brand is served, on the tenant's own hosts alone."""
    return f"/brand/{hash_}/{name}"


def make_pictures(kind: PictureKind, content: bytes) -> PictureSet:
    """Return the files made of an upload.

    Refuses, naming the field: what is no PNG, WebP or SVG or is broken, too many bytes (900 kB,
    SVG 200 kB), more than 4096 pixels in either direction, a logo less than 36 pixels high, an
    icon less than 192 pixels wide or high.
    """
    if len(content) > MOST_BYTES:
        raise PictureTooLargeError(field=kind.value, most=MOST_BYTES // 1024)
    for format_, magic in _MAGIC.items():
        if magic.match(content):
            image = _read(kind, content, format_)
            make = _logo_files if kind is PictureKind.LOGO else _icon_files
            return _named(kind, content, make(kind, image))
    if _SVG_START.match(content):
        return _named(kind, content, [_svg_file(kind, content)])
    raise PictureRefusedError(field=kind.value)


def _named(kind: PictureKind, content: bytes, pictures: list[Picture]) -> PictureSet:
    digest = hashlib.sha256(b"\0".join((_RECIPE, kind.value.encode(), content))).hexdigest()
    return PictureSet(digest[:_HASH_LENGTH], pictures[0].name, tuple(pictures))


def _svg_file(kind: PictureKind, content: bytes) -> Picture:
    if len(content) > MOST_SVG_BYTES:
        raise PictureTooLargeError(field=kind.value, most=MOST_SVG_BYTES // 1024)
    if content.count(b"<") > _MOST_SVG_TAGS:
        raise PictureRefusedError(field=kind.value)
    try:
        clean = py_svg_hush.filter_svg(content)
    except ValueError as broken:
        raise PictureRefusedError(field=kind.value) from broken
    is_small = len(clean) <= 2 * MOST_SVG_BYTES and _SVG_ROOT.match(clean)
    if not is_small or not is_modest_drawing(clean):
        raise PictureRefusedError(field=kind.value)
    return Picture("logo.svg" if kind is PictureKind.LOGO else "icon.svg", _SVG, clean)


def _read(kind: PictureKind, content: bytes, format_: str) -> Image.Image:
    try:
        # Reads the header alone: the size is known before a single pixel is unpacked.
        image: Image.Image = Image.open(io.BytesIO(content), formats=[format_])
        if max(image.size) > MOST_PIXELS:
            raise PictureTooWideError(field=kind.value, most=MOST_PIXELS)
        image.load()
        upright = ImageOps.exif_transpose(image)
        return upright.convert("RGBA")
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as bomb:
        raise PictureTooWideError(field=kind.value, most=MOST_PIXELS) from bomb
    except _BROKEN as broken:
        raise PictureRefusedError(field=kind.value) from broken


def _logo_files(kind: PictureKind, image: Image.Image) -> list[Picture]:
    if image.height < LEAST_LOGO_HEIGHT or image.width < LEAST_LOGO_HEIGHT:
        raise PictureTooSmallError(field=kind.value, least=LEAST_LOGO_HEIGHT)
    single, double = (_within(image, LOGO_BOX[0] * by, LOGO_BOX[1] * by) for by in (1, 2))
    return [
        Picture("logo.webp", _WEBP, _written(single, "WEBP")),
        Picture("logo-2x.webp", _WEBP, _written(double, "WEBP")),
        # Mail programs and documents read no WebP.
        Picture("logo.png", _PNG, _written(double, "PNG")),
    ]


def _icon_files(kind: PictureKind, image: Image.Image) -> list[Picture]:
    if min(image.size) < LEAST_ICON_SIDE:
        raise PictureTooSmallError(field=kind.value, least=LEAST_ICON_SIDE)
    ground = _ground(image)
    files = []
    for side in ICON_SIDES:
        # Apple fills what is transparent with black.
        is_solid = side == ICON_SIDES[1]
        icon = _squared(image, side, side, ground if is_solid else (0, 0, 0, 0))
        files.append(Picture(f"icon-{side}.png", _PNG, _written(icon, "PNG")))
    masked = _squared(image, _MASKABLE_SIDE, _MASKABLE_INNER, ground)
    return [*files, Picture("icon-maskable-512.png", _PNG, _written(masked, "PNG"))]


def _within(image: Image.Image, width: int, height: int) -> Image.Image:
    scale = min(width / image.width, height / image.height, 1.0)
    size = (max(round(image.width * scale), 1), max(round(image.height * scale), 1))
    return image.resize(size, Image.Resampling.LANCZOS)


def _squared(
    image: Image.Image, side: int, inner: int, ground: tuple[int, int, int, int]
) -> Image.Image:
    scale = inner / max(image.size)
    size = (max(round(image.width * scale), 1), max(round(image.height * scale), 1))
    scaled = image.resize(size, Image.Resampling.LANCZOS)
    square = Image.new("RGBA", (side, side), ground)
    square.alpha_composite(scaled, ((side - size[0]) // 2, (side - size[1]) // 2))
    return square


def _ground(image: Image.Image) -> tuple[int, int, int, int]:
    """Return what lies around the drawing: the colour of an opaque corner, else white."""
    red, green, blue, alpha = image.crop((0, 0, 1, 1)).tobytes()
    return (red, green, blue, 255) if alpha == _OPAQUE else (255, 255, 255, 255)


def _written(image: Image.Image, format_: str) -> bytes:
    kept = io.BytesIO()
    options = {"method": 6, "quality": 90} if format_ == "WEBP" else {"optimize": True}
    image.save(kept, format_, **options)
    return kept.getvalue()
