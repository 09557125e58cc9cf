"""The site's style sheet, pictures and theme files."""

from flask import Blueprint, Response, request, send_from_directory
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from app.branding import MARK_FILES, Asset, draw_mark, find_asset, mark_hash
from app.edge import Where, current_brand, current_edge, current_site, declare
from app.kernel import transaction
from app.tenancy import TenantScope

bp = Blueprint("brand", __name__)
declare(bp, where=Where.ALL_SITES, is_open_when_closed=True)

# The address carries the version, so what it names never changes; `private` because a shared
# cache that forgot the host would dress one brand as another (rules R20, R21).
_FOREVER = "private, max-age=31536000, immutable"
_BRIEFLY = "private, max-age=60"
# Somebody may open an uploaded drawing as a page: it shows, and can do nothing (rule R25).
_ONLY_A_PICTURE = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


@bp.get("/brand.css")
def style_sheet() -> ResponseReturnValue:
    """Answer the brand's colours and shapes; 304 while they have not changed."""
    brand = current_brand()
    answer = Response(brand.css, mimetype="text/css")
    answer.set_etag(brand.version)
    answer.headers["Cache-Control"] = _FOREVER if request.args.get("v") else _BRIEFLY
    answer.vary.add("Host")
    return answer.make_conditional(request)


@bp.get("/brand/<hash_>/<name>")
def picture(hash_: str, name: str) -> ResponseReturnValue:
    """Answer a picture of this very tenant: an uploaded one, or its initials (rule R21)."""
    asset = _find(hash_, name)
    if asset is None:
        raise NotFound
    answer = Response(asset.content, mimetype=asset.media_type)
    answer.set_etag(f"{hash_}-{name}")
    answer.headers["Cache-Control"] = _FOREVER
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Content-Security-Policy"] = _ONLY_A_PICTURE
    # A mail program in a browser shows it on another origin.
    answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    answer.vary.add("Host")
    return answer.make_conditional(request)


@bp.get("/theme/<name>/<path:file>")
def theme_file(name: str, file: str) -> ResponseReturnValue:
    """Answer a static file of an installed theme."""
    theme = current_edge().themes.find(name)
    if theme is None:
        raise NotFound
    answer = send_from_directory(theme.static, file)
    answer.headers["Cache-Control"] = _FOREVER if request.args.get("v") else _BRIEFLY
    return answer


def _find(hash_: str, name: str) -> Asset | None:
    brand = current_brand()
    if name in MARK_FILES and hash_ == mark_hash(brand):
        font = current_edge().fonts.mark_font
        return Asset("image/png", draw_mark(brand, name, font=font))
    scope = TenantScope(current_site().tenant_id)
    with transaction(scope) as session:
        return find_asset(session, scope, hash_=hash_, name=name)
