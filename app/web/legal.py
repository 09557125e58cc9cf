"""The reseller's legal pages on her own site: her text, or the way to where it is."""

from flask import Blueprint, redirect, render_template
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from app.branding import find_brand, read_text
from app.edge import Where, current_site, declare
from app.kernel import transaction
from app.tenancy import TenantScope

bp = Blueprint("legal", __name__)
# Whoever has paid into a site that was closed must still learn whose it is.
declare(bp, where=Where.ALL_SITES, is_open_when_closed=True)


@bp.get("/imprint")
def imprint() -> ResponseReturnValue:
    """Show the legal notice."""
    return _legal_page("imprint")


@bp.get("/privacy")
def privacy() -> ResponseReturnValue:
    """Show the privacy notice."""
    return _legal_page("privacy")


@bp.get("/terms")
def terms() -> ResponseReturnValue:
    """Show the terms."""
    return _legal_page("terms")


def _legal_page(page: str) -> ResponseReturnValue:
    scope = TenantScope(current_site().tenant_id)
    with transaction(scope) as session:
        look = find_brand(session, scope)
    text: str = getattr(look, f"{page}_text", "")
    if text.strip():
        return render_template("legal.html", page=page, blocks=read_text(text))
    link: str = getattr(look, f"{page}_url", "")
    if link in {"", f"/{page}"}:
        raise NotFound
    return redirect(link)
