"""Where a redirect may lead: somewhere on this very host, nowhere else (rules R16, R17)."""

from urllib.parse import unquote, urlsplit

from flask import Flask, redirect, request
from werkzeug.wrappers import Response


def safe_next(target: str | None, *, otherwise: str) -> str:
    r"""Return `target` if it is a plain path of this site, else `otherwise`.

    Refused: other hosts in any dress (`//evil`, `/\\evil`, `https:evil`, `user@host`), control
    characters, also percent-encoded, and anything that does not start with one slash.
    """
    if not target or not target.startswith("/"):
        return otherwise
    # Browsers read a backslash as a slash and drop tabs and line ends, so look at the decoded form.
    decoded = unquote(unquote(target))
    if not decoded.isprintable() or "\\" in decoded or decoded.startswith("//"):
        return otherwise
    parts = urlsplit(target)
    if parts.scheme or parts.netloc:
        return otherwise
    return target


def collapse_slashes(app: Flask) -> None:
    """Answer `//evil.example/…` with the path it means before any view can redirect to it."""
    app.before_request(_collapse)


def _collapse() -> Response | None:
    # Werkzeug shows views a path with its leading slashes collapsed; the raw one tells.
    if not request.environ.get("PATH_INFO", "").startswith(("//", "/\\")):
        return None
    query = f"?{request.query_string.decode('ascii', 'ignore')}" if request.query_string else ""
    return redirect("/" + request.path.lstrip("/\\") + query, code=308)
