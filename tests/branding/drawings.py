"""Pictures to upload, drawn for the test that needs them."""

import io
from typing import Any

from PIL import Image


def a_picture(
    width: int,
    height: int,
    *,
    format_: str = "PNG",
    colour: tuple[int, int, int, int] = (15, 110, 132, 255),
    **options: Any,  # noqa: ANN401 - Pillow's own
) -> bytes:
    """A plain rectangle as a file."""
    kept = io.BytesIO()
    Image.new("RGBA", (width, height), colour).save(kept, format_, **options)
    return kept.getvalue()
