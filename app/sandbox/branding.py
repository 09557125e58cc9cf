"""How a merchant's hosted page looks: `branding_settings` checked, and turned into colours."""

import re
from dataclasses import dataclass

from app.sandbox.errors import InvalidParameterError
from app.sandbox.json_types import Json
from app.sandbox.parameters import Params

DEFAULT_NAME = "Kontor Sandbox"
_DEFAULT_BUTTON = "#1f5eff"
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_RADII = {"rounded": "8px", "rectangular": "0", "pill": "24px"}
_SERIF = frozenset({"bitter", "hahmlet", "lora", "noto_serif", "pt_serif", "roboto_slab", "pridi"})
_MONO = frozenset({"inconsolata", "m_plus_1_code", "ubuntu_mono"})
_SANS = frozenset(
    [
        "be_vietnam_pro",
        "chakra_petch",
        "default",
        "inter",
        "lato",
        "montserrat",
        "noto_sans_jp",
        "noto_sans",
        "nunito",
        "open_sans",
        "pt_sans",
        "raleway",
        "roboto",
        "source_sans_pro",
        "titillium_web",
        "zen_maru_gothic",
    ]
)
_NAMES_IN_METADATA = ("merchant_name", "brand", "merchant")


@dataclass(frozen=True)
class Look:
    """What the page needs to know of a brand; every value is safe inside a style sheet."""

    name: str
    accent: str
    on_accent: str
    backdrop: str
    on_backdrop: str
    radius: str
    family: str

    @property
    def initial(self) -> str:
        """The letter that stands for a logo."""
        return self.name[:1].upper()


def parsed(params: Params) -> Json | None:
    """Return the checked `branding_settings`, or None where there are none."""
    given = params.nested("branding_settings")
    if not given.values:
        return None
    given.only(
        "background_color",
        "border_style",
        "button_color",
        "display_name",
        "font_family",
        "icon",
        "logo",
    )
    return {
        "background_color": _colour(given, "background_color") or "#ffffff",
        "border_style": given.choice("border_style", _RADII) or "rounded",
        "button_color": _colour(given, "button_color") or _DEFAULT_BUTTON,
        "display_name": given.text("display_name", 200) or DEFAULT_NAME,
        "font_family": given.choice("font_family", sorted(_SANS | _SERIF | _MONO)) or "default",
        "icon": _image(given.nested("icon")),
        "logo": _image(given.nested("logo")),
    }


def look(session: Json) -> Look:
    """Return the look of a session's page; metadata may name a merchant without settings."""
    settings = session["branding_settings"] or {}
    metadata = session["metadata"]
    named = [metadata[key] for key in _NAMES_IN_METADATA if metadata.get(key)]
    accent = settings.get("button_color", _DEFAULT_BUTTON)
    backdrop = settings.get("background_color", "#ffffff")
    name = settings.get("display_name", DEFAULT_NAME)
    if name == DEFAULT_NAME and named:
        name = named[0]
    return Look(
        name=name,
        accent=accent,
        on_accent=_readable_on(accent),
        backdrop=backdrop,
        on_backdrop=_readable_on(backdrop),
        radius=_RADII[settings.get("border_style", "rounded")],
        family=_family(settings.get("font_family", "default")),
    )


def _colour(given: Params, name: str) -> str | None:
    value = given.text(name)
    if value is not None and not _COLOUR.fullmatch(value):
        raise InvalidParameterError(
            f"Invalid color: {value}. Colors must be hex values such as #1f5eff.",
            param=given.param(name),
        )
    return value.lower() if value else None


def _image(given: Params) -> Json | None:
    if not given.values:
        return None
    given.only("type", "url", "file")
    kind = given.choice("type", ("url", "file"))
    if kind is None:
        raise given.missing("type")
    return {"type": kind, kind: given.address("url") if kind == "url" else given.text("file")}


def _family(font: str) -> str:
    if font in _SERIF:
        return "Georgia, 'Times New Roman', serif"
    if font in _MONO:
        return "ui-monospace, 'Cascadia Code', Menlo, Consolas, monospace"
    return "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif"


def _readable_on(colour: str) -> str:
    """Return the ink, light or dark, that contrasts more with a colour (WCAG 2.1)."""
    luminance = _luminance(colour)
    on_white, on_ink = (
        1.05 / (luminance + 0.05),
        (luminance + 0.05) / (_luminance("#16181d") + 0.05),
    )
    return "#ffffff" if on_white >= on_ink else "#16181d"


def _luminance(colour: str) -> float:
    shares = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4  # noqa: PLR2004 - sRGB
        for share in shares
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
