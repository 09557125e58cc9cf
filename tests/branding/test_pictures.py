from __future__ import annotations

import io
import re
import struct
import time
import zlib

import pytest
from PIL import Image

from app.branding import (
    PictureKind,
    PictureRefusedError,
    PictureTooLargeError,
    PictureTooSmallError,
    PictureTooWideError,
    make_pictures,
)
from tests.branding.drawings import a_picture

LOGO, ICON = PictureKind.LOGO, PictureKind.FAVICON
OPEN = b'<svg xmlns="http://www.w3.org/2000/svg">'
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0h9v9z"/></svg>'
# Ten to the ninth letters, if somebody believed it.
ENTITIES = (
    '<!DOCTYPE svg [<!ENTITY a0 "aaaaaaaaaa">'
    + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 9))
    + ']><svg xmlns="http://www.w3.org/2000/svg"><text>&a8;</text></svg>'
).encode()


def copies_of_copies(deep: int, reference: str) -> bytes:
    """Ten to the power of `deep` squares, in a few lines."""
    layers = "".join(
        f'<g id="a{n}">{reference.format(f"#a{n - 1}") * 10}</g>' for n in range(1, deep + 1)
    )
    return OPEN + f'<rect id="a0" width="1" height="1"/>{layers}</svg>'.encode()


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


@pytest.mark.parametrize("format_", ["PNG", "WEBP"])
def test_a_logo_becomes_two_densities_and_a_png_for_messages(format_: str) -> None:
    made = make_pictures(LOGO, a_picture(704, 144, format_=format_))

    files = {each.name: opened(each.content) for each in made.pictures}
    assert {name: image.size for name, image in files.items()} == {
        "logo.webp": (176, 36),
        "logo-2x.webp": (352, 72),
        "logo.png": (352, 72),
    }
    assert made.url == f"/brand/{made.hash}/logo.webp"


def test_a_small_logo_is_never_blown_up() -> None:
    made = make_pictures(LOGO, a_picture(80, 40))

    assert [opened(each.content).size for each in made.pictures] == [(72, 36), (80, 40), (80, 40)]


def test_an_icon_becomes_every_size_a_phone_asks_for() -> None:
    made = make_pictures(ICON, a_picture(400, 200, colour=(200, 0, 0, 0)))

    files = {each.name: opened(each.content) for each in made.pictures}
    assert {name: image.size for name, image in files.items()} == {
        "icon-32.png": (32, 32),
        "icon-180.png": (180, 180),
        "icon-192.png": (192, 192),
        "icon-512.png": (512, 512),
        "icon-maskable-512.png": (512, 512),
    }
    # Apple and Android fill what is transparent as they like: these two leave nothing to fill.
    for name in ("icon-180.png", "icon-maskable-512.png"):
        assert files[name].convert("RGBA").getpixel((0, 0)) == (255, 255, 255, 255)
    assert files["icon-192.png"].convert("RGBA").getpixel((0, 0)) == (0, 0, 0, 0)


def test_a_picture_is_written_anew_so_nothing_hidden_in_it_is_served() -> None:
    secret = Image.Exif()
    secret[0x010E] = "taken at home"
    hidden = a_picture(200, 200, exif=secret)

    made = make_pictures(LOGO, hidden)

    assert b"taken at home" in hidden
    assert all(b"taken at home" not in each.content for each in made.pictures)


def test_the_same_upload_has_the_same_address_and_another_one_another() -> None:
    first, again = make_pictures(LOGO, a_picture(90, 90)), make_pictures(LOGO, a_picture(90, 90))

    assert first == again
    assert first.hash != make_pictures(LOGO, a_picture(90, 91)).hash
    assert make_pictures(LOGO, SVG).hash != make_pictures(ICON, SVG).hash


@pytest.mark.parametrize(
    "danger",
    [
        b"<script>alert(1)</script>",
        b'<rect onload="alert(1)" width="1" height="1"/>',
        b'<image href="https://evil.example/x.png"/>',
        b'<use href="https://evil.example/x.svg#a"/>',
        b"<style>@import url(//evil.example/x.css);</style>",
        b"<style>@import 'https://evil.example/x.css';</style>",
        b"<style>path{fill:url(https://evil.example/x.svg)}</style>",
        b'<a href="javascript:alert(1)"><text>x</text></a>',
        b'<foreignObject><body xmlns="http://www.w3.org/1999/xhtml">x</body></foreignObject>',
    ],
)
def test_r25_an_svg_loses_everything_that_acts_or_loads(danger: bytes) -> None:
    made = make_pictures(LOGO, SVG.replace(b"</svg>", danger + b"</svg>"))

    (drawing,) = made.pictures
    assert drawing.media_type == "image/svg+xml"
    assert b"<path" in drawing.content
    for word in (b"script", b"onload", b"javascript", b"foreignObject", b"@import"):
        assert word not in drawing.content
    # A rest of a rule may stay as words; nothing refers to it.
    assert not re.search(rb"(?:href=|url\(|src)[^>;]*evil", drawing.content)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GIF89a" + b"\0" * 40,
        b"\xff\xd8\xff\xe0" + b"\0" * 40,
        b"<html><body>hello</body></html>",
        b"<svg",
        ENTITIES,
        b"\x89PNG\r\n\x1a\n" + b"\0" * 100,
        a_picture(300, 300)[:200],
        b"RIFF\x10\0\0\0WEBPVP8 " + b"\0" * 20,
        b'<svg xmlns="http://www.w3.org/2000/svg">' + b"<g/>" * 6_000 + b"</svg>",
    ],
    ids=[
        "empty", "gif", "jpeg", "page", "cut-svg", "entities", "false-png", "cut-png",
        "false-webp", "crowded-svg",
    ],
)  # fmt: skip
def test_what_is_no_picture_of_ours_is_refused(content: bytes) -> None:
    for kind in PictureKind:
        with pytest.raises(PictureRefusedError) as refused:
            make_pictures(kind, content)

        assert refused.value.facts["field"] == kind.value


def test_a_file_with_too_many_bytes_is_refused_before_it_is_read() -> None:
    with pytest.raises(PictureTooLargeError):
        make_pictures(LOGO, b"\x89PNG\r\n\x1a\n" + b"\0" * 1_000_000)
    with pytest.raises(PictureTooLargeError):
        make_pictures(LOGO, SVG + b" " * 300_000)


@pytest.mark.parametrize("side", [4_097, 12_000, 60_000])
def test_a_small_file_that_unpacks_to_gigabytes_is_refused(side: int) -> None:
    bomb = _png_header(side, side)

    with pytest.raises(PictureTooWideError):
        make_pictures(ICON, bomb)


def test_a_picture_with_too_few_pixels_is_refused() -> None:
    with pytest.raises(PictureTooSmallError):
        make_pictures(LOGO, a_picture(300, 35))
    with pytest.raises(PictureTooSmallError):
        make_pictures(ICON, a_picture(192, 191))


def _png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        checked = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + checked

    size = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    rows = chunk(b"IDAT", zlib.compress(b"\0" * 1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + rows + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "reference",
    ['<use href="{}"/>', '<rect fill="url({})"/>', '<rect style="mask:url({})"/>'],
)
def test_a_drawing_of_copies_of_copies_is_refused(reference: str) -> None:
    with pytest.raises(PictureRefusedError):
        make_pictures(LOGO, copies_of_copies(9, reference))

    make_pictures(LOGO, copies_of_copies(2, reference))


def test_a_style_sheet_multiplies_no_more_than_attributes_do() -> None:
    def drawing(deep: int) -> bytes:
        layers = "".join(
            f'<pattern id="p{n}">' + f'<rect class="c{n - 1}"/>' * 10 + "</pattern>"
            for n in range(1, deep + 1)
        )
        sheet = "".join(f"rect.c{n}, .d{{fill:url(#p{n})}}" for n in range(1, deep + 1))
        return OPEN + f'<style>{sheet}</style>{layers}<rect class="c{deep}"/></svg>'.encode()

    with pytest.raises(PictureRefusedError):
        make_pictures(LOGO, drawing(9))

    make_pictures(LOGO, drawing(2))


def test_a_drawing_that_refers_to_itself_is_refused() -> None:
    ring = b'<g id="a"><use href="#b"/></g><g id="b"><use href="#a"/></g></svg>'

    with pytest.raises(PictureRefusedError):
        make_pictures(LOGO, OPEN + ring)


@pytest.mark.parametrize(
    "content",
    [b"<g>" * 50_000, b"<g>" * 4_000 + b"</g>" * 4_000 + b"</svg>"],
    ids=["never-closed", "closed"],
)
def test_a_drawing_that_is_nested_without_end_is_refused_at_once(content: bytes) -> None:
    started = time.monotonic()

    with pytest.raises(PictureRefusedError):
        make_pictures(LOGO, OPEN + content)

    assert time.monotonic() - started < 5
