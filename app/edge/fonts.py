"""The files of the fonts that a brand may choose, and the addresses they are served at."""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from app.branding import FONTS, SYSTEM_FONT

# Also draws the initials of a brand without an icon.
_MARK_FONT = "inter"
_VERSION_LENGTH = 16


class FontShelf:
    """The fonts below the app's static files, read once when the process starts."""

    def __init__(self, static: Path) -> None:
        self._folder = static / "fonts"
        self._addresses: Mapping[str, str] = {
            name: _address(self._file(name)) for name in FONTS if name != SYSTEM_FONT
        }

    @property
    def mark_font(self) -> Path:
        """The file that initials are drawn with."""
        return self._file(_MARK_FONT)

    def address(self, font: str) -> str:
        """Return where a font is served, with its content's hash; nothing for the system's own."""
        return self._addresses.get(font, "")

    def _file(self, font: str) -> Path:
        return self._folder / f"{font}.woff2"


def _address(file: Path) -> str:
    version = sha256(file.read_bytes()).hexdigest()[:_VERSION_LENGTH]
    return f"/static/fonts/{file.name}?v={version}"
