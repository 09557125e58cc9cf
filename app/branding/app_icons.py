"""Which files show a brand outside its pages: on a phone's home screen, in a tab, in a message."""

from dataclasses import dataclass

from app.branding.looks import BrandLook
from app.branding.marks import MARK_FILES, mark_hash
from app.branding.pictures import picture_path

_SCALABLE = ".svg"
_FROM_UPLOAD = "/icon-32.png"
_SIZES = {"icon-192.png": "192x192", "icon-512.png": "512x512", "icon-maskable-512.png": "512x512"}
_PNG, _SVG = "image/png", "image/svg+xml"


@dataclass(frozen=True, slots=True)
class AppIcon:
    """One icon as a web app manifest names it."""

    src: str
    sizes: str
    type: str
    purpose: str = "any"


def app_icons(look: BrandLook) -> tuple[AppIcon, ...]:
    """Return the icons of the installed app: the uploaded ones, else the initials as PNG.

    An uploaded SVG comes first, for whoever can draw it.
    """
    icons = [
        AppIcon(icon_path(look, name), sizes, _PNG, "maskable" if "maskable" in name else "any")
        for name, sizes in _SIZES.items()
    ]
    if look.favicon_url.endswith(_SCALABLE):
        icons.insert(0, AppIcon(look.favicon_url, "any", _SVG))
    return tuple(icons)


def icon_path(look: BrandLook, name: str) -> str:
    """Return the path of one of the PNG icons (`icon-180.png`): uploaded, else drawn."""
    if name not in MARK_FILES:
        raise KeyError(name)
    folder, slash, main = look.favicon_url.rpartition("/")
    if slash + main == _FROM_UPLOAD:
        return f"{folder}/{name}"
    return picture_path(mark_hash(look), name)


def favicon_path(look: BrandLook) -> str:
    """Return the icon of a tab: the uploaded one, else the initials."""
    return look.favicon_url or icon_path(look, "icon-32.png")


def logo_file(look: BrandLook, name: str) -> str:
    """Return another file of the uploaded logo (`logo-2x.webp`, `logo.png`).

    Empty where there is none: no logo, an SVG, or a picture of the installation.
    """
    folder, _, main = look.logo_url.rpartition("/")
    return f"{folder}/{name}" if main == "logo.webp" else ""
