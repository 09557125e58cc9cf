"""The key of an authenticator app as a page shows it: a picture to scan, a text to type."""

from __future__ import annotations

from dataclasses import dataclass

import segno
from markupsafe import Markup

from app.identity import app_address, key_text

_GROUP = 4
# Pixels of a square of the picture at its natural size; the style sheet fits it to the page.
_SCALE = 5


@dataclass(frozen=True, slots=True)
class AppKey:
    """`picture` is SVG that needs neither script nor another request; `text` is in groups of four.

    `address` opens an app on the same device, where there is one.
    """

    picture: Markup
    text: str
    address: str


def app_key(secret: bytes, *, account: str, issuer: str) -> AppKey:
    """Return what a page shows of a key, named after the brand and the person's address."""
    address = app_address(secret, account=account, issuer=issuer)
    # Dark on light in every theme: cameras read no other way round.
    picture = segno.make(address, error="m", micro=False).svg_inline(
        scale=_SCALE, dark="#000", light="#fff", omitsize=True
    )
    text = key_text(secret)
    groups = [text[at : at + _GROUP] for at in range(0, len(text), _GROUP)]
    return AppKey(Markup(picture), " ".join(groups), address)  # noqa: S704 - segno's own SVG
