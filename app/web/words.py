import flask_babel


def gettext(text: str, **facts: object) -> str:
    """Return a text in the language of the request, its placeholders filled."""
    return str(flask_babel.gettext(text, **facts))
