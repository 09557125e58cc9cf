from flask import request

from app.branding import PictureKind, PictureSet, make_pictures


def uploaded_picture(kind: PictureKind) -> PictureSet | None:
    """Return what is made of the file that came with the form, None without one.

    Refuses a file that is no picture. This draws, so it belongs outside of every transaction.
    """
    file = request.files.get(f"{kind.value}_file")
    if file is None:
        return None
    content = file.read()
    file.close()
    return make_pictures(kind, content) if content else None
