"""The site's style sheet, web app manifest and theme files."""

from flask import Blueprint, Response, jsonify, request, send_from_directory
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from app.edge import Where, current_brand, current_edge, declare

bp = Blueprint("brand", __name__)
declare(bp, where=Where.ALL_SITES, is_open_when_closed=True)

# The address carries the version, so what it names never changes; `private` because a shared
# cache that forgot the host would dress one brand as another (rules R20, R21).
_FOREVER = "private, max-age=31536000, immutable"
_BRIEFLY = "private, max-age=60"


@bp.get("/brand.css")
def style_sheet() -> ResponseReturnValue:
    """Answer the brand's colours and shapes; 304 while they have not changed."""
    brand = current_brand()
    answer = Response(brand.css, mimetype="text/css")
    answer.set_etag(brand.version)
    answer.headers["Cache-Control"] = _FOREVER if request.args.get("v") else _BRIEFLY
    answer.vary.add("Host")
    return answer.make_conditional(request)


@bp.get("/manifest.webmanifest")
def manifest() -> ResponseReturnValue:
    """Answer what a phone needs to install the site under the brand's own name."""
    brand = current_brand()
    icons = [{"src": brand.favicon_url, "sizes": "any"}] if brand.favicon_url else []
    answer = jsonify(
        name=brand.name,
        short_name=brand.name[:12],
        lang=brand.language,
        start_url="/portal/",
        scope="/",
        display="standalone",
        theme_color=brand.tokens.accent,
        background_color=brand.tokens.surface,
        icons=icons,
    )
    answer.mimetype = "application/manifest+json"
    answer.headers["Cache-Control"] = _BRIEFLY
    answer.vary.add("Host")
    return answer


@bp.get("/theme/<name>/<path:file>")
def theme_file(name: str, file: str) -> ResponseReturnValue:
    """Answer a static file of an installed theme."""
    theme = current_edge().themes.find(name)
    if theme is None:
        raise NotFound
    answer = send_from_directory(theme.static, file)
    answer.headers["Cache-Control"] = _FOREVER if request.args.get("v") else _BRIEFLY
    return answer
