"""The form of the brand editor: what was typed and uploaded, read into a look."""

from __future__ import annotations

from collections.abc import Mapping

from app.branding import (
    LEGAL_PAGES,
    BrandLook,
    PictureKind,
    PictureSet,
    clean_text,
    look_of,
    values_of,
)
from app.web.typed import Typed, UnknownChoiceError
from app.web.uploads import uploaded_picture

_LINES = (
    "name", "theme", "language", "font", "accent", "surface", "radius", "density", "mode",
    "support_email", "support_phone", "greeting", "sender_name", "reply_to", "statement_suffix",
)  # fmt: skip
_COLOURS = frozenset({"accent", "surface"})
_SHORT_COLOUR = 6
_OPTION = "option-"


def read_look(fields: Mapping[str, str], *, base: BrandLook) -> BrandLook:
    """Return the look that a form describes; what it does not ask for stays as in `base`.

    Refuses, naming the field, a value that cannot be used, and a picture from elsewhere.
    """
    typed, values = Typed(fields), values_of(base)
    for name in (*_LINES, *(f"{page}_url" for page in LEGAL_PAGES)):
        if name in fields:
            line = clean_text(typed.optional_text(name)).replace("\n", " ").strip()
            values[name] = _colour(line) if name in _COLOURS else line
    for page in LEGAL_PAGES:
        if f"{page}_text" in fields:
            values[f"{page}_text"] = clean_text(typed.optional_text(f"{page}_text"))
    for kind in PictureKind:
        values[f"{kind.value}_url"] = _picture(typed, kind, base=base)
    options = {
        name.removeprefix(_OPTION): typed.optional_text(name)
        for name in fields
        if name.startswith(_OPTION)
    }
    values["theme_options"] = options or dict(base.theme_options)
    return look_of(values)


def uploaded_pictures() -> dict[PictureKind, PictureSet]:
    """Return what is made of the files that came with the form; refuses a file that is no picture.

    This draws, so it belongs outside of every transaction.
    """
    found = {kind: uploaded_picture(kind) for kind in PictureKind}
    return {kind: made for kind, made in found.items() if made is not None}


def _picture(typed: Typed, kind: PictureKind, *, base: BrandLook) -> str:
    name = f"{kind.value}_url"
    before: str = getattr(base, name)
    if typed.is_ticked(f"{kind.value}_remove"):
        return ""
    url = typed.optional_text(name)
    # Whether it is this reseller's own is asked when it is kept.
    if url not in {"", before} and not url.startswith("/brand/"):
        raise UnknownChoiceError(field=kind.value)
    return url


def _colour(line: str) -> str:
    bare = line.lower().removeprefix("#")
    return f"#{bare}" if len(bare) == _SHORT_COLOUR else line
