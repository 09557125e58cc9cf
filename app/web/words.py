import flask_babel


def gettext(text: str, **facts: object) -> str:
    """Return a text in the language of the request, its placeholders filled."""
    return str(flask_babel.gettext(text, **facts))


def ngettext(one: str, several: str, number: int) -> str:
    """Return the form of a text that fits a number, which it names `%(num)s`."""
    return str(flask_babel.ngettext(one, several, number))
