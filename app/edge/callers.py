from flask import current_app, request

from app.edge.declarations import declaration_of

PROBLEM = "application/problem+json"
_PAGE, _DATA = "text/html", ("application/json", PROBLEM)


def is_api() -> bool:
    """True if the request is for the API: a program with a key, never a person."""
    return request.path.startswith("/api/")


def is_machine() -> bool:
    """True if the answer goes to a program: the API, a webhook, a script that asks for data."""
    if is_api():
        return True
    declaration = declaration_of(current_app, request.endpoint)
    if declaration is not None and declaration.is_for_machines:
        return True
    accepted = request.accept_mimetypes
    return accepted.best_match([_PAGE, *_DATA]) in _DATA or "text/event-stream" in accepted.values()
